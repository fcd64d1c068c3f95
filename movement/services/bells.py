"""Bells in order: who is rung for next, and never more than can be taken up.

A transfer that was rung for carries until when its bell counts, in `lease_until`: so nobody rings
twice, and a bell that was lost with the broker is rung again. The order is movement.engine.turns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from movement import doorbell
from movement.engine.mesh import Mesh
from movement.engine.routes import routes
from movement.engine.turns import NEVER, Running, Turns, Waiting, turns
from movement.models import WORKING, Replica, ReplicaState, Transfer, TransferState
from movement.services.claims import READY, turn_reason
from movement.services.contact import SITE_OFFLINE
from movement.services.slots import WAITS_TURN, limits_in, working
from movement.views import AWAY, mesh_view

AWAY_WAIT = timedelta(minutes=1)
"""Between two looks at a site that is away; its return queues what waits for it at once."""
RECENT = timedelta(minutes=10)
"""The while of which a tenant's bytes count against it."""
_LOOKED_AT = 2_000
"""Due transfers that one round looks at, of every tenant and target the first ones."""
_A_FEW = 8
"""Of them, when a worker rings because its transfer has ended."""
_AT_ONCE = 500
_STEP = timedelta(milliseconds=1)


def bell_counts_until() -> datetime:
    return timezone.now() + timedelta(seconds=2 * settings.FAIRMESH.sweep_seconds)


def room() -> int:
    """Return how many more may be rung for. Looks at no more rows than the setting allows."""
    ahead: int = settings.FAIRMESH.transfers_ahead
    rung = Transfer.objects.filter(state__in=READY, lease_until__gt=timezone.now()).order_by()
    return ahead - rung[:ahead].count()


def sweep_transfers() -> int:
    """Ring for transfers that are due or abandoned, in their turn; return how many.

    What waits for a site that is still away is looked at again later, without a bell.
    """
    now = timezone.now()
    Transfer.objects.filter(
        state=TransferState.WAITING,
        reason_code=SITE_OFFLINE,
        next_attempt_at__lte=now,
        target__site__state__in=[str(state) for state in AWAY],
    ).update(next_attempt_at=now + AWAY_WAIT)
    return ring_due(room(), settings.FAIRMESH.transfers_ahead)


@transaction.atomic
def look_again(waits_for: Q) -> int:
    """Have every waiting transfer looked at now that waits for what is back; return how many.

    They come due in the order in which they are to catch up: by priority, then by deadline, the
    small ones first. Who of them starts when is for the turns to say.
    """
    order = ("-priority", F("due_at").asc(nulls_last=True), "bytes_total", "id")
    waiting = Transfer.objects.filter(waits_for, state=TransferState.WAITING).order_by(*order)
    rows = list(waiting.only("id", "next_attempt_at"))
    first = timezone.now() - _STEP * len(rows)
    for place, row in enumerate(rows):
        row.next_attempt_at = first + _STEP * place
    Transfer.objects.bulk_update(rows, ["next_attempt_at"], batch_size=_AT_ONCE)
    if rows:
        transaction.on_commit(doorbell.ring_sweep)
    return len(rows)


def ring_next() -> int:
    """Ring for who may start now that a transfer has ended; nobody while enough are rung for."""
    free = room()
    return ring_due(free, _A_FEW) if 2 * free >= settings.FAIRMESH.transfers_ahead else 0


def ring_due(free: int, each: int) -> int:
    """Ring for the first in turn, `free` at most; note what holds the others up.

    Of each tenant and target `each` are looked at.
    """
    if free <= 0:
        return 0
    mesh = mesh_view()
    waiting = _due(mesh, each)
    if not waiting:
        return 0
    found = turns(
        waiting, [*working(), *_rung()], limits_in(mesh), recent_bytes=_recent_bytes(), most=free
    )
    _note_turns(found)
    ready = Transfer.objects.filter(pk__in=found.start, state__in=READY)
    ready.update(lease_until=bell_counts_until())
    for transfer_id in found.start:
        doorbell.ring_transfer(transfer_id)
    return len(found.start)


def _due(mesh: Mesh, each: int) -> list[Waiting]:
    """Return who may be rung for, of each tenant and target the first: none hides another."""
    now = timezone.now()
    unrung = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    due = Q(state__in=READY, next_attempt_at__lte=now) & unrung
    urgent_first = [
        F("priority").desc(),
        F("due_at").asc(nulls_last=True),
        F("next_attempt_at").asc(),
    ]
    place = Window(RowNumber(), partition_by=[F("tenant"), F("target_id")], order_by=urgent_first)
    rows = list(
        Transfer.objects.filter(due | Q(state__in=WORKING, lease_until__lt=now))
        .annotate(place=place)
        .filter(place__lte=each)
        .select_related("target", "version")
        .order_by("place", *urgent_first)[:_LOOKED_AT]
    )
    sources = _sources(mesh, rows)
    return [
        Waiting(
            id=row.pk,
            tenant=row.tenant,
            target=row.target.name,
            sources=sources.get(row.pk, ()),
            bytes=row.bytes_total,
            since=row.next_attempt_at.timestamp(),
            priority=row.priority,
            due_at=NEVER if row.due_at is None else row.due_at.timestamp(),
        )
        for row in rows
    ]


def _sources(mesh: Mesh, rows: Sequence[Transfer]) -> Mapping[UUID, tuple[str, ...]]:
    """Return the sources of direct ways, the best first. Costs one query."""
    held: dict[UUID, list[str]] = defaultdict(list)
    complete = Replica.objects.filter(
        version__in={row.version_id for row in rows}, state=ReplicaState.COMPLETE
    )
    for version_id, store in complete.values_list("version_id", "store__name"):
        held[version_id].append(store)
    return {
        row.pk: tuple(
            route.source
            for route in routes(
                mesh,
                held[row.version_id],
                row.target.name,
                row.bytes_total,
                row.files_total,
                _no_stop,
            )
        )
        for row in rows
    }


def _no_stop(store: str) -> bool:
    del store
    return False


def _rung() -> list[Running]:
    rows = Transfer.objects.filter(state__in=READY, lease_until__gt=timezone.now()).order_by()
    return [
        Running(tenant, target, None)
        for tenant, target in rows.values_list("tenant", "target__name")
    ]


def _recent_bytes() -> dict[str, int]:
    since = timezone.now() - RECENT
    ended = Transfer.objects.filter(finished_at__gte=since).order_by()
    return dict(ended.values_list("tenant").annotate(Sum("bytes_done")))


def _note_turns(found: Turns) -> None:
    """Write down what holds up whoever may not start; once for each reason."""
    by_reason: dict[str, list[UUID]] = defaultdict(list)
    for transfer_id, obstacle in found.held.items():
        by_reason[turn_reason(obstacle)].append(transfer_id)
    for reason, ids in by_reason.items():
        Transfer.objects.filter(pk__in=ids, state__in=READY).exclude(reason=reason).update(
            reason_code=WAITS_TURN, reason=reason
        )
