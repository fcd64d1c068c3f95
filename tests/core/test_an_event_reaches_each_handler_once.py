"""The outbox: facts leave with their act, and every handler's effect happens exactly once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from core import outbox
from core.models import IdempotencyRecord, OutboxDelivery, OutboxEvent

seen: list[tuple[str, Any]] = []
broken: set[str] = set()


def first(payload: dict[str, Any]) -> None:
    seen.append(("first", payload["n"]))
    note(f"first {payload['n']}")
    if "first" in broken:
        raise RuntimeError("the first handler fails")


def second(payload: dict[str, Any]) -> None:
    seen.append(("second", payload["n"]))
    note(f"second {payload['n']}")


def note(text: str) -> None:
    """Any row: the effect of a handler on the database."""
    IdempotencyRecord.objects.create(
        principal="note", key=text, request_digest="", status=1, body={}
    )


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(outbox, "_handlers", {})
    monkeypatch.setattr(outbox, "_doorbells", [])
    outbox.subscribe("thing.done", first)
    outbox.subscribe("thing.done", second)
    yield
    seen.clear()
    broken.clear()


def tell(n: int = 1) -> None:
    with transaction.atomic():
        outbox.emit("thing.done", {"n": n})


def notes() -> set[str]:
    return set(IdempotencyRecord.objects.values_list("key", flat=True))


@pytest.mark.django_db(transaction=True)
def test_an_event_is_gone_with_its_act() -> None:
    with transaction.atomic():
        outbox.emit("thing.done", {"n": 1})
        transaction.set_rollback(True)
    assert not OutboxEvent.objects.exists()
    with pytest.raises(RuntimeError, match="outside a transaction"):
        outbox.emit("thing.done", {"n": 1})


@pytest.mark.django_db
def test_every_handler_is_called_in_order_and_once() -> None:
    tell(1)
    tell(2)
    assert outbox.dispatch() == 4
    assert outbox.dispatch() == 0
    assert seen == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]
    assert not OutboxEvent.objects.filter(dispatched_at__isnull=True).exists()


@pytest.mark.django_db
def test_one_handler_fails_and_the_others_go_on() -> None:
    broken.add("first")
    tell()
    assert outbox.dispatch() == 1
    assert notes() == {"second 1"}
    delivery = OutboxDelivery.objects.get(done_at__isnull=True)
    assert delivery.error == "RuntimeError: the first handler fails"
    assert delivery.next_attempt_at > timezone.now()
    assert OutboxEvent.objects.filter(dispatched_at__isnull=True).exists()
    assert outbox.dispatch() == 0
    broken.clear()
    OutboxDelivery.objects.update(next_attempt_at=timezone.now())
    assert outbox.dispatch() == 1
    assert notes() == {"first 1", "second 1"}
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.error) == (2, "")


@pytest.mark.django_db
def test_the_wait_grows_and_ends_growing() -> None:
    broken.add("first")
    tell()
    waits = []
    for _ in range(12):
        OutboxDelivery.objects.update(next_attempt_at=timezone.now())
        now = timezone.now()
        outbox.dispatch()
        failed = OutboxDelivery.objects.get(done_at__isnull=True)
        waits.append((failed.next_attempt_at - now).total_seconds())
    assert waits == sorted(waits) or max(waits) - waits[-1] < 1
    assert waits[0] == pytest.approx(outbox.FIRST_RETRY.total_seconds(), abs=2)
    assert waits[-1] == pytest.approx(outbox.LAST_RETRY.total_seconds(), abs=2)


@pytest.mark.django_db
def test_an_event_that_nobody_wants_is_done_at_once() -> None:
    with transaction.atomic():
        outbox.emit("thing.ignored", {})
    outbox.dispatch()
    assert not OutboxEvent.objects.filter(dispatched_at__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_deliver_once() -> None:
    for n in range(10):
        tell(n)
    together = Barrier(2)

    def run(_: int) -> None:
        together.wait(10)
        with contextlib.suppress(OperationalError):  # SQLite in memory does not wait for a lock
            outbox.dispatch()
        connection.close()

    with ThreadPoolExecutor(2) as both:
        list(both.map(run, range(2)))
    OutboxDelivery.objects.update(next_attempt_at=timezone.now())
    outbox.dispatch()
    assert notes() == {f"{h} {n}" for h in ("first", "second") for n in range(10)}
    assert not OutboxDelivery.objects.filter(done_at__isnull=True).exists()
    assert outbox.dispatch() == 0


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_not_for_what_rolled_back() -> None:
    rung: list[int] = []
    outbox.on_emit(lambda: rung.append(OutboxEvent.objects.count()))
    with transaction.atomic():
        outbox.emit("thing.done", {"n": 1})
        transaction.set_rollback(True)
    assert rung == []
    with transaction.atomic():
        outbox.emit("thing.done", {"n": 1})
        assert rung == []
    assert rung == [1]


def test_retries_are_bounded() -> None:
    assert timedelta(0) < outbox.FIRST_RETRY < outbox.LAST_RETRY
