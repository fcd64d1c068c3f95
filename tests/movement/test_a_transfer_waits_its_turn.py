"""A transfer begins only within the slots of its stores and links, and says so while it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from movement import doorbell
from movement.models import Link, Site, Store, Transfer, TransferState
from movement.services import request_transfer, run_transfer, sweep_transfers
from movement.services.bells import ring_next
from movement.services.claims import change_source, claim
from movement.services.transfers import new_transfer
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI

FILES = {"a.csv": b"x\n1\n"}


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The transfers that were rung for, in order."""
    rung: list[UUID] = []
    monkeypatch.setattr(doorbell, "ring_transfer", rung.append)
    return rung


def asked_for(world: World, count: int = 2, name: str = WIKI, **facts: Any) -> list[Transfer]:
    """Queue transfers of so many versions from dir-eu to dir-us, rung for long ago."""
    target = Store.objects.get(name="dir-us")
    rows = []
    for _ in range(count):
        version = world.publish(name, FILES, store="dir-eu")
        row = new_transfer(version, target, asked_by="test", **facts)
        assert row is not None
        rows.append(row)
    forget_bells()
    return rows


def forget_bells() -> None:
    Transfer.objects.filter(state="queued").update(lease_until=None)


def limit_store(name: str, slots: int) -> None:
    Store.objects.filter(name=name).update(slots=slots)


def test_one_more_than_the_slots_stays_queued_and_says_why(
    folders: World, bells: list[UUID]
) -> None:
    limit_store("dir-us", 1)
    first, second = asked_for(folders)
    taken = claim(first.pk)
    assert taken is not None
    assert run_transfer(second.pk) is None
    second.refresh_from_db()
    assert (second.state, second.reason_code, second.attempt) == ("queued", "waits_turn", 0)
    assert second.reason == (
        "It waits its turn: dir-us has as many transfers as it takes at once (1)."
    )
    assert sweep_transfers() == 0, "nobody is rung for in vain"
    assert taken.lease.write(state=TransferState.CANCELLED)
    assert ring_next() == 1
    assert bells == [second.pk]
    assert run_transfer(second.pk) == TransferState.DONE
    second.refresh_from_db()
    assert (second.reason_code, second.reason) == ("", "")


def test_a_source_and_a_link_have_slots_too(folders: World) -> None:
    first, second = asked_for(folders)
    limit_store("dir-eu", 1)
    assert claim(first.pk) is not None
    assert claim(second.pk) is None
    Store.objects.update(slots=None)
    eu, us = Site.objects.get(name="core-eu"), Site.objects.get(name="core-us")
    link = Link.objects.create(source=eu, target=us, slots=1)
    assert claim(second.pk) is None
    second.refresh_from_db()
    assert "core-eu → core-us" in second.reason
    link.slots = 2
    link.save()
    assert claim(second.pk) is not None


def test_the_slot_of_a_dead_worker_is_free(folders: World) -> None:
    limit_store("dir-us", 1)
    first, second = asked_for(folders)
    assert claim(first.pk) is not None
    Transfer.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(second.pk) is not None
    assert claim(first.pk) is None, "now it waits for the other"
    first.refresh_from_db()
    assert (first.state, first.reason_code) == ("waiting", "waits_turn")


def test_a_source_that_takes_over_takes_a_slot(folders: World) -> None:
    first, second = asked_for(folders)
    limit_store("dir-pt", 1)
    pt = Store.objects.get(name="dir-pt")
    one, other = claim(first.pk), claim(second.pk)
    assert one is not None
    assert other is not None
    assert change_source(one.lease, one.transfer, pt)
    assert not change_source(other.lease, other.transfer, pt)
    second.refresh_from_db()
    assert second.source == Store.objects.get(name="dir-eu")


def test_a_store_that_fails_is_met_by_fewer(folders: World) -> None:
    first, second, third = asked_for(folders, 3)
    limit_store("dir-us", 2)
    failed = Transfer.objects.filter(pk=first.pk)
    failed.update(
        state="waiting",
        reason_code="store_unavailable",
        next_attempt_at=timezone.now() + timedelta(minutes=1),
    )
    assert claim(second.pk) is not None
    assert claim(third.pk) is None
    failed.update(next_attempt_at=timezone.now())
    assert claim(third.pk) is not None, "once its wait is over"


def race(*acts: Callable[[], object]) -> None:
    """Do these at once, each as a worker of its own."""
    gate = threading.Barrier(len(acts))

    def worker(act: Callable[[], object]) -> None:
        gate.wait(20)
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=worker, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_race_no_more_than_the_slots_begin(
    folders: World, bells: list[UUID]
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets in one writer at a time; the question is PostgreSQL's")
    limit_store("dir-us", 2)
    rows = asked_for(folders, 5)
    race(*[lambda row=row: claim(row.pk) for row in rows])
    states = list(Transfer.objects.order_by("state").values_list("state", flat=True))
    assert states == ["claimed"] * 2 + ["queued"] * 3


def test_bells_are_rung_in_turn_and_not_more_than_are_ahead(
    folders: World, bells: list[UUID], settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, transfers_ahead=3)
    plain = asked_for(folders, 3)
    (patients,) = asked_for(folders, 1, PATIENTS)
    (urgent,) = asked_for(folders, 1, priority=9)
    assert [row.tenant for row in (*plain, patients)] == ["nlp"] * 3 + ["health"]
    assert sweep_transfers() == 3
    assert bells == [urgent.pk, patients.pk, plain[0].pk]
    assert sweep_transfers() == 0, "three are rung for"
    assert run_transfer(urgent.pk) == TransferState.DONE
    assert len(bells) == 3, "two are ahead still"
    assert run_transfer(patients.pk) == TransferState.DONE
    assert bells[3:] == [plain[1].pk, plain[2].pk]


def test_who_is_queued_behind_a_full_row_waits_for_a_bell(
    folders: World,
    bells: list[UUID],
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, transfers_ahead=1)
    operator = folders.operator.principal
    versions = [folders.publish(WIKI, FILES, store="dir-eu") for _ in range(2)]
    with django_capture_on_commit_callbacks(execute=True):
        rows = [request_transfer(operator, version=v.name, target="dir-us") for v in versions]
    assert bells == [rows[0].pk]
    forget_bells()
    assert sweep_transfers() == 1, "a bell that was lost is rung again"
    assert bells == [rows[0].pk] * 2
    run_transfer(rows[0].pk)
    assert bells[2:] == [rows[1].pk]


def test_a_claim_asks_a_fixed_number_of_questions(
    folders: World, django_assert_max_num_queries: Any
) -> None:
    rows = asked_for(folders, 6)
    for row in rows[:4]:
        assert claim(row.pk) is not None
    with django_assert_max_num_queries(20):
        assert claim(rows[4].pk) is not None
    with django_assert_max_num_queries(20):
        sweep_transfers()
