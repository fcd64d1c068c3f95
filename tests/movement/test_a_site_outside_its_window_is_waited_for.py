"""A site is written to and read from inside its windows alone; waiting for one burns no attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import StoreUnavailable
from movement.models import Site, Transfer, TransferState
from movement.services import carry, request_transfer, run_transfer, transfers
from movement.services.contact import contact_of
from movement.views import mesh_view
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.movement.sites import Clock, clock, patch

__all__ = ["clock"]

NIGHTS = [{"days": ["mon", "tue"], "from": "22:00", "to": "04:00", "bytes_per_second": 5_000}]
NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
"""A Monday."""
TEN, FOUR = NOON.replace(hour=22), NOON.replace(hour=4) + timedelta(days=1)


@pytest.fixture
def nights(folders: World, clock: Clock) -> World:
    """The site edge-pt is in contact on two nights a week."""
    clock.set(NOON)
    assert patch(folders.operator, "edge-pt", windows=NIGHTS).status_code == 200
    return folders


def asked_for(world: World, source: str, target: str) -> Transfer:
    version = world.publish(WIKI, {"a.csv": b"x\n1\n"}, store=source)
    return request_transfer(world.operator.principal, version=version.name, target=target)


def test_a_copy_to_it_waits_for_the_next_opening(nights: World, clock: Clock) -> None:
    transfer = asked_for(nights, "dir-eu", "dir-pt")
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert (transfer.reason_code, transfer.attempt) == ("outside_window", 0)
    assert transfer.next_attempt_at == TEN
    assert "2030-01-07 22:00" in transfer.reason
    clock.set(TEN - timedelta(seconds=1))
    assert run_transfer(transfer.pk) is None
    clock.set(TEN)
    assert run_transfer(transfer.pk) == TransferState.DONE


def test_a_copy_from_it_waits_unless_somebody_else_has_it(nights: World, clock: Clock) -> None:
    transfer = asked_for(nights, "dir-pt", "dir-us")
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert (transfer.reason_code, transfer.next_attempt_at) == ("outside_window", TEN)
    assert "edge-pt" in transfer.reason
    clock.set(TEN)
    assert run_transfer(transfer.pk) == TransferState.DONE
    clock.set(FOUR)
    other = request_transfer(
        nights.operator.principal, version=transfer.version.name, target="dir-eu"
    )
    assert run_transfer(other.pk) == TransferState.DONE
    other.refresh_from_db()
    assert other.source is not None
    assert other.source.name == "dir-us"


def test_a_copy_that_the_end_of_a_window_cuts_burns_no_attempt(
    nights: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = asked_for(nights, "dir-eu", "dir-pt")
    clock.set(FOUR - timedelta(seconds=1))
    assert transfers._may_go_on(transfer)

    def cut(*_: Any, **__: Any) -> None:
        clock.set(FOUR)
        raise StoreUnavailable("The line is cut.")

    with monkeypatch.context() as patched:
        patched.setattr(carry, "copy_files", cut)
        assert run_transfer(transfer.pk) == TransferState.WAITING
    assert not transfers._may_go_on(transfer), "a worker that is still at it stops"
    transfer.refresh_from_db()
    assert (transfer.reason_code, transfer.attempt) == ("outside_window", 0)
    assert transfer.next_attempt_at == TEN + timedelta(days=1)
    clock.set(transfer.next_attempt_at)
    assert run_transfer(transfer.pk) == TransferState.DONE


def test_the_site_says_when_and_how_fast(nights: World, clock: Clock) -> None:
    client = nights.ben.client()
    shown = client.get("/api/v1/sites/edge-pt").json()
    assert shown["windows"] == NIGHTS
    assert (shown["contact"]["open"], shown["contact"]["next"]) == (False, "2030-01-07T22:00:00Z")
    clock.set(TEN)
    contact = contact_of(Site.objects.get(name="edge-pt"), clock.now)
    assert (contact.open, contact.until, contact.bytes_per_second) == (True, FOUR, 5_000)


def test_planning_places_there_all_the_same(nights: World, clock: Clock) -> None:
    there = mesh_view(clock.now).stores["dir-pt"]
    assert (there.accepts, there.counts, there.site.reachable) == (True, True, False)
    assert mesh_view(TEN).stores["dir-pt"].site.reachable


def test_other_windows_are_tried_at_once(nights: World, clock: Clock) -> None:
    transfer = asked_for(nights, "dir-eu", "dir-pt")
    run_transfer(transfer.pk)
    assert patch(nights.operator, "edge-pt", windows=[]).status_code == 200
    assert run_transfer(transfer.pk) == TransferState.DONE


def test_a_wrong_window_is_refused(nights: World) -> None:
    wrong: list[dict[str, Any]] = [
        {"days": []},
        {"days": ["someday"]},
        {"from": "25:00"},
        {"from": "9"},
        {"to": "22:00"},
        {"bytes_per_second": 0},
    ]
    for each in wrong:
        answer = patch(nights.operator, "edge-pt", windows=[{**NIGHTS[0], **each}])
        assert answer.status_code == 422, (each, answer.content)
    assert Site.objects.get(name="edge-pt").windows == NIGHTS


def test_the_manifest_is_there_before_the_files_are(
    nights: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = asked_for(nights, "dir-eu", "dir-pt")
    clock.set(TEN)
    with monkeypatch.context() as patched:
        patched.setattr(carry, "copy_files", cut_off)
        assert run_transfer(transfer.pk) == TransferState.WAITING
    there = {path.name for path in (nights.home / "stores" / "dir-pt").rglob("*")}
    digest = transfer.version.shards.get().digest.removeprefix("sha256:")
    assert f"{digest}.parquet" in there
    assert there.isdisjoint({"a.csv", "seal.json"})


def cut_off(*_: Any, **__: Any) -> None:
    raise StoreUnavailable("The line is cut.")
