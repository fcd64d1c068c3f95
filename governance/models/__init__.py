"""Who may do what, as tables. One file a subject; import what you need from here."""

from governance.models.access import (
    AccessRequest,
    Grant,
    GrantKind,
    GrantReview,
    LiveGrants,
    RequestComment,
    RequestState,
    ReviewVerdict,
)
from governance.models.audit import AuditEntry
from governance.models.campaigns import Campaign, CampaignItem, ItemVerdict
from governance.models.keys import SigningKey
from governance.models.labels import Label, LabelOrigin
from governance.models.policies import Policy, PolicyKind, PolicyState
from governance.models.principals import (
    ApiToken,
    Membership,
    PrincipalKind,
    Remembered,
    Team,
    TeamRole,
    User,
)

__all__ = [
    "AccessRequest",
    "ApiToken",
    "AuditEntry",
    "Campaign",
    "CampaignItem",
    "Grant",
    "GrantKind",
    "GrantReview",
    "ItemVerdict",
    "Label",
    "LabelOrigin",
    "LiveGrants",
    "Membership",
    "Policy",
    "PolicyKind",
    "PolicyState",
    "PrincipalKind",
    "Remembered",
    "RequestComment",
    "RequestState",
    "ReviewVerdict",
    "SigningKey",
    "Team",
    "TeamRole",
    "User",
]
