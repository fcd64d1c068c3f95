"""However many beats there are, each copy is queued once, by one leader, and a dead one is
followed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from movement.models import Leadership, Transfer
from movement.services import reconcile, reconcile_all, reconcile_mesh
from tests.builders import World
from tests.faults.conftest import WIKI

VERSIONS, BEATS = 3, 3
_PATIENCE = 60.0


@pytest.fixture
def wanting(folders: World) -> World:
    """Three versions lie in one folder, and policies want them in all three."""
    for number in range(VERSIONS):
        folders.publish(WIKI, {"a.csv": f"x\n{number}\n".encode()}, store="dir-eu")
    folders.add_protection("three", "{copies: 3}")
    return folders


def assert_each_is_queued_once() -> None:
    queued = Counter(Transfer.objects.values_list("version__number", "target__name"))
    numbers = range(1, VERSIONS + 1)
    assert queued == {(n, store): 1 for n in numbers for store in ("dir-us", "dir-pt")}


def leadership(**changes: object) -> Leadership:
    row, _ = Leadership.objects.update_or_create(task="reconcile", defaults=changes)
    return row


def at_once(act: Callable[[], int | None]) -> list[int | None]:
    """Do it in as many threads as there are beats, begun together; return what each got."""
    together = threading.Barrier(BEATS)

    def beat(_: int) -> int | None:
        try:
            together.wait(_PATIENCE)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(BEATS) as beats:
        return list(beats.map(beat, range(BEATS)))


def need_postgresql() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets in one writer at a time; the question is PostgreSQL's")


@pytest.mark.django_db(transaction=True)
def test_of_three_beats_at_once_one_leads(wanting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    need_postgresql()
    turned_away = threading.Semaphore(0)
    lead = reconcile._led

    def led(lease: object) -> int:
        others = [turned_away.acquire(timeout=_PATIENCE) for _ in range(BEATS - 1)]
        assert all(others), "the others waited for the leader, or led as well"
        return lead(lease)  # type: ignore[arg-type]  # handed on as it came

    def beat() -> int | None:
        done = reconcile_mesh()
        if done is None:
            turned_away.release()
        return done

    monkeypatch.setattr(reconcile, "_led", led)
    assert Counter(at_once(beat)) == {None: BEATS - 1, VERSIONS: 1}
    assert_each_is_queued_once()


@pytest.mark.django_db(transaction=True)
def test_even_without_a_leader_each_copy_is_queued_once(wanting: World) -> None:
    need_postgresql()
    at_once(reconcile_all)
    assert_each_is_queued_once()


def test_a_beat_within_the_round_of_another_does_nothing(
    wanting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, second = reconcile._led, []

    def led(lease: object) -> int:
        second.append(reconcile_mesh())
        assert not Transfer.objects.exists()
        return lead(lease)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(reconcile, "_led", led)
    assert reconcile_mesh() == VERSIONS
    assert second == [None]
    assert_each_is_queued_once()
    monkeypatch.setattr(reconcile, "_led", lead)
    assert reconcile_mesh() is not None, "who has ended stands in nobody's way"
    assert_each_is_queued_once()


def test_a_leader_that_died_is_followed(wanting: World) -> None:
    past = timezone.now() - timedelta(seconds=1)
    dead = leadership(lease_owner="dead:1", lease_until=past, fence=7)
    assert reconcile_mesh() == VERSIONS
    assert_each_is_queued_once()
    dead.refresh_from_db()
    assert (dead.fence, dead.lease_until, dead.lease_owner) == (8, None, "")
    assert dead.done_at is not None


def test_a_leader_that_lives_is_waited_for(wanting: World) -> None:
    until = timezone.now() + timedelta(seconds=30)
    leadership(lease_owner="alive:1", lease_until=until, fence=7)
    assert reconcile_mesh() is None
    assert not Transfer.objects.exists()
    leader = Leadership.objects.get()
    assert (leader.lease_owner, leader.lease_until, leader.fence) == ("alive:1", until, 7)


def test_a_leader_that_slept_goes_no_further(
    wanting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out within its round and another leads: it ends, and leaves that one alone."""
    until = timezone.now() + timedelta(seconds=30)
    plan = reconcile.reconcile_version

    def slow(*asked: object) -> object:
        follower = {"fence": F("fence") + 1, "lease_owner": "next:1", "lease_until": until}
        Leadership.objects.filter(lease_owner__contains=":").update(**follower)
        return plan(*asked)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(reconcile, "reconcile_version", slow)
    monkeypatch.setattr(reconcile, "_AT_ONCE", 1)
    assert reconcile_mesh() == 1
    leader = Leadership.objects.get()
    assert (leader.lease_owner, leader.lease_until) == ("next:1", until)
