"""The outbox: facts travel upward as events, in the transaction that made them true.

`emit` writes; `dispatch` hands each event to every handler of its topic. A handler runs in its
own transaction together with the note that it ran, so each handler's effect on the database
happens exactly once; a handler that fails is tried again, later each time, and its error is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from core.models import OutboxDelivery, OutboxEvent

Handler = Callable[[dict[str, Any]], None]

logger = logging.getLogger(__name__)
_handlers: dict[str, dict[str, Handler]] = {}
_doorbells: list[Callable[[], None]] = []

FIRST_RETRY = timedelta(seconds=5)
LAST_RETRY = timedelta(minutes=10)


def subscribe(topic: str, handler: Handler) -> None:
    """Have `handler` called with the payload of every event of `topic`. Call it in ready()."""
    _handlers.setdefault(topic, {})[f"{handler.__module__}.{handler.__qualname__}"] = handler


def topics() -> Mapping[str, Mapping[str, Handler]]:
    return _handlers


def on_emit(ring: Callable[[], None]) -> None:
    """Have `ring` called after each commit that emitted, to dispatch soon rather than at a beat."""
    _doorbells.append(ring)


def emit(topic: str, payload: Mapping[str, Any]) -> None:
    """Write an event. Must be called inside the transaction of the act it tells of."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"emit({topic!r}) outside a transaction could tell of what never was.")
    event = OutboxEvent.objects.create(topic=topic, payload=dict(payload))
    now = timezone.now()
    OutboxDelivery.objects.bulk_create(
        OutboxDelivery(event=event, handler=name, next_attempt_at=now)
        for name in _handlers.get(topic, {})
    )
    for ring in _doorbells:
        transaction.on_commit(ring)


def dispatch(limit: int = 500) -> int:
    """Run every delivery that is due, oldest first; return how many succeeded.

    Safe to run in several processes at once: a delivery is locked while its handler runs.
    """
    due = list(
        OutboxDelivery.objects.filter(done_at__isnull=True, next_attempt_at__lte=timezone.now())
        .order_by("event_id", "id")
        .values_list("id", flat=True)[:limit]
    )
    done = sum(_deliver(delivery_id) for delivery_id in due)
    undone = OutboxDelivery.objects.filter(event=OuterRef("pk"), done_at__isnull=True)
    OutboxEvent.objects.filter(~Exists(undone), dispatched_at__isnull=True).update(
        dispatched_at=timezone.now()
    )
    return done


def _deliver(delivery_id: int) -> bool:
    try:
        with transaction.atomic():
            delivery = (
                OutboxDelivery.objects.select_for_update(
                    skip_locked=_can_skip_locked(), of=("self",)
                )
                .select_related("event")
                .filter(pk=delivery_id, done_at__isnull=True)
                .first()
            )
            if delivery is None:
                return False
            _handlers[delivery.event.topic][delivery.handler](delivery.event.payload)
            delivery.done_at = timezone.now()
            delivery.attempts += 1
            delivery.error = ""
            delivery.save(update_fields=["done_at", "attempts", "error"])
            return True
    except Exception as error:
        logger.exception("outbox delivery %s failed", delivery_id)
        _postpone(delivery_id, error)
        return False


def _postpone(delivery_id: int, error: Exception) -> None:
    delivery = OutboxDelivery.objects.get(pk=delivery_id)
    delivery.attempts += 1
    wait = min(FIRST_RETRY * 2 ** min(delivery.attempts - 1, 10), LAST_RETRY)
    delivery.next_attempt_at = timezone.now() + wait
    delivery.error = f"{type(error).__name__}: {error}"
    delivery.save(update_fields=["attempts", "next_attempt_at", "error"])


def _can_skip_locked() -> bool:
    return connection.features.has_select_for_update_skip_locked
