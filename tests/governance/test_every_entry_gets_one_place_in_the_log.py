"""The sequencer loses no entry and orders none twice: races, late commits, and sudden deaths."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from core import merkle
from core.models import OutboxEvent
from core.notes import open_checkpoint
from governance import audit, audit_reading
from governance.engine.entities import Decision, Principal
from governance.models import AuditCheckpoint, AuditEntry, AuditTile
from governance.services import anchor_key, sequence, sequencer

ALLOWED = Decision(True, ("a",), "", "sha256:" + "0" * 64)


def act(who: str = "ana", count: int = 1, **detail: Any) -> None:
    for number in range(count):
        audit.record(Principal(who), "do", "/acme/nlp/~/wiki", ALLOWED, number=number, **detail)


def assert_whole(size: int) -> None:
    """Every entry has one place, and the signed root is that of the entries as they stand."""
    rows = AuditEntry.objects.order_by("position")
    assert [row.position for row in rows] == list(range(size))
    leaves = [merkle.leaf_hash(line) for line in audit_reading.leaf_lines(0, size)]
    assert [row.leaf for row in rows] == [leaf.hex() for leaf in leaves]
    newest = audit_reading.latest_checkpoint()
    signed = open_checkpoint(newest.note, anchor_key().public)
    assert (signed.size, signed.root) == (size, merkle.root_of(leaves))
    assert newest.root == signed.root.hex() == audit_reading.root_at(size).hex()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "STEP_ENTRIES", 7)


@pytest.mark.django_db
def test_entries_are_placed_in_steps_and_each_step_is_signed(small_steps: None) -> None:
    act(count=20)
    assert sequence() == 20
    assert_whole(20)
    sizes = AuditCheckpoint.objects.order_by("size").values_list("size", flat=True)
    assert list(sizes) == [7, 14, 20]
    told = OutboxEvent.objects.filter(topic="audit.checkpoint").order_by("id")
    assert [event.payload for event in told] == [{"size": 7}, {"size": 14}, {"size": 20}]


@pytest.mark.django_db
def test_nothing_new_is_nothing_signed() -> None:
    assert sequence() == 0
    assert not AuditCheckpoint.objects.exists()
    act()
    assert (sequence(), sequence()) == (1, 0)
    assert AuditCheckpoint.objects.count() == 1


@pytest.mark.django_db
def test_a_log_that_grows_past_its_tiles_begins_with_what_it_was() -> None:
    sizes = (255, 1, 1, 300, 43)
    for more in sizes:
        act(count=more)
        sequence()
    assert_whole(sum(sizes))
    for checkpoint in AuditCheckpoint.objects.order_by("size"):
        assert audit_reading.root_at(checkpoint.size).hex() == checkpoint.root
        found = audit_reading.consistency_of(checkpoint.size)
        assert merkle.verify_consistency(
            found.old, found.new, found.old_root, found.new_root, found.proof
        )


def in_threads(*jobs: Callable[[], object]) -> None:
    """Run jobs at the same time, each on a connection of its own; raise what one raised."""
    together = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        together.wait(timeout=30)
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        list(threads.map(run, jobs))


@pytest.fixture
def many_writers(transactional_db: None) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time; the question is PostgreSQL's")
    anchor_key()


def test_several_sequencers_and_several_who_act_at_once(
    many_writers: None, small_steps: None
) -> None:
    in_threads(
        lambda: act("ana", 30),
        lambda: act("ben", 30),
        lambda: [sequence() for _ in range(10)],
        lambda: [sequence() for _ in range(10)],
    )
    sequence()
    assert_whole(60)


def test_a_transaction_that_commits_late_with_a_lower_id_is_not_lost(many_writers: None) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            act("slow")
            begun.set()
            assert go_on.wait(30)

    def quick() -> None:
        assert begun.wait(30)
        act("quick")
        assert sequence() == 1
        go_on.set()

    in_threads(slow, quick)
    assert sequence() == 1
    assert_whole(2)
    late, early = AuditEntry.objects.order_by("id")
    assert (late.position, early.position) == (1, 0)


def test_an_act_waits_neither_for_another_act_nor_for_the_sequencer(many_writers: None) -> None:
    act("ana", 2)
    assert sequence() == 2
    with transaction.atomic():
        act("new")  # its clear text is not committed yet: nobody waits for it
        assert sequencer._step() == 1

        def other() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            act("new")
            act("ana")
            assert sequence() == 0  # one is at work

        in_threads(other)
    assert sequence() == 2
    assert_whole(5)


class Killed(BaseException):
    """What a kill is to a transaction: its end without a commit."""


def die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["_grow", "_sign", "sign_checkpoint"])
@pytest.mark.django_db(transaction=True)
def test_a_sequencer_that_dies_before_it_has_signed_leaves_nothing_half(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(count=3)
    with monkeypatch.context() as patch:
        patch.setattr(sequencer, step, die)
        with pytest.raises(Killed):
            sequence()
    assert not AuditEntry.objects.filter(position__isnull=False).exists()
    assert not AuditTile.objects.exists()
    assert not AuditCheckpoint.objects.exists()
    act(count=2)
    assert sequence() == 5
    assert_whole(5)


@transaction.atomic
def act_and_die() -> None:
    act("gone")
    die()


@pytest.mark.django_db
def test_what_was_rolled_back_never_was() -> None:
    with pytest.raises(Killed):
        act_and_die()
    act("ana")
    assert sequence() == 1
    assert_whole(1)
    assert not AuditEntry.objects.by("gone").exists()
