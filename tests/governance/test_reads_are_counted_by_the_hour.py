"""A read is counted; an hour of one reader on one product is one entry of the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from governance.engine.entities import Action, Principal
from governance.models import AuditEntry, LastRead, ReadMeter
from governance.selectors import last_read, last_reads
from governance.services import record_read, rename, roll_up_reads

WIKI, CODE = "/acme/nlp/~/wiki", "/acme/nlp/~/code"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANA, BEN = Principal("ana"), Principal("ben")
AGENT = Principal("agent-7", kind="agent", on_behalf_of=ANA)


@pytest.fixture
def clock(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the time of the meters."""

    def set_to(**later: int) -> None:
        now = NOON + timedelta(**later)
        monkeypatch.setattr(timezone, "now", lambda: now)

    set_to()
    return set_to


def test_many_reads_of_an_hour_are_one_entry(clock: Callable[..., None]) -> None:
    for minute in range(10):
        clock(minutes=minute)
        record_read(ANA, Action.READ, f"{WIKI}/v=1/train/a.parquet")
    record_read(BEN, Action.READ, WIKI)
    record_read(ANA, Action.TRANSFORM, WIKI)
    record_read(ANA, Action.READ, CODE)
    clock(minutes=59)
    assert roll_up_reads() == 0, "the hour is not over"
    clock(hours=1)
    assert roll_up_reads() == 4
    entry = AuditEntry.objects.by("ana").get(action="read", name=WIKI)
    assert entry.detail == {
        "reads": 10,
        "hour": "2026-06-01T12:00:00+00:00",
        "first": "2026-06-01T12:00:00+00:00",
        "last": "2026-06-01T12:09:00+00:00",
    }
    assert entry.allowed
    assert AuditEntry.objects.count() == 4
    assert (roll_up_reads(), ReadMeter.objects.count()) == (0, 0)


def test_a_read_that_is_counted_late_is_an_entry_of_its_own(clock: Callable[..., None]) -> None:
    record_read(ANA, Action.READ, WIKI)
    clock(hours=1)
    roll_up_reads()
    clock(minutes=59)
    record_read(ANA, Action.READ, WIKI)
    clock(hours=2)
    assert roll_up_reads() == 1
    reads = [entry.detail["reads"] for entry in AuditEntry.objects.by("ana")]
    assert reads == [1, 1]


def test_the_last_read_is_known_at_once_and_after_the_hour(clock: Callable[..., None]) -> None:
    assert last_read("ana", WIKI) is None
    record_read(ANA, Action.READ, WIKI)
    assert last_read("ana", WIKI) == NOON
    clock(hours=1)
    roll_up_reads()
    assert last_read("ana", WIKI) == NOON
    record_read(ANA, Action.READ, WIKI)
    record_read(BEN, Action.READ, WIKI)
    later = NOON + timedelta(hours=1)
    assert last_reads(WIKI) == {"ana": later, "ben": later}
    clock(hours=2)
    roll_up_reads()
    assert last_reads(WIKI) == {"ana": later, "ben": later}
    assert LastRead.objects.count() == 2


def test_an_agents_read_is_told_of_the_agent_and_of_its_person(clock: Callable[..., None]) -> None:
    record_read(AGENT, Action.READ, WIKI)
    assert last_reads(WIKI) == {"agent-7": NOON, "ana": NOON}
    clock(hours=1)
    roll_up_reads()
    entry = AuditEntry.objects.by("agent-7").get()
    assert AuditEntry.objects.for_("ana").get() == entry
    assert last_reads(WIKI) == {"agent-7": NOON, "ana": NOON}


def test_what_is_known_of_reads_follows_a_product_that_moves(clock: Callable[..., None]) -> None:
    record_read(ANA, Action.READ, WIKI)
    rename(WIKI, CODE)
    assert (last_read("ana", CODE), last_read("ana", WIKI)) == (NOON, None)
    assert AuditEntry.objects.by("ana").get().name == WIKI, "then it was called so"


@pytest.mark.django_db(transaction=True)
def test_readers_and_sweepers_at_once_lose_no_read() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time; the question is PostgreSQL's")
    together = threading.Barrier(4)

    def read() -> None:
        together.wait(timeout=30)
        for _ in range(25):
            record_read(ANA, Action.READ, WIKI)
        connection.close()

    def sweep() -> None:
        together.wait(timeout=30)
        for _ in range(10):
            roll_up_reads(until=timezone.now() + timedelta(hours=2))
        connection.close()

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(job) for job in (read, read, sweep, sweep)]
    for job in done:
        job.result()
    roll_up_reads(until=timezone.now() + timedelta(hours=2))
    assert sum(entry.detail["reads"] for entry in AuditEntry.objects.by("ana")) == 50
