"""Sites, stores, replicas, transfers and wishes, as tables. Import what you need from here."""

from movement.models.audit import AuditCopy
from movement.models.places import (
    SITE_MOVES,
    Link,
    Site,
    SiteKind,
    SiteState,
    StorageTier,
    Store,
    StoreKind,
)
from movement.models.replicas import (
    REPLICA_MOVES,
    Arrival,
    Replica,
    ReplicaLock,
    ReplicaOrigin,
    ReplicaState,
)
from movement.models.scrubs import FindingKind, Scrub, ScrubFinding, ScrubState
from movement.models.transfers import (
    ACTIVE,
    TRANSFER_MOVES,
    WORKING,
    AppliedPlan,
    Leadership,
    Transfer,
    TransferState,
)
from movement.models.wishes import Demand, Pin, Subscription

__all__ = [
    "ACTIVE",
    "REPLICA_MOVES",
    "SITE_MOVES",
    "TRANSFER_MOVES",
    "WORKING",
    "AppliedPlan",
    "Arrival",
    "AuditCopy",
    "Demand",
    "FindingKind",
    "Leadership",
    "Link",
    "Pin",
    "Replica",
    "ReplicaLock",
    "ReplicaOrigin",
    "ReplicaState",
    "Scrub",
    "ScrubFinding",
    "ScrubState",
    "Site",
    "SiteKind",
    "SiteState",
    "StorageTier",
    "Store",
    "StoreKind",
    "Subscription",
    "Transfer",
    "TransferState",
]
