"""Leases: one worker holds a transfer, a dead one not for long, a late one changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from core.lease import Lease
from core.models import OutboxEvent
from movement.engine.copy import CopySummary, copy_files
from movement.models import Replica, ReplicaState, Transfer, TransferState
from movement.services import (
    cancel_transfer,
    carry,
    claims,
    request_transfer,
    retry_transfer,
    run_transfer,
    transfers,
)
from movement.services.carry import Outcome
from movement.services.claims import Claim
from movement.services.heartbeat import Heartbeat
from movement.stores.directory import DirectoryStore
from movement.views import mesh_view
from tests.builders import World
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300}


@pytest.fixture
def transfer(folders: World) -> Transfer:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    return request_transfer(folders.operator.principal, version=version.name, target="dir-us")


def claim(transfer: Transfer) -> Lease[Transfer]:
    taken = claims.claim(transfer.pk)
    assert taken is not None
    return taken.lease


def expire(transfer: Transfer) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Transfer.objects.filter(pk=transfer.pk).update(lease_until=past)


def state_of(transfer: Transfer) -> str:
    transfer.refresh_from_db()
    return transfer.state


def test_what_one_worker_holds_no_other_takes(transfer: Transfer) -> None:
    claim(transfer)
    assert run_transfer(transfer.pk) is None
    assert state_of(transfer) == TransferState.CLAIMED


def test_a_dead_workers_transfer_is_taken_up_again(transfer: Transfer) -> None:
    claim(transfer).write(state=TransferState.RUNNING)
    expire(transfer)
    assert run_transfer(transfer.pk) == TransferState.DONE
    assert (state_of(transfer), transfer.attempt) == ("done", 2)


def test_a_worker_that_slept_writes_nothing(transfer: Transfer) -> None:
    slept = claim(transfer)
    expire(transfer)
    second = claim(transfer)
    assert not slept.write(state=TransferState.RUNNING, bytes_done=9)
    late = Outcome(TransferState.FAILED, "late", "late")
    assert transfers._settle(slept, late, mesh_view()) is None
    assert state_of(transfer) == TransferState.CLAIMED
    assert (transfer.bytes_done, transfer.reason_code) == (0, "")
    assert second.write(state=TransferState.RUNNING)


def test_a_worker_that_slept_begins_no_replica(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stolen(slept: Claim, may_go_on: Callable[[], bool]) -> Outcome:
        Transfer.objects.filter(pk=slept.transfer.pk).update(fence=F("fence") + 5)
        return carried(slept, may_go_on)

    carried = carry.carry
    monkeypatch.setattr(transfers, "carry", stolen)
    assert run_transfer(transfer.pk) is None
    assert not Replica.objects.filter(store=transfer.target).exists()
    assert not OutboxEvent.objects.filter(topic="replica.complete").exists()


def test_the_heartbeat_renews_and_notices_a_loss(
    transfer: Transfer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, lease_seconds=0.3)
    lease = claim(transfer)
    written: list[dict[str, int]] = []
    held = iter([True, True, False])

    def write(self: Lease[Transfer], **changes: int) -> bool:
        written.append(changes)
        return next(held)

    monkeypatch.setattr(Lease, "write", write)
    with Heartbeat(lease, lambda: {"bytes_done": len(written)}) as beat:
        end = time.monotonic() + 20
        while not beat.lost() and time.monotonic() < end:
            time.sleep(0.02)
        assert beat.lost()
    assert written == [{"bytes_done": 0}, {"bytes_done": 1}, {"bytes_done": 2}]


@pytest.mark.django_db(transaction=True)
def test_a_lease_holds_while_one_slow_part_is_in_flight(
    transfer: Transfer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, lease_seconds=1)

    def slow(*stores_and_items: Any, **how: Any) -> CopySummary:
        time.sleep(3)
        assert claims.claim(transfer.pk) is None, "the lease ran out"
        return copy_files(*stores_and_items, **how)

    monkeypatch.setattr(carry, "copy_files", slow)
    assert run_transfer(transfer.pk) == TransferState.DONE


def test_a_copy_whose_lease_is_lost_stops(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heartbeat, "lost", lambda self: True)
    assert run_transfer(transfer.pk) == TransferState.WAITING
    assert (state_of(transfer), transfer.reason_code) == ("waiting", "lease_lost")
    store = DirectoryStore(Path(transfer.target.root))
    assert list(store.list("acme")) == []


def test_cancelled_stays_cancelled_until_it_is_retried(folders: World, transfer: Transfer) -> None:
    operator = folders.operator.principal
    lease = claim(transfer)
    lease.write(state=TransferState.RUNNING)
    cancel_transfer(operator, transfer.pk)
    assert not lease.write(bytes_done=5)
    assert transfers._settle(lease, Outcome(TransferState.DONE), mesh_view()) is None
    assert state_of(transfer) == TransferState.CANCELLED
    assert (transfer.reason_code, transfer.finished_at is None) == ("by_hand", False)
    assert run_transfer(transfer.pk) is None
    retry_transfer(operator, transfer.pk)
    assert state_of(transfer) == TransferState.QUEUED
    assert run_transfer(transfer.pk) == TransferState.DONE
    answer = folders.operator.client().post(f"/api/v1/transfers/{transfer.pk}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_cancelling_is_for_who_may_replicate(folders: World, transfer: Transfer) -> None:
    for verb in ("cancel", "retry"):
        answer = folders.ben.client().post(f"/api/v1/transfers/{transfer.pk}/{verb}")
        assert answer.status_code == 403
    assert state_of(transfer) == TransferState.QUEUED


def test_what_nobody_foresaw_is_told_and_tried_again(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(taken: Claim) -> Outcome:
        raise RuntimeError("a bug")

    monkeypatch.setattr(transfers, "carry", broken)
    assert run_transfer(transfer.pk) == TransferState.WAITING
    assert (state_of(transfer), transfer.reason_code) == ("waiting", "unforeseen")
    assert transfer.next_attempt_at > timezone.now()
    replica = Replica.objects.filter(store=transfer.target).first()
    assert replica is None or replica.state != ReplicaState.COMPLETE
