"""After an erasure no store holds a byte, the name answers 410, and no door leads to the rows."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from catalog.models import Posting, Version
from catalog.services import open_version
from governance.models import ErasureOrder, ErasureReceipt
from movement.models import Replica, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import publish, register_objects, request_transfer, run_transfer
from tests.builders import World, deliver
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.erasing import act, approve, erase, get, keys, propose, receipts, states
from tests.servers import S3Server

pytestmark = [pytest.mark.servers]
FILES = {"train/a.csv": b"x,y\n1,2\n", "é +%41.bin": b"\x00" * 70_000}


def copied(world: World, name: str = WIKI) -> Version:
    """Publish at store-eu and carry a copy to store-us."""
    version = world.publish(name, FILES, store="store-eu")
    transfer = request_transfer(world.operator.principal, version=version.name, target="store-us")
    assert run_transfer(transfer.pk) == TransferState.DONE
    deliver()
    return version


def test_every_replica_is_empty_and_every_address_is_dead(two_sites: World) -> None:
    version = copied(two_sites)
    ana = two_sites.ana.client()
    found = ana.get("/api/v1/resolve", {"name": version.name}).json()
    urls = [url for file in found["results"] for url in file["urls"]]
    content = f"/api/v1/versions/{version.pk}/content/train/a.csv"
    assert len(urls) == 4
    assert b"".join(ana.get(content)) == FILES["train/a.csv"]
    assert urllib.request.urlopen(urls[0]).read()

    order = erase(two_sites, WIKI)

    assert order["state"] == "done"
    assert keys("store-eu") == keys("store-us") == []
    assert states(version.name) == {"store-eu": "deleted", "store-us": "deleted"}
    for url in urls:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        assert caught.value.code == 404
        caught.value.close()
    for address in (content, f"/api/v1/versions/{version.pk}/preview"):
        assert ana.get(address).status_code == 410
    gone = ana.get("/api/v1/resolve", {"name": version.name})
    assert (gone.status_code, gone.json()["digest"]) == (410, version.digest)
    assert ana.get(f"/n{version.name}").status_code == 410
    assert ana.get("/api/v1/search", {"q": "wiki"}).json()["results"] == []
    assert not Posting.objects.filter(product=version.product).exists()


def test_the_receipts_say_what_was_erased_and_when_its_absence_was_seen(two_sites: World) -> None:
    version = copied(two_sites)
    told = receipts(erase(two_sites, version.name))
    # the copy has its seal, its delegations and its manifest beside it
    for store, objects in (("store-eu", len(FILES)), ("store-us", len(FILES) + 3)):
        replica = told["replica", version.name, store]
        assert replica["state"] == "erased"
        assert replica["evidence"]["objects"] == objects
        assert replica["evidence"]["bytes"] >= version.bytes
        assert replica["evidence"]["digest"] == version.digest
        assert replica["evidence"]["absent_at"]
    for kind, place in (("version", "catalog"), ("index", "catalog"), ("lineage", "lineage")):
        assert told[kind, version.name, place]["state"] == "erased"


def test_other_versions_stay_and_latest_moves_on(two_sites: World) -> None:
    first = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    second = two_sites.publish(WIKI, {"a.csv": b"x\n2\n"}, store="store-eu")
    deliver()
    erase(two_sites, second.name)
    found = two_sites.ana.client().get("/api/v1/resolve", {"name": WIKI}).json()
    assert found["name"] == first.name
    assert {key.split("/")[4] for key in keys("store-eu")} == {"v=1"}
    hits = two_sites.ana.client().get("/api/v1/search", {"q": "wiki"}).json()["results"]
    assert len(hits) == 1
    third = two_sites.publish(WIKI, {"a.csv": b"x\n3\n"}, store="store-eu")
    assert third.number == 3


def test_a_versioned_bucket_keeps_no_earlier_bytes(two_sites: World, s3: S3Server) -> None:
    bucket = Store.objects.get(name="store-eu").bucket
    host = s3.endpoint.removeprefix("http://")
    control = Minio(host, s3.access_key, s3.secret_key, secure=False)
    control.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    draft = two_sites.draft(WIKI, {"a.csv": b"x\nsecret\n"}, store="store-eu")
    again = two_sites.draft(WIKI, {"b.csv": b"x\n2\n"}, store="store-eu")
    publish(two_sites.ana.principal, draft.pk)
    publish(two_sites.ana.principal, again.pk)
    open_store(Store.objects.get(name="store-eu")).delete("acme/nlp/~/wiki/v=1/a.csv")
    assert "acme/nlp/~/wiki/v=1/a.csv" in keys("store-eu")
    assert erase(two_sites, WIKI)["state"] == "done"
    assert keys("store-eu") == []


def test_folders_and_unfinished_copies_go_as_well(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    transfer = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    begun = open_store(Store.objects.get(name="dir-us"))
    key = "acme/nlp/~/wiki/v=1/train/a.csv"
    begun.write(key, b"half", sha256=_sha256(b"half"), media_type="text/csv")
    Replica.objects.create(
        version=version, store=transfer.target, origin="transfer",
        base="acme/nlp/~/wiki/v=1/", state="copying",
    )  # fmt: skip
    order = erase(folders, version.name)
    transfer.refresh_from_db()
    assert (order["state"], transfer.state) == ("done", TransferState.CANCELLED)
    assert keys("dir-eu") == keys("dir-us") == []
    assert run_transfer(transfer.pk) is None
    assert not list((folders.home / "stores" / "dir-eu").glob("acme"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put_objects(store: str, objects: dict[str, bytes]) -> None:
    for key, data in objects.items():
        open_store(Store.objects.get(name=store)).write(
            key, data, sha256=_sha256(data), media_type="text/csv"
        )


def registered(world: World, product: str, store: str, prefix: str) -> Version:
    owner = world.owner_of(product).principal
    draft = open_version(owner, product)
    register_objects(owner, draft.pk, store=store, prefix=prefix)
    return publish(owner, draft.pk)


def test_registered_objects_stay_unless_they_are_asked_for(folders: World) -> None:
    put_objects("dir-eu", {"raw/a.csv": b"x\n1\n", "raw/b/c.csv": b"x\n2\n", "rawer/d": b"3"})
    version = registered(folders, WIKI, "dir-eu", "raw")
    kept = receipts(erase(folders, version.name))["replica", version.name, "dir-eu"]
    assert (kept["state"], kept["reason_code"]) == ("kept", "registered_in_place")
    assert {"raw/a.csv", "raw/b/c.csv"} <= set(keys("dir-eu"))
    again = registered(folders, WIKI, "dir-eu", "raw")
    put_objects("dir-eu", {"raw/new.csv": b"not of the version"})
    order = erase(folders, again.name, registered="delete")
    assert receipts(order)["replica", again.name, "dir-eu"]["state"] == "erased"
    assert keys("dir-eu") == ["raw/new.csv", "rawer/d"]


def test_objects_that_another_version_refers_to_stay(folders: World) -> None:
    put_objects("dir-eu", {"raw/a.csv": b"x\n1\n", "raw/b.csv": b"x\n2\n"})
    mine = registered(folders, WIKI, "dir-eu", "raw")
    theirs = registered(folders, PATIENTS, "dir-eu", "raw")
    told = receipts(erase(folders, mine.name, registered="delete"))
    shared = told["replica", mine.name, "dir-eu"]
    assert (shared["state"], shared["reason_code"]) == ("kept", "shared")
    assert shared["evidence"]["shared"] == 2
    carla = folders.carla.client()
    assert b"".join(carla.get(f"/api/v1/versions/{theirs.pk}/content/a.csv")) == b"x\n1\n"


def test_objects_registered_out_of_another_versions_prefix_stay(folders: World) -> None:
    mine = folders.publish(WIKI, {"a.csv": b"x\n1\n", "deep/b.csv": b"x\n2\n"}, store="dir-eu")
    theirs = registered(folders, PATIENTS, "dir-eu", "acme/nlp/~/wiki/v=1/deep")
    order = erase(folders, mine.name)
    found = receipts(order)["replica", mine.name, "dir-eu"]
    assert (found["reason_code"], found["evidence"]["shared"]) == ("shared", 1)
    assert "acme/nlp/~/wiki/v=1/a.csv" not in keys("dir-eu")
    carla = folders.carla.client()
    assert b"".join(carla.get(f"/api/v1/versions/{theirs.pk}/content/b.csv")) == b"x\n2\n"


def test_a_draft_of_an_erased_product_is_given_up(folders: World) -> None:
    folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    draft = folders.draft(WIKI, {"late.csv": b"x\n2\n"}, store="dir-us")
    order = erase(folders, WIKI)
    assert receipts(order)["upload-part", draft.name, "dir-us"]["state"] == "erased"
    assert not Version.objects.filter(pk=draft.pk).exists()
    assert keys("dir-eu") == keys("dir-us") == []


def test_a_version_that_was_tombstoned_by_hand_can_still_be_erased(folders: World) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    reason = {"reason": "A mistake."}
    address = f"/api/v1/versions/{version.pk}/tombstone"
    answer = folders.ana.client().post(address, reason, content_type="application/json")
    assert (answer.status_code, keys("dir-eu") == []) == (200, False)
    assert erase(folders, version.name)["state"] == "done"
    assert keys("dir-eu") == []
    again = folders.ana.client().post(
        "/api/v1/erasures",
        {"name": version.name, "reason": "again", "basis": "x"},
        content_type="application/json",
    )
    assert again.status_code == 410


def test_a_worker_that_may_still_write_is_waited_for(two_sites: World) -> None:
    version = two_sites.publish(WIKI, FILES, store="store-eu")
    request_transfer(two_sites.operator.principal, version=version.name, target="store-us")
    _suspend_a_worker()
    order = propose(two_sites.ana, version.name)
    approve(two_sites.operator, order)
    assert act(order) == "acting"
    waiting = ErasureReceipt.objects.filter(order=order["id"], kind="replica", state="pending")
    assert {row.reason_code for row in waiting} == {"still_writing"}
    late = open_store(Store.objects.get(name="store-us"))
    late.write(
        "acme/nlp/~/wiki/v=1/train/a.csv", b"late", sha256=_sha256(b"late"), media_type="text/csv"
    )
    _let_time_pass(order)
    assert act(order) == "done"
    assert keys("store-us") == []


def _suspend_a_worker() -> None:
    """Leave the one transfer as a worker does that has a copy in flight and hears of nothing."""
    transfer = Transfer.objects.get()
    Replica.objects.create(
        version=transfer.version, store=transfer.target, origin="transfer",
        base="acme/nlp/~/wiki/v=1/", state="copying",
    )  # fmt: skip
    until = timezone.now() + timedelta(seconds=30)
    Transfer.objects.update(state="running", lease_owner="other:1", lease_until=until, fence=1)


def _let_time_pass(order: dict[str, Any]) -> None:
    ErasureReceipt.objects.filter(order=order["id"]).update(next_attempt_at=None)
    ErasureOrder.objects.filter(pk=order["id"]).update(next_attempt_at="2020-01-01T00:00:00Z")


def test_strangers_see_no_order(two_sites: World) -> None:
    copied(two_sites)
    order = propose(two_sites.ana, WIKI)
    for client in (two_sites.ben.client(), two_sites.carla.client(), Client()):
        assert client.get(f"/api/v1/erasures/{order['id']}").status_code in {401, 404}
        listed = client.get("/api/v1/erasures")
        assert listed.status_code == 401 or listed.json()["results"] == []
    get(two_sites.operator, f"erasures/{order['id']}")
