"""A store that gives other bytes each time, or lost too much, is trusted no more: till one says."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Conflict
from governance.models import AuditEntry
from movement.engine import scrub as engine
from movement.engine.scrub import Reading, is_lying
from movement.models import Replica, ReplicaState, Scrub, ScrubState, Store, Transfer, TransferState
from movement.services import run_scrub, run_transfer, scrub_due, scrubbing
from movement.services.ways import replicas_elsewhere, ways_to
from movement.views import mesh_view
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.movement.scrubbing import scrub, twice

SMALL = {"a.csv": b"x\n1\n"}


def store_us() -> Store:
    return Store.objects.get(name="dir-us")


def lie_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the store give other bytes of one file, the first time it is read."""
    left = ["c/flipped.bin"]

    def read_file(store: Any, key: str, entry: Any, *rest: Any, **named: Any) -> Reading:
        reading = engine.read_file(store, key, entry, *rest, **named)
        if named.get("hashed", True) and entry.path in left:
            left.remove(entry.path)
            return Reading(reading.bytes, "0" * 64, reading.chunks)
        return reading

    monkeypatch.setattr(scrubbing, "read_file", read_file)


def test_bytes_that_read_differently_twice(folders: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two = twice(folders, "dir-eu", "dir-us")
    lie_once(monkeypatch)
    begun = scrub(two.bad)
    assert (begun.state, two.bad.state) == (ScrubState.GOOD, ReplicaState.COMPLETE)
    assert store_us().quarantined_at is not None
    assert "other bytes" in store_us().quarantine_reason
    assert AuditEntry.objects.get(action="quarantine-store").name == "dir-us"


def test_nothing_is_read_from_there_or_counted_and_others_are_made(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = twice(folders, "dir-eu", "dir-us")
    folders.add_protection("two-copies", "{copies: 2}")
    deliver()
    assert not Transfer.objects.filter(state="queued").exists()
    lie_once(monkeypatch)
    scrub(two.bad)
    deliver()
    (made,) = Transfer.objects.filter(state="queued")
    assert made.target.name == "dir-pt"
    held = replicas_elsewhere(two.version, made.target)
    ways = ways_to(two.version, made.target, mesh_view(), held)
    assert [way.replica.store.name for way in ways] == ["dir-eu"]
    resolved = folders.ben.client().get("/api/v1/resolve", {"name": WIKI}).json()
    assert [row["store"] for row in resolved["replicas"] if row["serves"]] == ["dir-eu"]
    assert not any("dir-us" in url for row in resolved["results"] for url in row["urls"])


def test_too_many_broken_replicas_and_trust_by_an_operator(folders: World) -> None:
    twos = [twice(folders, "dir-eu", "dir-us", SMALL) for _ in range(4)]
    for count, two in enumerate(twos[:3], start=1):
        assert store_us().quarantined_at is None
        two.flip("a.csv")
        scrub(two.bad)
        assert (store_us().quarantined_at is not None) == (count == 3)
    assert "3 of 3 replicas" in store_us().quarantine_reason
    repair = Transfer.objects.filter(state="queued", target=store_us()).first()
    assert repair is not None
    assert run_transfer(repair.pk) == TransferState.WAITING
    repair.refresh_from_db()
    assert repair.reason_code == "store_quarantined"
    with pytest.raises(Conflict):
        folders.publish(WIKI, SMALL, store="dir-us")
    address = "/api/v1/stores/dir-us/trust"
    assert folders.ben.client().post(address, {}, "application/json").status_code == 403
    answer = folders.operator.client().post(address, {}, "application/json")
    assert (answer.status_code, answer.json()["quarantined_at"]) == (200, None)
    assert set(Replica.objects.filter(store=store_us()).values_list("verified_at", flat=True)) == {
        None
    }
    assert AuditEntry.objects.filter(action="trust-store", name="dir-us").count() == 1
    twos[3].flip("a.csv")
    assert scrub_due() == 1, "of the replicas there one is not broken, and it is read at once"
    begun = Scrub.objects.get(state=ScrubState.RUNNING)
    assert (begun.replica_id, begun.deep) == (twos[3].bad.pk, True)
    assert run_scrub(begun.pk) == ScrubState.BROKEN
    assert store_us().quarantined_at is None, "what was found before it was trusted is forgiven"


def test_a_replica_in_quarantine_is_read_by_hand_alone(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = twice(folders, "dir-eu", "dir-us")
    lie_once(monkeypatch)
    scrub(two.bad)
    answer = folders.operator.client().post(
        f"/api/v1/replicas/{two.bad.pk}/scrub", {}, "application/json"
    )
    assert answer.status_code == 202
    assert answer.json()["state"] == "running"


def test_few_findings_are_bad_luck() -> None:
    assert not is_lying(3, 2, 5)
    assert is_lying(3, 3, 5)
    assert not is_lying(100, 5, 5)
    assert is_lying(100, 6, 5)
    assert not is_lying(0, 0, 5)
