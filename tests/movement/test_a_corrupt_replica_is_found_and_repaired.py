"""Rotten bytes never travel: the replica is condemned with its reason, and written anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.services import open_version
from core.models import OutboxEvent
from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import (
    publish,
    reconcile_version,
    register_objects,
    request_transfer,
    run_transfer,
)
from tests.builders import World, deliver
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n", "deep/b.bin": bytes(range(256)) * 300}


@pytest.fixture
def twice(folders: World) -> World:
    """A mesh in which WIKI/v=1 lies at dir-eu and dir-us."""
    version = folders.publish(WIKI, FILES, store="dir-eu")
    transfer = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    assert run_transfer(transfer.pk) == TransferState.DONE
    return folders


def path_at(world: World, store: str, path: str) -> Path:
    return world.home / "stores" / store / "acme/nlp/~/wiki/v=1" / path


def rot(world: World, store: str, path: str) -> None:
    """Flip a byte as a disk does: size and times stay."""
    file = path_at(world, store, path)
    status, data = file.stat(), bytearray(file.read_bytes())
    data[3] ^= 1
    with file.open("r+b") as opened:
        opened.write(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def replica_at(store: str) -> Replica:
    return Replica.objects.get(store__name=store)


def copy_to_the_edge(world: World) -> Transfer:
    return request_transfer(world.operator.principal, version=f"{WIKI}/v=1", target="dir-pt")


def test_another_source_is_used_and_the_bad_one_condemned(twice: World) -> None:
    rot(twice, "dir-eu", "deep/b.bin")
    transfer = copy_to_the_edge(twice)
    assert run_transfer(transfer.pk) == TransferState.DONE
    transfer.refresh_from_db()
    assert transfer.source == Store.objects.get(name="dir-us")
    bad = replica_at("dir-eu")
    assert (bad.state, bad.reason_code) == (ReplicaState.CORRUPT, "integrity_broken")
    assert "deep/b.bin" in bad.reason
    assert str(twice.home) not in bad.reason
    for path, data in FILES.items():
        assert path_at(twice, "dir-pt", path).read_bytes() == data
    resolved = twice.ben.client().get("/api/v1/resolve", {"name": WIKI}).json()
    serving = {row["store"] for row in resolved["replicas"] if row["serves"]}
    assert serving == {"dir-us", "dir-pt"}


def test_a_file_that_is_gone_takes_the_replica_out_of_service(twice: World) -> None:
    path_at(twice, "dir-eu", "a.csv").unlink()
    assert run_transfer(copy_to_the_edge(twice).pk) == TransferState.DONE
    bad = replica_at("dir-eu")
    assert (bad.state, bad.reason_code) == (ReplicaState.MISSING, "object_missing")


def test_with_no_good_source_left_nothing_is_copied(twice: World) -> None:
    rot(twice, "dir-eu", "deep/b.bin")
    rot(twice, "dir-us", "deep/b.bin")
    transfer = copy_to_the_edge(twice)
    assert run_transfer(transfer.pk) == TransferState.WAITING
    transfer.refresh_from_db()
    assert transfer.reason_code == "no_source"
    assert not path_at(twice, "dir-pt", "deep/b.bin").exists()
    assert replica_at("dir-pt").state == ReplicaState.COPYING


def test_a_condemned_replica_is_written_anew(twice: World) -> None:
    twice.add_protection("two-copies", "{copies: 3}")
    rot(twice, "dir-eu", "deep/b.bin")
    assert run_transfer(copy_to_the_edge(twice).pk) == TransferState.DONE
    assert OutboxEvent.objects.filter(topic="replica.broken").count() == 1
    deliver()
    repair = Transfer.objects.get(state=TransferState.QUEUED)
    assert repair.target.name == "dir-eu"
    assert run_transfer(repair.pk) == TransferState.DONE
    whole = replica_at("dir-eu")
    assert (whole.state, whole.reason) == (ReplicaState.COMPLETE, "")
    assert path_at(twice, "dir-eu", "deep/b.bin").read_bytes() == FILES["deep/b.bin"]


def test_registered_objects_are_repaired_beside_and_never_overwritten(folders: World) -> None:
    landing = folders.home / "stores" / "dir-eu" / "landing"
    landing.mkdir()
    (landing / "a.csv").write_bytes(b"x\n1\n")
    owner = folders.ana.principal
    version = open_version(owner, WIKI)
    register_objects(owner, version.pk, store="dir-eu", prefix="landing")
    publish(owner, version.pk)
    first = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    assert run_transfer(first.pk) == TransferState.DONE
    (landing / "a.csv").write_bytes(b"changed by its owner")
    assert run_transfer(copy_to_the_edge(folders).pk) == TransferState.DONE
    assert replica_at("dir-eu").state == ReplicaState.CORRUPT
    folders.add_protection("three", "{copies: 3}")
    reconcile_version(version.pk)
    assert run_transfer(Transfer.objects.get(state=TransferState.QUEUED).pk) == TransferState.DONE
    assert (landing / "a.csv").read_bytes() == b"changed by its owner"
    again = replica_at("dir-eu")
    assert again.base == "acme/nlp/~/wiki/v=1/"
    assert open_store(again.store).read(again.base + "a.csv") == b"x\n1\n"
