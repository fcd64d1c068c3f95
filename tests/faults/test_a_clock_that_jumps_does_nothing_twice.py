"""A clock that is set back or forth ends leases early or late; what is done is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.models import AuditEntry
from movement.engine.copy import CopySummary, copy_files
from movement.models import Transfer, TransferState
from movement.opening import open_store
from movement.services import carry, claims, reconcile_mesh, request_transfer, run_transfer
from movement.services.carry import Outcome
from movement.services.transfers import _settle
from movement.views import mesh_view
from tests.builders import World
from tests.faults.conftest import WIKI
from tests.movement.sites import Clock, clock

__all__ = ["clock"]

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300}
HOURS = (-2, 2)


@pytest.fixture
def transfer(folders: World, clock: Clock) -> Transfer:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    return request_transfer(folders.operator.principal, version=version.name, target="dir-us")


def assert_done_once(transfer: Transfer, attempts: int) -> None:
    transfer.refresh_from_db()
    assert (transfer.state, transfer.attempt) == (TransferState.DONE, attempts)
    done = AuditEntry.objects.filter(action="transfer", detail__state="done")
    assert done.count() == 1
    store, base = open_store(transfer.target), transfer.version.name.strip("/")
    assert {path: store.read(f"{base}/{path}") for path in FILES} == FILES


@pytest.mark.parametrize("hours", HOURS)
def test_it_jumps_while_a_copy_is_under_way(
    transfer: Transfer, clock: Clock, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forth: the lease seems to have run out, and a second worker does the work; the first, who
    ends it as well, changes nothing. Back: the lease holds, and the second gets nothing."""
    ends: list[TransferState | None] = []

    def jumping(*stores_and_items: Any, **how: Any) -> CopySummary:
        monkeypatch.setattr(carry, "copy_files", copy_files)
        clock.pass_by(hours=hours)
        ends.append(run_transfer(transfer.pk))
        return copy_files(*stores_and_items, **how)

    monkeypatch.setattr(carry, "copy_files", jumping)
    ends.append(run_transfer(transfer.pk))
    if hours > 0:
        assert ends == [TransferState.DONE, None]
        assert_done_once(transfer, attempts=2)
    else:
        assert ends == [None, TransferState.DONE]
        assert_done_once(transfer, attempts=1)


def test_set_forth_a_lease_is_retaken_and_the_first_holder_writes_nothing(
    transfer: Transfer, clock: Clock
) -> None:
    first = claims.claim(transfer.pk)
    assert first is not None
    clock.pass_by(hours=2)
    assert run_transfer(transfer.pk) == TransferState.DONE
    assert not first.lease.write(state=TransferState.RUNNING)
    assert _settle(first.lease, Outcome(TransferState.DONE), mesh_view()) is None
    assert_done_once(transfer, attempts=2)


def test_set_back_the_lease_of_a_dead_worker_ends_when_the_clock_has_caught_up(
    transfer: Transfer, clock: Clock
) -> None:
    """Nobody can tell a dead worker from a living one before: it is late, never twice."""
    assert claims.claim(transfer.pk) is not None
    transfer.refresh_from_db()
    until = transfer.lease_until
    assert until is not None
    clock.pass_by(hours=-2)
    assert run_transfer(transfer.pk) is None
    clock.set(until + timedelta(seconds=1))
    assert run_transfer(transfer.pk) == TransferState.DONE
    assert_done_once(transfer, attempts=2)


@pytest.mark.parametrize("hours", HOURS)
def test_what_the_reconciler_queues_is_queued_once(
    folders: World, transfer: Transfer, clock: Clock, hours: int
) -> None:
    folders.add_protection("three", "{copies: 3}")
    for _ in range(3):
        reconcile_mesh()
        clock.pass_by(hours=hours)
    targets = Transfer.objects.values_list("target__name", flat=True)
    assert sorted(targets) == ["dir-pt", "dir-us"]
