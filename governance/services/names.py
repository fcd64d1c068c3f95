"""What governance keeps by name follows a product that moves."""

from __future__ import annotations

from core import outbox
from governance.models import (
    AccessRequest,
    Campaign,
    Grant,
    Label,
    Policy,
    PolicyKind,
    PolicyState,
    PortSubscription,
)
from governance.services import holds, metering, scans


def rename(old: str, new: str) -> None:
    """Carry labels, grants, requests and the product's own policies over to its new name.

    Call it in the transaction of the move: between the two names there is no moment at which a
    decision sees the product without its labels.
    """
    for table in (Label, Grant, AccessRequest, PortSubscription):
        table._default_manager.filter(name=old).update(name=new)
    Campaign.objects.filter(prefix=old).update(prefix=new)
    active = Policy.objects.filter(state=PolicyState.ACTIVE, prefix=old)
    active.exclude(kind=PolicyKind.ACCESS).update(prefix=new)
    holds.follow(old, new)
    holds.follow_orders(old, new)
    metering.follow(old, new)
    scans.follow(old, new)
    outbox.emit("label.changed", {"name": new})
