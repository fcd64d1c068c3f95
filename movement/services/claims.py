"""Claims: a worker takes a transfer that is due, and with it a slot at both ends and on the link.

However many workers race, no more than the slots are under way: they are counted in the transaction
that takes the row. See docs/explanation/algorithms/source-choice.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from core.lease import Lease
from movement.engine.mesh import Mesh
from movement.engine.turns import Limits
from movement.models import WORKING, Replica, Store, Transfer, TransferState
from movement.services.slots import (
    WAITS_TURN,
    limits_in,
    load_of,
    lock_places,
    places_of,
    working,
)
from movement.services.ways import Way, replicas_elsewhere, ways_to
from movement.views import mesh_view

READY = (TransferState.QUEUED, TransferState.WAITING)


@dataclass(frozen=True)
class Claim:
    """A transfer that is ours for now, and what is known of the ways to its target."""

    lease: Lease[Transfer]
    transfer: Transfer
    mesh: Mesh
    ways: Sequence[Way] = ()
    """The best first; the first that was free has been taken."""
    replicas: Sequence[Replica] = field(default=())
    """The complete replicas in other stores, those that are out of reach too."""


def claim(transfer_id: UUID) -> Claim | None:
    """Take a transfer and its slots; None when it is not due, another's, or waits its turn."""
    found = _due(transfer_id)
    transfer = found.select_related("version__product__domain__team", "target__site").first()
    if transfer is None:
        return None
    mesh = mesh_view()
    limits = limits_in(mesh)
    replicas = replicas_elsewhere(transfer.version, transfer.target)
    load = load_of(working(transfer.pk)) if len(replicas) > 1 else None
    ways = ways_to(transfer.version, transfer.target, mesh, replicas, load)
    lease = _take(transfer, [way for way in ways if way.route.hop is None], limits)
    return None if lease is None else Claim(lease, transfer, mesh, ways, replicas)


def change_source(lease: Lease[Transfer], transfer: Transfer, source: Store) -> bool:
    """Go on from another source, within its slots; False when none is free or the lease is lost.

    A source that the transfer has already keeps its slot.
    """
    if transfer.source_id == source.pk:
        return lease.write(source=source)
    limits = limits_in(mesh_view())
    with transaction.atomic():
        lock_places(limits, [source.name, transfer.target.name])
        places = places_of(limits, working(transfer.pk))
        if places.obstacle(source.name, transfer.target.name) is not None:
            return False
        return lease.write(source=source)


def _due(transfer_id: UUID) -> QuerySet[Transfer]:
    now = timezone.now()
    due = Q(state__in=READY, next_attempt_at__lte=now)
    return Transfer.objects.filter(due | Q(state__in=WORKING, lease_until__lt=now), pk=transfer_id)


@transaction.atomic
def _take(transfer: Transfer, ways: Sequence[Way], limits: Limits) -> Lease[Transfer] | None:
    stores = {way.replica.store.name: way.replica.store for way in ways}
    target = transfer.target.name
    lock_places(limits, [target, *stores])
    limited = limits.store_slots or limits.link_slots
    places = places_of(limits, working(transfer.pk) if limited else ())
    source, obstacle = places.way(stores, target)
    if obstacle is not None:
        _wait_turn(transfer, obstacle)
        return None
    transfer.source = None if source is None else stores[source]
    return Lease.take(
        _due(transfer.pk),
        state=TransferState.CLAIMED,
        attempt=F("attempt") + 1,
        started_at=timezone.now(),
        source=transfer.source,
        reason_code="",
        reason="" if transfer.reason_code == WAITS_TURN else transfer.reason,
    )


def _wait_turn(transfer: Transfer, obstacle: str) -> None:
    """Say what holds it up. It is rung for again in its turn."""
    state = TransferState.WAITING if transfer.state in WORKING else TransferState.QUEUED
    _due(transfer.pk).filter(fence=transfer.fence).update(
        state=state,
        fence=F("fence") + 1,
        lease_until=None,
        lease_owner="",
        reason_code=WAITS_TURN,
        reason=turn_reason(obstacle),
    )


def turn_reason(obstacle: str) -> str:
    return f"It waits its turn: {obstacle}."
