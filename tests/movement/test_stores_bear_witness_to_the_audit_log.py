"""The log lies in two stores, is verified from one of them alone, and a fork of it is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fairmesh.audit import LogReport, verify_log
from fairmesh.seal import Anchor

from core.errors import Invalid
from governance import audit, audit_reading
from governance.engine.entities import Decision, Principal
from governance.models import AuditCheckpoint, AuditEntry, AuditTile, AuditTree
from governance.services import anchor_key, sequence
from movement.models import AuditCopy, Store
from movement.opening import open_store
from movement.services import audit_copies, keep_audit, register_objects
from tests.builders import World, build_world
from tests.servers import S3Server

ALLOWED = Decision(True, ("a",), "", "")
NAMES = ["store-a", "store-b", "store-c"]


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """Two stores at the site a, one at the site b."""
    world = build_world(settings, tmp_path)
    world.add_site("a", "core", ["DE"])
    world.add_site("b", "edge", ["US"])
    for name, site in zip(NAMES, "aab", strict=True):
        world.add_directory(name, site)
        store = Store.objects.get(name=name)
        open_store(store).ensure_ready()
    return world


def act(count: int = 1) -> None:
    for number in range(count):
        audit.record(Principal("ben"), "do", "/acme", ALLOWED, number=number)
    sequence()


def folder(world: World, name: str) -> Path:
    return Path(Store.objects.get(name=name).root) / ".audit"


def verified(world: World, name: str) -> LogReport:
    return verify_log(folder(world, name), Anchor(anchor_key().public))


def sizes() -> dict[str, int]:
    return {copy.store.name: copy.size for copy in AuditCopy.objects.select_related("store")}


def test_the_log_lies_at_two_sites_and_verifies_from_a_store_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_copies, "PIECE_ENTRIES", 8)
    act(20)
    first = audit_reading.latest_checkpoint().size
    keep_audit()
    assert sizes() == {"store-a": first, "store-c": first}
    act(3)
    keep_audit()
    for name in ("store-a", "store-c"):
        report = verified(world, name).require()
        assert (report.size, report.root) == (first + 3, audit_reading.root_at(first + 3).hex())
        kept = sorted(path.name for path in (folder(world, name) / "checkpoints").iterdir())
        assert kept == [f"{first:012d}", f"{first + 3:012d}"]
        for path in (folder(world, name) / "entries").iterdir():
            assert b'"ben"' not in path.read_bytes()


def test_a_copy_that_was_tampered_with_or_is_cut_does_not_verify(world: World) -> None:
    act(20)
    keep_audit()
    piece = next((folder(world, "store-a") / "entries").iterdir())
    good = piece.read_bytes()
    piece.write_bytes(good.replace(b'"number":3', b'"number":4'))
    assert [problem.reason for problem in verified(world, "store-a").problems] == ["root"]
    piece.write_bytes(b"".join(good.splitlines(keepends=True)[:-1]))
    assert [problem.reason for problem in verified(world, "store-a").problems] == ["truncated"]


def test_writing_that_was_broken_off_goes_on_and_overlaps_harmlessly(world: World) -> None:
    act(5)
    keep_audit()
    before = sizes()
    act(5)
    keep_audit()
    AuditCopy.objects.update(size=before["store-a"])  # it died before it had noted what it wrote
    act(5)
    keep_audit()
    assert verified(world, "store-a").require().size == audit_reading.latest_checkpoint().size


def test_a_store_that_is_away_is_caught_up_later(world: World) -> None:
    act()
    keep_audit()
    first = sizes()["store-c"]
    root = Path(Store.objects.get(name="store-c").root)
    root.rename(root.with_suffix(".away"))
    act()
    keep_audit()
    assert sizes()["store-c"] == first < sizes()["store-a"]
    root.with_suffix(".away").rename(root)
    keep_audit()
    assert sizes()["store-c"] == sizes()["store-a"]
    verified(world, "store-c").require()


def rewrite(kept: int) -> None:
    """Change the past and sign it anew, as whoever holds the database and the anchor could."""
    for table in (AuditCheckpoint, AuditTile, AuditTree):
        table._default_manager.all().delete()
    AuditEntry.objects.filter(position__gte=kept).delete()
    AuditEntry.objects.update(position=None, allowed=False)
    for row in AuditEntry.objects.all():
        row.leaf = audit_reading.leaf_of(row)
        row.save()
    sequence()


@pytest.mark.parametrize("kept", [5, 10**6])
def test_a_store_that_remembers_another_history_is_left_as_it_is(world: World, kept: int) -> None:
    act(10)
    keep_audit()
    was = folder(world, "store-a").joinpath("checkpoint").read_text()
    rewrite(kept)
    act(1)
    assert keep_audit() == []
    assert folder(world, "store-a").joinpath("checkpoint").read_text() == was
    assert all(copy.forked for copy in AuditCopy.objects.all())
    verified(world, "store-a").require()


def test_a_checkpoint_of_somebody_else_is_not_written_over(world: World) -> None:
    place = folder(world, "store-a")
    place.mkdir()
    note = json.dumps({"not": "ours"})
    place.joinpath("checkpoint").write_text(note)
    act()
    keep_audit()
    assert "store-c" in {copy.store.name for copy in AuditCopy.objects.filter(forked="")}
    assert place.joinpath("checkpoint").read_text() == note


@pytest.mark.parametrize("prefix", [".audit", "/.audit/entries", ".audit/"])
def test_the_log_is_no_data_product(world: World, prefix: str) -> None:
    world.add_product("/acme/nlp/~/wiki")
    version = world.draft("/acme/nlp/~/wiki", {})
    with pytest.raises(Invalid, match="audit log"):
        register_objects(world.ana.principal, version.pk, store="store-a", prefix=prefix)


@pytest.mark.servers
def test_an_s3_store_bears_witness_too(world: World, s3: S3Server) -> None:
    Store.objects.all().delete()
    world.add_s3("store-s3", "a", s3)
    store = open_store(Store.objects.get(name="store-s3"))
    act(3)
    keep_audit()
    assert store.read(".audit/checkpoint").decode() == audit_reading.latest_checkpoint().note
    act(1)
    assert [copy.store.name for copy in keep_audit()] == ["store-s3"]
