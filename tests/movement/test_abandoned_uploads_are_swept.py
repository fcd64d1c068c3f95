"""An unfinished upload that is old and nobody's goes; one that is young or somebody's stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from governance.models import AuditEntry
from movement.models import Arrival, Replica, ReplicaOrigin, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import arrivals, request_transfer, sweep_uploads
from movement.stores.protocol import PART_BYTES, Body, ObjectFacts
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.servers import S3Server

FACTS = ObjectFacts("0" * 64, "text/csv")
OWN = "acme/nlp/~/wiki"


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.servers)])
def mesh(request: pytest.FixtureRequest, world: World) -> World:
    """With the stores `home` and `there`."""
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    if request.param == "directory":
        world.add_directory("home", "core-eu")
        world.add_directory("there", "core-us")
    else:
        server: S3Server = request.getfixturevalue("s3")
        world.add_s3("home", "core-eu", server, prefix="pre")
        world.add_s3("there", "core-us", server)
    return world


def begin(store: str, key: str) -> None:
    opened = open_store(Store.objects.get(name=store))
    upload_id = opened.begin_upload(key, FACTS, part_bytes=PART_BYTES)
    opened.put_part(key, upload_id, 1, Body.of(b"piece"))


def left(store: str) -> list[str]:
    return sorted(upload.key for upload in open_store(Store.objects.get(name=store)).uploads())


def later(hours: float = 49) -> datetime:
    return timezone.now() + timedelta(hours=hours)


def test_what_nobody_goes_on_with_is_dropped_counted_and_logged(mesh: World) -> None:
    mesh.publish(WIKI, {"a.csv": b"x\n1\n"}, store="home")
    for key in (f"{OWN}/v=1/b.csv", f"{OWN}/v=9/gone.csv", ".runs/0197/part"):
        begin("home", key)
    begin("there", f"{OWN}/v=1/a.csv")
    begin("there", "raw/of others.csv")
    assert sweep_uploads(later(47)) == 0
    assert len(left("home")) == 3
    assert sweep_uploads(later()) == 4
    assert (left("home"), left("there")) == ([], ["raw/of others.csv"])
    assert open_store(Store.objects.get(name="home")).read(f"{OWN}/v=1/a.csv") == b"x\n1\n"
    entries = AuditEntry.objects.filter(action="sweep-uploads").order_by("id")
    assert [entry.detail for entry in entries] == [{"uploads": 3}, {"uploads": 1}]
    assert sweep_uploads(later()) == 0
    assert entries.count() == 2


def test_what_a_transfer_may_go_on_with_stays_until_it_ends(mesh: World) -> None:
    version = mesh.publish(WIKI, {"a.csv": b"x\n1\n"}, store="home")
    transfer = request_transfer(mesh.operator.principal, version=version.name, target="there")
    begin("there", f"{OWN}/v=1/a.csv")
    begin("home", f"{OWN}/v=1/a.csv")
    for state in (TransferState.QUEUED, TransferState.RUNNING, TransferState.WAITING):
        Transfer.objects.filter(pk=transfer.pk).update(state=state)
        sweep_uploads(later(1000))
        assert left("there") == [f"{OWN}/v=1/a.csv"]
    assert left("home") == []
    Transfer.objects.filter(pk=transfer.pk).update(state=TransferState.CANCELLED)
    assert sweep_uploads(later()) == 1


def test_a_file_that_still_arrives_stays(mesh: World) -> None:
    version = mesh.draft(WIKI, {"a.csv": b"x\n1\n"}, store="home")
    for path in ("b.csv", "c.csv"):
        begin("home", f"{OWN}/v=1/{path}")
    with arrivals.arriving(version, "b.csv"):
        Arrival.objects.update(until=later(1.5))
        assert sweep_uploads(later()) == 1
        assert left("home") == [f"{OWN}/v=1/b.csv"]
        assert sweep_uploads(later(50)) == 1


def test_what_a_run_writes_stays_while_it_is_a_draft(mesh: World) -> None:
    version = mesh.draft(WIKI, {"a.csv": b"x\n1\n"}, store="home")
    Replica.objects.filter(version=version).update(origin=ReplicaOrigin.RUN)
    begin("home", f"{OWN}/v=1/b.csv")
    assert sweep_uploads(later()) == 0
    Replica.objects.filter(version=version).update(origin=ReplicaOrigin.UPLOAD)
    assert sweep_uploads(later()) == 1


def test_one_that_is_taken_up_while_others_are_swept_stays(
    mesh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = mesh.publish(WIKI, {"a.csv": b"x\n1\n"}, store="home")
    keys = [f"{OWN}/v=1/a.csv", f"{OWN}/v=9/a.csv"]
    for key in keys:
        begin("there", key)
    opened = open_store(Store.objects.get(name="there"))
    drop, dropped = opened.abort_upload, []

    def slow(key: str, upload_id: str) -> None:
        dropped.append(key)
        if key == keys[1]:
            request_transfer(mesh.operator.principal, version=version.name, target="there")
        drop(key, upload_id)

    order = sorted(opened.uploads(), key=lambda upload: upload.key, reverse=True)
    monkeypatch.setattr(opened, "uploads", lambda: iter(order))
    monkeypatch.setattr(opened, "abort_upload", slow)
    sweep_uploads(later())
    assert dropped == [keys[1]]


def test_a_store_that_fails_does_not_keep_others_from_being_swept(
    mesh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in ("home", "there"):
        begin(store, f"{OWN}/v=1/a.csv")
    Store.objects.filter(name="home").update(root="/nowhere", endpoint="http://127.0.0.1:9")
    Store.objects.get(name="home").save()
    assert sweep_uploads(later()) == 1
    assert left("there") == []
