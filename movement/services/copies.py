"""The states of replicas: the one way to change them, and what a transfer does to its target's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Version
from core import outbox
from core.errors import Conflict, FairmeshError, ObjectMissing
from core.lease import Lease
from core.names import Name
from movement.models import (
    REPLICA_MOVES,
    Replica,
    ReplicaOrigin,
    ReplicaState,
    Store,
    Transfer,
)
from movement.services.repair import broken_paths, close_findings, proved_at

REPAIR = "repair"
"""The reason of a replica that is written anew: what lies there must not be trusted."""
REPAIR_FILES = "repair_files"
"""The reason of a replica of which some files are replaced: a scrub has proved the others."""
REPAIRS = frozenset({REPAIR, REPAIR_FILES})
HOP = "hop"
"""Who asked for a replica that is only a stop on the way to another store."""
_BROKEN = frozenset({ReplicaState.CORRUPT, ReplicaState.SUSPECT})
_MENDABLE = frozenset({ReplicaState.CORRUPT, ReplicaState.MISSING})


@transaction.atomic
def move_replica(
    which: Replica | QuerySet[Replica],
    state: ReplicaState,
    code: str = "",
    reason: str = "",
    **changes: Any,
) -> int:
    """Bring replicas into a state with its reason, all or none; return how many.

    The one way by which a state changes. Raises Conflict for a move that REPLICA_MOVES does not
    know. A row that is given is brought up to date as well.
    """
    rows = Replica.objects.filter(pk=which.pk) if isinstance(which, Replica) else which
    found = Replica.objects.select_for_update().filter(
        pk__in=list(rows.values_list("pk", flat=True))
    )
    for before in set(found.values_list("state", flat=True)):
        if state not in REPLICA_MOVES[before]:
            raise Conflict(f"A replica that is {before} cannot become {state}.")
    changes |= {"state": state, "reason_code": code, "reason": reason, "since": timezone.now()}
    if isinstance(which, Replica):
        for field, value in changes.items():
            setattr(which, field, value)
    return found.update(**changes)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a copy goes."""

    replica: Replica
    is_new: bool
    """Nothing of the version was begun there before."""


@transaction.atomic
def begin_copy(transfer: Transfer, lease: Lease[Transfer]) -> Home | None:
    """Return the target's replica, now COPYING; None when the lease is lost.

    Objects that were registered where they lay are not ours to overwrite: a new copy in the same
    store goes under the version's own name.
    """
    if lease.locked() is None:
        return None
    own = Name.parse(transfer.version.name).to_object_key() + "/"
    asked_by = HOP if transfer.hop_for_id else transfer.asked_by
    replica, created = Replica.objects.select_for_update().get_or_create(
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
    moved = replica.origin == ReplicaOrigin.REGISTERED and replica.base != own
    gone = moved or replica.state == ReplicaState.DELETED
    if gone:
        close_findings(replica)  # they are of bytes that are not looked at any more
    if moved:
        replica.origin, replica.base = ReplicaOrigin.TRANSFER, own
    if replica.state != ReplicaState.COPYING:
        code, reason = ("", "") if moved else _repair_of(replica)
        move_replica(replica, ReplicaState.COPYING, code, reason)
    replica.save()
    return Home(replica, is_new=created or gone)


def _repair_of(replica: Replica) -> tuple[str, str]:
    """Return the reason of a copy to where a broken replica lies; empty where none is trusted."""
    if replica.state in _MENDABLE and (broken := broken_paths(replica)) is not None:
        return REPAIR_FILES, f"{len(broken)} files are sent again from a good replica."
    if replica.state in _BROKEN:
        return REPAIR, "It is copied anew from a good replica."
    return "", ""


def complete_copy(version: Version, target: Store) -> None:
    """Make the target's replica COMPLETE and say so, in the caller's transaction."""
    replica = _copying(version, target).first()
    if replica is None:
        return  # it was erased meanwhile
    partly = replica.reason_code == REPAIR_FILES
    make_whole(replica, proved_at(replica) if partly else timezone.now())


@transaction.atomic
def make_whole(replica: Replica, proved: datetime | None) -> None:
    """Make a replica COMPLETE and say so; what was found broken in it is mended."""
    move_replica(replica, ReplicaState.COMPLETE, verified_at=proved)
    close_findings(replica)
    version = replica.version
    outbox.emit(
        "replica.complete",
        {"version": version.name, "version_id": str(version.pk), "store": replica.store.name},
    )


def give_up_copy(version: Version, target: Store, code: str, reason: str) -> None:
    """Note that no copy is on its way any more; one under repair is as bad as it was before."""
    copying = _copying(version, target)
    move_replica(copying.filter(reason_code__in=REPAIRS), ReplicaState.CORRUPT, code, reason)
    move_replica(copying, ReplicaState.MISSING, code, reason)


def _copying(version: Version, target: Store) -> QuerySet[Replica]:
    return Replica.objects.filter(version=version, store=target, state=ReplicaState.COPYING)


def note_broken(replica: Replica, error: FairmeshError, reason: str) -> bool:
    """Take a replica out of service: its bytes are wrong, or some are not there any more."""
    state = ReplicaState.MISSING if isinstance(error, ObjectMissing) else ReplicaState.CORRUPT
    return condemn(replica, state, error.code, reason)


@transaction.atomic
def condemn(replica: Replica, state: ReplicaState, code: str, reason: str) -> bool:
    """Make a replica that was taken for whole CORRUPT or MISSING and say so; False when it was not.

    The event has its version reconciled.
    """
    trusted = Replica.objects.filter(
        pk=replica.pk, state__in=[ReplicaState.COMPLETE, ReplicaState.SUSPECT]
    )
    if not move_replica(trusted, state, code, reason):
        return False
    outbox.emit(
        "replica.broken",
        {
            "version": replica.version.name,
            "version_id": str(replica.version_id),
            "store": replica.store.name,
            "reason_code": code,
        },
    )
    return True
