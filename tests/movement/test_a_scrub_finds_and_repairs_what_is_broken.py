"""Missing, truncated, flipped and extra are each found, and what is broken alone is sent again."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from catalog.services import open_version
from core.models import OutboxEvent
from governance.models import AuditEntry
from lineage.models import LineageEvent
from lineage.services import decode
from movement.models import Replica, ReplicaState, ScrubState, Transfer, TransferState
from movement.services import publish, register_objects, run_transfer
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.movement.scrubbing import FILES, Twice, found, scrub, twice

BROKEN = {"a/gone.csv": "missing", "b/short.csv": "truncated", "c/flipped.bin": "flipped"}


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.servers)])
def mesh(request: pytest.FixtureRequest) -> Twice:
    if request.param == "directory":
        return twice(request.getfixturevalue("folders"), "dir-eu", "dir-us")
    return twice(request.getfixturevalue("two_sites"), "store-eu", "store-us")


@pytest.fixture
def two(folders: World) -> Twice:
    return twice(folders, "dir-eu", "dir-us")


def harm(mesh: Twice) -> None:
    mesh.remove("a/gone.csv")
    mesh.write("b/short.csv", FILES["b/short.csv"][:-3])
    mesh.flip("c/flipped.bin")
    mesh.add("c/nobody's.txt")


def test_every_kind_is_found_and_only_the_broken_files_are_sent_again(mesh: Twice) -> None:
    harm(mesh)
    begun = scrub(mesh.bad)
    assert found(begun) == {**BROKEN, "c/nobody's.txt": "extra"}
    assert (begun.state, begun.files) == (ScrubState.BROKEN, len(FILES))
    assert begun.bytes == mesh.version.bytes
    assert (mesh.bad.state, mesh.bad.reason_code) == (ReplicaState.CORRUPT, "integrity_broken")
    assert "3 of 5 files" in mesh.bad.reason
    assert "a/gone.csv" in mesh.bad.reason
    deliver()
    mesh.flip("d/good.bin")  # after it was proved: whoever sends it again would mend it
    rotten = mesh.read("d/good.bin")
    transfer = mesh.repair()
    assert (transfer.files_done, transfer.bytes_done) == (len(FILES), mesh.version.bytes)
    assert (mesh.bad.state, mesh.bad.verified_at) == (ReplicaState.COMPLETE, begun.started_at)
    for path in BROKEN:
        assert mesh.read(path) == FILES[path]
    assert mesh.read("d/good.bin") == rotten != FILES["d/good.bin"]
    assert mesh.read("c/nobody's.txt") == b"whose?", "an extra object is told of, never removed"
    repaired = begun.findings.filter(repaired_at__isnull=False).values_list("path", flat=True)
    assert set(repaired) == set(BROKEN)
    assert found(scrub(mesh.bad)) == {"d/good.bin": "flipped", "c/nobody's.txt": "extra"}
    mesh.repair()
    again = scrub(mesh.bad)
    assert (again.state, found(again)) == (ScrubState.GOOD, {"c/nobody's.txt": "extra"})
    assert mesh.bad.verified_at == again.started_at


def test_a_listing_finds_what_is_missing_or_short_and_proves_nothing(two: Twice) -> None:
    harm(two)
    before = two.bad.verified_at
    begun = scrub(two.bad, deep=False)
    assert found(begun) == {
        "a/gone.csv": "missing", "b/short.csv": "truncated", "c/nobody's.txt": "extra"
    }  # fmt: skip
    assert (begun.state, begun.bytes) == (ScrubState.BROKEN, 0)
    two.repair()
    assert two.bad.state == ReplicaState.COMPLETE
    assert two.bad.verified_at == before, "the other files were not read"
    assert scrub(two.bad, deep=False).state == ScrubState.GOOD
    assert two.bad.verified_at == before


def test_files_that_are_gone_alone_make_a_replica_missing(two: Twice) -> None:
    two.remove("é/good.csv")
    scrub(two.bad)
    assert (two.bad.state, two.bad.reason_code) == (ReplicaState.MISSING, "object_missing")
    two.repair()
    assert two.read("é/good.csv") == FILES["é/good.csv"]


def test_it_is_audited_and_a_fact_of_lineage(two: Twice) -> None:
    two.flip("c/flipped.bin")
    begun = scrub(two.bad)
    entry = AuditEntry.objects.get(action="scrub")
    assert (entry.principal, entry.name) == ("service.scrubber", two.version.name)
    assert entry.detail["found"] == {"flipped": 1}
    facts = [decode(row) for row in LineageEvent.objects.all()]
    fact = next(each for each in facts if each["job"]["name"] == "scrub-at-dir-us")
    assert (fact["eventType"], fact["run"]["runId"]) == ("FAIL", str(begun.pk))
    assert fact["inputs"][0]["name"] == WIKI
    assert OutboxEvent.objects.filter(topic="replica.broken").count() == 1
    assert not LineageEvent.objects.filter(state="flagged").exists()


def test_without_a_good_copy_it_says_so_and_alarms(
    two: Twice, caplog: pytest.LogCaptureFixture
) -> None:
    first = Replica.objects.select_related("store").get(store__name="dir-eu")
    for replica in (first, two.bad):
        Twice(two.world, two.version, replica).flip("c/flipped.bin")
    scrub(first)
    Transfer.objects.filter(state=TransferState.QUEUED).delete()
    with caplog.at_level(logging.ERROR):
        begun = scrub(two.bad)
    assert two.bad.reason_code == "no_good_copy"
    assert f"No store holds a whole copy of {two.version.name}" in caplog.text
    assert not Transfer.objects.filter(state=TransferState.QUEUED).exists()
    told = two.world.ben.client().get(f"/api/v1/scrubs/{begun.pk}").json()
    assert (told["no_good_copy"], told["broken"], told["repaired"]) == (True, 1, 0)


def test_a_broken_replica_whose_disk_is_back_counts_again_without_a_copy(two: Twice) -> None:
    two.remove("a/gone.csv")
    begun = scrub(two.bad)
    Transfer.objects.filter(state=TransferState.QUEUED).delete()
    two.write("a/gone.csv", FILES["a/gone.csv"])
    assert scrub(two.bad).state == ScrubState.GOOD
    assert (two.bad.state, two.bad.reason_code) == (ReplicaState.COMPLETE, "")
    assert begun.findings.get().repaired_at is not None


def test_registered_objects_are_sent_again_whole_beside(folders: World) -> None:
    landing = folders.home / "stores" / "dir-eu" / "landing"
    landing.mkdir()
    for name in ("a.csv", "b.csv"):
        (landing / name).write_bytes(b"x\n1\n")
    owner = folders.ana.principal
    version = open_version(owner, WIKI)
    register_objects(owner, version.pk, store="dir-eu", prefix="landing")
    publish(owner, version.pk)
    copied = folders.operator.client().post(
        "/api/v1/transfers",
        {"version": version.name, "target": "dir-us"},
        content_type="application/json",
    )
    assert run_transfer(copied.json()["id"]) == TransferState.DONE
    (landing / "a.csv").write_bytes(b"x\n2\n")
    (landing / "later.csv").write_bytes(b"the owner's")
    replica = Replica.objects.select_related("store", "version").get(store__name="dir-eu")
    assert found(scrub(replica)) == {"a.csv": "flipped"}
    assert run_transfer(Transfer.objects.get(state=TransferState.QUEUED).pk) == TransferState.DONE
    replica.refresh_from_db()
    assert (replica.state, replica.base) == (ReplicaState.COMPLETE, "acme/nlp/~/wiki/v=1/")
    assert (landing / "a.csv").read_bytes() == b"x\n2\n"
    assert scrub(replica).state == ScrubState.GOOD


def test_a_replica_with_too_much_broken_is_sent_again_whole(two: Twice, monkeypatch: Any) -> None:
    for module in ("repair", "scrubbing"):
        monkeypatch.setattr(f"movement.services.{module}.FINDINGS_MAX", 2)
    harm(two)
    assert scrub(two.bad).findings.exclude(kind="extra").count() == 2
    two.flip("d/good.bin")
    two.repair()
    assert all(two.read(path) == data for path, data in FILES.items())
