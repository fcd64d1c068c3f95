"""What protection policies ask for is copied, and what they forbid is refused and not moved."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from fairmesh.seal import Anchor
from fairmesh.verify import verify_directory

from catalog.models import Version
from governance.services import anchor_key
from lineage.models import Node
from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import reconcile_version, run_transfer
from tests.builders import World, deliver
from tests.movement.conftest import PATIENTS, WIKI

pytestmark = [pytest.mark.servers]
BIG = bytes(range(256)) * 4096 * 17  # 17 MiB: more than one part
FILES = {"train/a.csv": b"x,y\n1,2\n", "é +%41.bin": b"\x00" * 70_000, "big.bin": BIG}


def holds(store: Store, version: Version) -> dict[str, bytes]:
    """Return what a store holds of a version, by path, without its seal."""
    opened = open_store(store)
    base = Replica.objects.get(version=version, store=store).base
    found = {}
    for info in opened.list(base):
        path = info.key.removeprefix(base)
        if not path.startswith(".fairmesh/"):
            found[path] = opened.read(info.key)
    return found


def test_two_copies_are_made_verified_and_told_of(two_sites: World) -> None:
    two_sites.add_protection("two-copies", "{copies: 2}")
    version = two_sites.publish(WIKI, FILES, store="store-eu")
    deliver()
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.target.name) == (TransferState.QUEUED, "store-us")
    assert transfer.policies == ["two-copies"]
    assert run_transfer(transfer.pk) == TransferState.DONE
    transfer.refresh_from_db()
    assert (transfer.files_done, transfer.bytes_done) == (3, version.bytes)
    assert transfer.source is not None
    assert transfer.source.name == "store-eu"
    assert holds(transfer.target, version) == FILES
    replica = Replica.objects.get(version=version, store=transfer.target)
    assert (replica.state, replica.reason_code) == (ReplicaState.COMPLETE, "")
    assert run_transfer(transfer.pk) is None
    assert Node.objects.filter(namespace=f"s3://{transfer.target.bucket}").exists()
    deliver()
    assert Transfer.objects.count() == 1


def test_a_copy_can_be_verified_without_the_mesh(
    two_sites: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    version = two_sites.publish(WIKI, FILES, store="store-eu")
    two_sites.add_protection("two-copies", "{copies: 2}")
    reconcile_version(version.pk)
    transfer = Transfer.objects.get()
    run_transfer(transfer.pk)
    store, folder = open_store(transfer.target), tmp_path_factory.mktemp("taken")
    base = Replica.objects.get(version=version, store=transfer.target).base
    for info in store.list(base):
        path = folder / info.key.removeprefix(base)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.read(info.key))
    report = verify_directory(folder, Anchor.parse(anchor_key().public))
    assert (report.ok, report.files, report.name) == (True, 3, version.name)


def test_residency_is_refused_and_nothing_reaches_the_bucket(two_sites: World) -> None:
    two_sites.add_site("edge-pt", "edge", ["PT", "EU"])
    two_sites.add_directory("dir-pt", "edge-pt")
    two_sites.add_protection("two-copies", "{copies: 2}")
    two_sites.add_protection(
        "eu-only", "{residency: [EU]}", "/acme/health", ["sensitivity:patient"]
    )
    two_sites.add_label(PATIENTS, "sensitivity:patient")
    version = two_sites.publish(PATIENTS, {"p.csv": b"a\n1\n"}, store="store-eu")
    deliver()
    refused = Transfer.objects.get(state=TransferState.REFUSED)
    assert (refused.target.name, refused.reason_code) == ("store-us", "policy_denied")
    assert refused.policies == ["residency-binds-replicate", "eu-only"]
    assert "eu-only" in refused.reason
    moved = Transfer.objects.get(state=TransferState.QUEUED)
    assert moved.target.name == "dir-pt"
    assert run_transfer(moved.pk) == TransferState.DONE
    assert run_transfer(refused.pk) is None
    assert list(open_store(Store.objects.get(name="store-us")).list()) == []
    answer = two_sites.operator.client().post(
        "/api/v1/transfers",
        {"version": version.name, "target": "store-us"},
        content_type="application/json",
    )
    assert answer.status_code == 403
    assert answer.json()["policies"] == ["residency-binds-replicate", "eu-only"]
    assert "eu-only" in answer.json()["detail"]
    assert list(open_store(Store.objects.get(name="store-us")).list()) == []


def test_a_policy_that_comes_between_stops_what_was_queued(two_sites: World) -> None:
    two_sites.add_protection("two-copies", "{copies: 2}")
    version = two_sites.publish(PATIENTS, {"p.csv": b"a\n1\n"}, store="store-eu")
    deliver()
    queued = Transfer.objects.get()
    two_sites.add_protection("eu-only", "{residency: [EU]}", "/acme/health")
    assert run_transfer(queued.pk) == TransferState.REFUSED
    queued.refresh_from_db()
    assert (queued.reason_code, queued.attempt) == ("policy_denied", 1)
    assert "eu-only" in queued.reason
    assert list(open_store(queued.target).list()) == []
    assert not version.replicas.filter(store=queued.target).exists()


def test_the_plan_says_beforehand_what_will_be_done(two_sites: World) -> None:
    two_sites.add_protection("two-copies", "{copies: 2}")
    two_sites.add_protection("eu-only", "{residency: [EU]}", "/acme/health")
    wiki = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    patients = two_sites.publish(PATIENTS, {"p.csv": b"a\n1\n"}, store="store-eu")
    plan = two_sites.operator.client().get("/api/v1/plans", {"name": "/acme"}).json()
    lines = {(i["version"], i["action"], i["target"]): i for i in plan["items"]}
    copy = lines[(wiki.name, "copy", "store-us")]
    assert (copy["source"], copy["bytes"], copy["policies"]) == ("store-eu", 4, ["two-copies"])
    assert "eu-only" in lines[(patients.name, "refuse", "store-us")]["reason"]
    assert [row["version"] for row in plan["unmet"]] == [patients.name]
    assert plan["bytes"] == 4
    assert not Transfer.objects.exists()
    seen_by_ben = two_sites.ben.client().get("/api/v1/plans", {"name": "/acme"}).json()
    assert (seen_by_ben["items"], seen_by_ben["unmet"], seen_by_ben["bytes"]) == ([], [], 0)
    applied = two_sites.operator.client().post(
        "/api/v1/plans", json.dumps({"name": WIKI}), content_type="application/json"
    )
    assert applied.status_code == 200
    assert [t.target.name for t in Transfer.objects.all()] == ["store-us"]


def test_a_copy_is_due_after_its_publication_and_a_late_one_from_now(two_sites: World) -> None:
    two_sites.add_protection("soon", "{copies: 2, time_to_replicate_minutes: 60, priority: 7}")
    version = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    deliver()
    transfer = Transfer.objects.get()
    assert version.published_at is not None
    assert transfer.due_at == version.published_at + timedelta(minutes=60)
    assert transfer.priority == 7
    transfer.delete()
    Version.objects.filter(pk=version.pk).update(
        published_at=version.published_at - timedelta(days=90)
    )
    reconcile_version(version.pk)
    late = Transfer.objects.get()
    assert late.due_at is not None
    assert timedelta(minutes=59) < late.due_at - timezone.now() <= timedelta(minutes=60)
