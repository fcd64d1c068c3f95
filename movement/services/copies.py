"""The replica at the target of a transfer: begun, completed or given up, and the good sources."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Version
from core import outbox
from core.errors import FairmeshError, ObjectMissing
from core.lease import Lease
from core.names import Name
from movement.models import Replica, ReplicaOrigin, ReplicaState, Store, Transfer

REPAIR = "repair"
"""The reason of a replica that is written anew: what lies there must not be trusted."""
HOP = "hop"
"""Who asked for a replica that is only a stop on the way to another store."""
_BROKEN = frozenset({ReplicaState.CORRUPT, ReplicaState.SUSPECT})


@transaction.atomic
def begin_copy(transfer: Transfer, lease: Lease[Transfer]) -> Replica | None:
    """Return the target's replica, now COPYING; None when the lease is lost.

    Objects that were registered where they lay are not ours to overwrite: a new copy in the same
    store goes under the version's own name.
    """
    if lease.locked() is None:
        return None
    own = Name.parse(transfer.version.name).to_object_key() + "/"
    asked_by = HOP if transfer.hop_for_id else transfer.asked_by
    replica, _ = Replica.objects.select_for_update().get_or_create(
        version=transfer.version,
        store=transfer.target,
        defaults={
            "origin": ReplicaOrigin.TRANSFER,
            "base": own,
            "state": ReplicaState.COPYING,
            "asked_by": asked_by,
        },
    )
    if replica.state == ReplicaState.DELETED or replica.asked_by == HOP:
        replica.asked_by = asked_by
    if replica.state in _BROKEN:
        replica.reason_code, replica.reason = REPAIR, "It is copied anew from a good replica."
    if replica.origin == ReplicaOrigin.REGISTERED and replica.base != own:
        replica.origin, replica.base = ReplicaOrigin.TRANSFER, own
    if replica.state != ReplicaState.COPYING:
        replica.state, replica.since = ReplicaState.COPYING, timezone.now()
    replica.save()
    return replica


def complete_copy(version: Version, target: Store) -> None:
    """Make the target's replica COMPLETE and say so, in the caller's transaction."""
    now = timezone.now()
    _copying(version, target).update(
        state=ReplicaState.COMPLETE, verified_at=now, since=now, reason="", reason_code=""
    )
    outbox.emit(
        "replica.complete",
        {"version": version.name, "version_id": str(version.pk), "store": target.name},
    )


def give_up_copy(version: Version, target: Store, code: str, reason: str) -> None:
    """Note that no copy is on its way any more; one under repair is as bad as it was before."""
    changes = {"reason_code": code, "reason": reason, "since": timezone.now()}
    copying = _copying(version, target)
    copying.filter(reason_code=REPAIR).update(state=ReplicaState.CORRUPT, **changes)
    copying.update(state=ReplicaState.MISSING, **changes)


def _copying(version: Version, target: Store) -> QuerySet[Replica]:
    return Replica.objects.filter(version=version, store=target, state=ReplicaState.COPYING)


@transaction.atomic
def note_broken(replica: Replica, error: FairmeshError, reason: str) -> None:
    """Take a replica out of service: its bytes are wrong, or some are not there any more."""
    state = ReplicaState.MISSING if isinstance(error, ObjectMissing) else ReplicaState.CORRUPT
    changed = Replica.objects.filter(pk=replica.pk, state=ReplicaState.COMPLETE).update(
        state=state, reason_code=error.code, reason=reason, since=timezone.now()
    )
    if changed:
        outbox.emit(
            "replica.broken",
            {
                "version": replica.version.name,
                "version_id": str(replica.version_id),
                "store": replica.store.name,
                "reason_code": error.code,
            },
        )
