"""A store or site that is away is waited for, with a reason and a next attempt; then done."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from core import outbox
from core.models import OutboxEvent
from governance.models import AuditEntry
from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import (
    check_stores,
    move_store,
    request_transfer,
    run_transfer,
    set_site_state,
    stores,
    sweep_transfers,
    transfers,
)
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Capabilities
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.servers import S3Server, s3_server

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300}


def make_due(transfer: Transfer) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(next_attempt_at=timezone.now())


def asked_for(world: World, source: str, target: str) -> Transfer:
    version = world.publish(WIKI, FILES, store=source)
    return request_transfer(world.operator.principal, version=version.name, target=target)


@pytest.mark.servers
def test_an_s3_store_that_is_down_is_waited_for(world: World, s3: S3Server) -> None:
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_s3("store-eu", "core-eu", s3)
    with s3_server() as short_lived:
        target = world.add_s3("store-us", "core-us", short_lived)
        transfer = asked_for(world, "store-eu", "store-us")
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    target.refresh_from_db()
    assert (transfer.reason_code, transfer.attempt) == ("store_unavailable", 1)
    assert "store-us" in transfer.reason
    assert short_lived.endpoint not in transfer.reason
    assert transfer.next_attempt_at > timezone.now()
    assert transfer.finished_at is None
    assert (target.reachable, bool(target.problem)) == (False, True)
    assert run_transfer(transfer.pk) is None, "it is not due yet"
    keys = {"access_key": s3.access_key, "secret_key": s3.secret_key}
    move_store(world.operator.principal, "store-us", endpoint=s3.endpoint, **keys)
    target.refresh_from_db()
    open_store(target).ensure_ready()
    make_due(transfer)
    assert run_transfer(transfer.pk) == TransferState.DONE
    target.refresh_from_db()
    assert Replica.objects.get(store=target).state == ReplicaState.COMPLETE
    assert check_stores() == []
    assert AuditEntry.objects.filter(action="transfer", allowed=True).count() == 1


def test_a_folder_that_is_away_is_waited_for(folders: World) -> None:
    transfer = asked_for(folders, "dir-eu", "dir-us")
    folder = folders.home / "stores" / "dir-us"
    folder.rename(folder.with_name("away"))
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert transfer.reason_code == "store_unavailable"
    assert str(folders.home) not in transfer.reason
    folder.with_name("away").rename(folder)
    assert run_transfer(transfer.pk) is None
    make_due(transfer)
    assert run_transfer(transfer.pk) == TransferState.DONE
    assert Store.objects.get(name="dir-us").reachable


@pytest.mark.parametrize("away", ["dir-eu", "dir-us"])
def test_a_store_that_is_back_has_what_waits_for_it_go_on_at_once(
    folders: World, away: str
) -> None:
    waiting = asked_for(folders, "dir-eu", "dir-us")
    elsewhere = request_transfer(
        folders.operator.principal, version=waiting.version.name, target="dir-pt"
    )
    later = timezone.now() + transfers.LONGEST_WAIT
    Transfer.objects.filter(pk=elsewhere.pk).update(
        state=TransferState.WAITING, next_attempt_at=later
    )
    folder = folders.home / "stores" / away
    folder.rename(folder.with_name("away"))
    assert run_transfer(waiting.pk) == TransferState.WAITING
    Transfer.objects.filter(pk=waiting.pk).update(next_attempt_at=later)
    assert [store.name for store in check_stores()] == [away]
    assert run_transfer(waiting.pk) is None
    folder.with_name("away").rename(folder)
    assert check_stores() == []
    deliver()
    elsewhere.refresh_from_db()
    assert elsewhere.next_attempt_at == later
    assert run_transfer(waiting.pk) == TransferState.DONE


def test_a_store_that_is_silent_delays_no_other(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = open_store(Store.objects.get(name="dir-eu"))
    Store.objects.filter(name="dir-us").update(reachable=False, problem="It was away.")
    told, probe, emit = threading.Event(), DirectoryStore.probe, outbox.emit

    def probe_or_wait(store: DirectoryStore, known: Capabilities | None = None) -> Capabilities:
        assert store is not silent or told.wait(20), "nobody was told of the other store"
        return probe(store, known)

    def emit_and_tell(topic: str, payload: dict[str, str]) -> None:
        emit(topic, payload)
        assert payload == {"store": "dir-us"}
        told.set()

    monkeypatch.setattr(DirectoryStore, "probe", probe_or_wait)
    monkeypatch.setattr(outbox, "emit", emit_and_tell)
    assert check_stores() == []
    assert told.is_set()


def test_a_store_noted_away_while_it_was_asked_is_told_of_when_it_answers(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.objects.get(name="dir-us")
    probe = DirectoryStore.probe

    def noted_meanwhile(asked: DirectoryStore, known: Capabilities | None = None) -> Capabilities:
        Store.objects.filter(pk=store.pk).update(reachable=False, problem="It does not answer.")
        return probe(asked, known)

    monkeypatch.setattr(DirectoryStore, "probe", noted_meanwhile)
    assert stores.problem_of(store) is None
    events = OutboxEvent.objects.filter(topic="store.back")
    assert [event.payload for event in events] == [{"store": "dir-us"}]
    assert Store.objects.get(name="dir-us").reachable


def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [transfers._wait(attempt).total_seconds() for attempt in range(1, 60)]
    assert 4 <= pauses[0] <= 6
    assert pauses[3] > 3 * pauses[0]
    assert max(pauses) <= 1.2 * transfers.LONGEST_WAIT.total_seconds()


def test_a_site_that_is_off_line_burns_no_attempt(folders: World) -> None:
    operator = folders.operator.principal
    transfer = asked_for(folders, "dir-eu", "dir-pt")
    set_site_state(operator, "edge-pt", "offline")
    for _ in range(3):
        make_due(transfer)
        assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert (transfer.reason_code, transfer.attempt) == ("site_offline", 0)
    assert transfer.next_attempt_at > timezone.now()
    set_site_state(operator, "edge-pt", "online")
    deliver()
    transfer.refresh_from_db()
    assert transfer.next_attempt_at <= timezone.now()
    assert run_transfer(transfer.pk) == TransferState.DONE


def test_without_a_source_it_waits_and_says_so(folders: World) -> None:
    transfer = asked_for(folders, "dir-eu", "dir-us")
    Replica.objects.update(state=ReplicaState.MISSING)
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert transfer.reason_code == "no_source"
    Replica.objects.update(state=ReplicaState.COMPLETE)
    set_site_state(folders.operator.principal, "core-eu", "offline")
    make_due(transfer)
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert (transfer.reason_code, "core-eu" in transfer.reason) == ("site_offline", True)


def test_another_source_takes_over_from_one_that_is_down(folders: World) -> None:
    first = asked_for(folders, "dir-eu", "dir-us")
    assert run_transfer(first.pk) == TransferState.DONE
    (folders.home / "stores" / "dir-eu").rename(folders.home / "away")
    second = request_transfer(
        folders.operator.principal, version=first.version.name, target="dir-pt"
    )
    assert run_transfer(second.pk) == TransferState.DONE
    second.refresh_from_db()
    assert second.source is not None
    assert second.source.name == "dir-us"
    assert not Store.objects.get(name="dir-eu").reachable


def test_the_sweep_finds_what_nobody_was_rung_for(folders: World) -> None:
    transfer = asked_for(folders, "dir-eu", "dir-us")
    assert sweep_transfers() == 0, "a bell that has just been rung is not lost yet"
    Transfer.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep_transfers() == 1
    assert sweep_transfers() == 0, "nor is this one"
    assert run_transfer(transfer.pk) == TransferState.DONE
    assert sweep_transfers() == 0
