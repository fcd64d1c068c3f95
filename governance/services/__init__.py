"""Writes of governance, one verb a function. Import what you need from here."""

from governance.services.access import (
    approve_request,
    deny_request,
    request_access,
    revoke_grant,
    withdraw_request,
)
from governance.services.decisions import decide, require
from governance.services.keys import anchor_key, delegations_for, signer_for
from governance.services.labels import add_label, remove_label
from governance.services.names import rename
from governance.services.policies import retire_policy, save_policy
from governance.services.principals import create_team, create_user, issue_token, revoke_token
from governance.services.sessions import check_password

__all__ = [
    "add_label",
    "anchor_key",
    "approve_request",
    "check_password",
    "create_team",
    "create_user",
    "decide",
    "delegations_for",
    "deny_request",
    "issue_token",
    "remove_label",
    "rename",
    "request_access",
    "require",
    "retire_policy",
    "revoke_grant",
    "revoke_token",
    "save_policy",
    "signer_for",
    "withdraw_request",
]
