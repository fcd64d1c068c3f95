from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Version, VersionAlias, VersionState
from catalog.selectors import manifest_entries, named_version, version_by_id
from catalog.services import (
    abort_draft,
    add_draft_file,
    open_version,
    publish_version,
    tombstone_version,
    update_product,
)
from core.errors import Conflict, Gone, Invalid, NotFound, PolicyDenied
from core.manifest import FileEntry
from core.names import Name
from core.seal import verify_header
from governance.engine.entities import Action
from governance.selectors import labels_of
from governance.services import anchor_key, delegations_for
from tests.builders import World, build_world

WIKI, TOKENS = "/acme/nlp/~/wiki", "/acme/nlp/~/wiki-tokens"
CSV = {"a.csv": b"x\n1\n"}


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product(WIKI)
    world.add_product(TOKENS)
    return world


def entry(path: str = "b.csv") -> FileEntry:
    return FileEntry(path, 1, "0" * 64, "text/csv")


def test_it_is_sealed_by_a_key_of_its_domain(world: World) -> None:
    first, second = world.publish(WIKI, CSV), world.publish(WIKI, CSV)
    assert second.envelope is not None
    header = verify_header(second.envelope, delegations_for(WIKI), anchor_key().public)
    assert header["name"] == f"{WIKI}/v=2"
    assert header["previous"] == first.digest
    assert header["manifest"]["root"] == second.root
    assert [e.path for e in manifest_entries(second)] == ["a.csv"]


def test_any_further_write_is_refused(world: World) -> None:
    version, ana = world.publish(WIKI, CSV), world.ana.principal
    with pytest.raises(Conflict, match="never changes"):
        add_draft_file(version, entry())
    with pytest.raises(Conflict, match="tombstone it"):
        abort_draft(ana, version.pk)
    again = publish_version(ana, version.pk)
    assert (again.digest, again.envelope) == (version.digest, version.envelope)
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.create(product=version.product, number=9, state="published")


def test_a_number_is_never_used_again(world: World) -> None:
    ana = world.ana.principal
    first, second = open_version(ana, WIKI), open_version(ana, WIKI)
    assert (first.number, second.number) == (1, 2)
    abort_draft(ana, second.pk)
    abort_draft(ana, first.pk)
    assert open_version(ana, WIKI).number == 3
    assert world.publish(WIKI, CSV).number == 4


def test_a_removed_version_is_gone_with_its_metadata(world: World) -> None:
    first, second = world.publish(WIKI, CSV), world.publish(WIKI, CSV)
    with pytest.raises(PolicyDenied):
        tombstone_version(world.ben.principal, second.pk, reason="I like to.")
    with pytest.raises(Invalid):
        tombstone_version(world.ana.principal, second.pk, reason=" ")
    tombstone_version(world.ana.principal, second.pk, reason="A mistake.")
    with pytest.raises(Gone) as gone:
        named_version(world.ben.principal, Action.DISCOVER, Name.parse(f"{WIKI}/v=2"))
    assert gone.value.extra["reason"] == "A mistake."
    assert gone.value.extra["digest"] == second.digest
    assert gone.value.as_problem()["status"] == 410
    latest = named_version(world.ben.principal, Action.DISCOVER, Name.parse(WIKI))
    assert latest.pk == first.pk
    told = world.ben.client().get(f"/api/v1/versions/{second.pk}").json()
    assert told["state"] == "tombstoned"
    assert told["tombstone"]["reason"] == "A mistake."
    with pytest.raises(Conflict):
        publish_version(world.ana.principal, second.pk)
    tombstone_version(world.ana.principal, first.pk, reason="All wrong.")
    assert not VersionAlias.objects.filter(alias="latest").exists()
    with pytest.raises(NotFound):
        named_version(world.ana.principal, Action.DISCOVER, Name.parse(WIKI))


def test_removing_an_old_version_leaves_latest_where_it_is(world: World) -> None:
    first, second = world.publish(WIKI, CSV), world.publish(WIKI, CSV)
    tombstone_version(world.ana.principal, first.pk, reason="Old.")
    found = named_version(world.ana.principal, Action.DISCOVER, Name.parse(WIKI))
    assert found.pk == second.pk
    assert world.publish(WIKI, CSV).aliases.get().alias == "latest"


def test_a_draft_is_its_writers_alone(world: World) -> None:
    draft = open_version(world.ana.principal, WIKI)
    add_draft_file(draft, entry())
    assert version_by_id(world.ana.principal, Action.DISCOVER, draft.pk).pk == draft.pk
    for who in (world.ben, world.carla):
        client = who.client()
        assert client.get("/api/v1/versions", {"product": WIKI}).json()["results"] == []
        for path in ("", "/files", "/seal"):
            answer = client.get(f"/api/v1/versions/{draft.pk}{path}")
            assert answer.status_code == 404
            assert "wiki" not in answer.content.decode()
        with pytest.raises(NotFound):
            named_version(who.principal, Action.DISCOVER, Name.parse(f"{WIKI}/v=1"))
    rows = world.ana.client().get("/api/v1/versions", {"product": WIKI}).json()["results"]
    assert [row["state"] for row in rows] == [VersionState.DRAFT]


def test_labels_are_inherited_from_what_it_was_made_from(world: World) -> None:
    source = world.publish(WIKI, CSV)
    world.add_label(WIKI, "pii:email")
    made = world.publish(TOKENS, CSV, inputs=[source.name])
    assert made.labels == ["pii:email"]
    assert made.inputs == [{"name": source.name, "digest": source.digest}]
    assert [(row.label, row.origin) for row in labels_of(TOKENS)] == [("pii:email", "inherited")]


def test_nothing_is_made_from_what_one_may_not_transform(world: World) -> None:
    world.add_product("/acme/health/~/scans", visibility="team")
    source = world.publish("/acme/health/~/scans", CSV)
    with pytest.raises(NotFound):
        world.publish(TOKENS, CSV, inputs=[source.name])
    assert not Version.objects.filter(product__name=TOKENS, state="published").exists()


def test_an_empty_draft_and_a_retired_product_publish_nothing(world: World) -> None:
    ana, draft = world.ana.principal, open_version(world.ana.principal, WIKI)
    with pytest.raises(Invalid, match="no files"):
        publish_version(ana, draft.pk)
    add_draft_file(draft, entry())
    update_product(ana, draft.product_id, {"lifecycle": "retired"})
    with pytest.raises(Conflict, match="retired"):
        publish_version(ana, draft.pk)
    with pytest.raises(Conflict, match="retired"):
        open_version(ana, WIKI)
