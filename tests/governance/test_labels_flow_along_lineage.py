"""What a product is made from decides what it carries: at once, column by column, with the path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.models import Version
from core.errors import Conflict
from core.seal import open_envelope
from governance.models import Label, Scan, SigningKey
from governance.services import add_label, remove_label
from governance.services.declassification import (
    STATEMENT_TYPE,
    declassify,
    revoke_declassification,
)
from lineage import openlineage, services
from lineage.labelling import settle_products
from lineage.openlineage import ColumnSource, DatasetUse, Output, RunRef
from movement.services import publish
from tests.builders import World, build_world, deliver
from tests.governance.scanning import labels, work

RAW, MID, TOP, SIDE = (f"/acme/nlp/~/{name}" for name in ("raw", "mid", "top", "side"))
PLAIN = {"a.csv": b"a,b\n1,2\n"}


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    for name in (RAW, MID, TOP, SIDE):
        world.add_product(name)
    return world


def put(world: World, name: str, label: str, column: str = "") -> Label:
    return add_label(world.ana.principal, name=name, label=label, column=column)


def chain(world: World) -> tuple[Version, Version, Version]:
    raw = world.publish(RAW, PLAIN)
    mid = world.publish(MID, PLAIN, inputs=[raw.name])
    return raw, mid, world.publish(TOP, PLAIN, inputs=[mid.name])


def made(
    world: World,
    source: Version,
    target: str,
    columns: Mapping[str, str],
    masked: bool = False,
    files: Mapping[str, bytes] = PLAIN,
) -> Version:
    """Publish a version as a run of ours does: its column lineage is known, and then recorded."""
    draft = world.draft(target, files)
    flow = {out: [column] for out, column in columns.items()}
    run = RunRef(str(uuid4()), "pipelines/test")
    version = publish(
        world.ana.principal,
        draft.pk,
        inputs=[source.name],
        run=run.run_id,
        columns={source.name: flow},
    )
    told = {
        out: [ColumnSource(source.product.name, column, masking=masked)]
        for out, column in columns.items()
    }
    output = Output(version.name, column_map=told)
    services.record(openlineage.completed(run, timezone.now(), [DatasetUse(source.name)], [output]))
    return version


def path_of(name: str, label: str) -> list[str]:
    row = Label.objects.get(name=name, label=label, removed_at=None)
    return [
        step["name"] + (f"/v={step['version']}" if "version" in step else "")
        + (f"#{step['column']}" if "column" in step else "")
        for step in row.evidence["path"]
    ]  # fmt: skip


def test_a_version_carries_what_its_input_does_before_anybody_can_ask(world: World) -> None:
    put(world, RAW, "pii:email", "mail")
    raw = world.publish(RAW, PLAIN)
    mid = world.publish(MID, PLAIN, inputs=[raw.name])
    assert labels(MID) == {("", "pii:email")}
    assert mid.labels == ["pii:email"], "and the seal says so"
    assert path_of(MID, "pii:email") == [f"{RAW}/v=1#mail", f"{MID}/v=1"]
    work()
    assert labels(MID) == {("", "pii:email")}
    assert path_of(MID, "pii:email") == [f"{RAW}/v=1#mail", f"{MID}/v=1"]


def test_a_label_that_comes_later_reaches_everything_downstream_and_leaves_it(
    world: World,
) -> None:
    chain(world)
    work()
    put(world, RAW, "sensitivity:internal")
    label = put(world, RAW, "sensitivity:restricted")
    put(world, MID, "sensitivity:confidential")
    deliver()
    assert labels(TOP) == {("", "sensitivity:restricted")}
    assert path_of(TOP, "sensitivity:restricted") == [f"{RAW}/v=1", f"{MID}/v=1", f"{TOP}/v=1"]
    remove_label(world.ana.principal, label.pk)
    deliver()
    assert labels(TOP) == labels(MID) == {("", "sensitivity:confidential")}


def test_settling_again_changes_nothing(world: World) -> None:
    put(world, RAW, "pii:email")
    chain(world)
    work()
    before = list(Label.objects.order_by("id").values())
    assert settle_products([RAW, MID, TOP]) == 0
    assert list(Label.objects.order_by("id").values()) == before


def test_what_the_input_allows_less_overrules_and_comes_back(world: World) -> None:
    raw, *_ = chain(world)
    for place in ("residency:de", "residency:us"):
        put(world, MID, place)
    limit = put(world, RAW, "residency:de")
    deliver()
    assert labels(MID) == labels(TOP) == {("", "residency:de")}
    remove_label(world.ana.principal, limit.pk)
    deliver()
    assert labels(MID) == labels(TOP) == {("", "residency:de"), ("", "residency:us")}
    assert raw.name


def test_labels_of_columns_go_to_the_columns_they_flow_into(world: World) -> None:
    put(world, RAW, "pii:email", "a")
    put(world, RAW, "pii:iban", "b")
    raw = world.publish(RAW, PLAIN)
    made(world, raw, MID, {"x": "a"})
    assert labels(MID) == {("x", "pii:email")}, "in the publication itself"
    work()
    assert labels(MID) == {("x", "pii:email")}
    assert path_of(MID, "pii:email") == [f"{RAW}/v=1#a", f"{MID}/v=1#x"]
    put(world, RAW, "pii:phone", "a")
    deliver()
    assert ("x", "pii:phone") in labels(MID)


def test_a_version_made_by_hand_is_not_taken_to_have_the_columns_of_a_run(world: World) -> None:
    put(world, RAW, "pii:iban", "b")
    raw = world.publish(RAW, PLAIN)
    made(world, raw, MID, {"x": "a"})
    work()
    assert labels(MID) == set()
    world.publish(MID, PLAIN, inputs=[raw.name])
    assert labels(MID) == {("", "pii:iban")}
    work()
    assert labels(MID) == {("", "pii:iban")}


def test_until_the_graph_knows_a_version_its_labels_stand(world: World) -> None:
    put(world, RAW, "pii:email", "a")
    raw = world.publish(RAW, PLAIN)
    world.publish(MID, PLAIN)
    world.publish(TOP, PLAIN, inputs=[f"{MID}/v=1"])
    work()
    world.publish(MID, PLAIN, inputs=[raw.name])
    settle_products([RAW, MID])
    assert labels(MID) == labels(TOP) == {("", "pii:email")}


def test_a_circle_ends_and_keeps_nothing_alive(world: World) -> None:
    label = put(world, RAW, "pii:email")
    raw, mid, _ = chain(world)
    world.publish(RAW, PLAIN, inputs=[mid.name])
    work()
    assert labels(MID) == labels(TOP) == {("", "pii:email")}
    remove_label(world.ana.principal, label.pk)
    deliver()
    assert labels(RAW) | labels(MID) | labels(TOP) == set()
    assert raw.name


def test_of_a_diamond_one_path_is_told_and_the_other_holds_when_it_closes(world: World) -> None:
    put(world, RAW, "pii:email")
    raw, mid, _ = chain(world)
    side = world.publish(SIDE, PLAIN, inputs=[raw.name])
    world.publish(TOP, PLAIN, inputs=[mid.name, side.name])
    work()
    assert path_of(TOP, "pii:email") == [f"{RAW}/v=1", f"{MID}/v=1", f"{TOP}/v=2"]
    declassify(world.ana.principal, name=MID, label="pii:email", reason="hashed by hand")
    deliver()
    assert labels(MID) == set()
    assert path_of(TOP, "pii:email") == [f"{RAW}/v=1", f"{SIDE}/v=1", f"{TOP}/v=2"]


def test_a_dataset_elsewhere_passes_labels_on(world: World) -> None:
    put(world, RAW, "pii:email")
    lake = DatasetUse("orders", "s3://lake")
    at = timezone.now()
    for source, target in ((DatasetUse(RAW), Output("orders", "s3://lake")), (lake, Output(TOP))):
        services.record(
            openlineage.completed(RunRef(str(uuid4()), f"j{target.name}"), at, [source], [target])
        )
    deliver()
    assert labels(TOP) == {("", "pii:email")}
    assert path_of(TOP, "pii:email") == [RAW, "orders", TOP]


def test_a_mask_lowers_once_every_version_is_scanned_clean(world: World) -> None:
    put(world, RAW, "pii:email", "a")
    raw = world.publish(RAW, {"a.csv": b"a,b\nann@example.org,2\n"})
    work()
    hashed = {"a.csv": b"x\n5f3c\n"}
    made(world, raw, MID, {"x": "a"}, masked=True, files=hashed)
    deliver()
    assert labels(MID) == {("x", "pii:email")}, "a mask by itself lowers nothing"
    work()
    assert labels(MID) == set()
    made(world, raw, MID, {"x": "a"}, masked=True, files=hashed)
    assert labels(MID) == {("x", "pii:email")}, "another version: another scan"
    work()
    assert labels(MID) == set()
    made(world, raw, MID, {"x": "a"}, masked=True, files={"a.csv": b"x\nann@example.org\n"})
    work()
    assert labels(MID) == {("x", "pii:email")}, "the mask did not hold"
    assert {row.origin for row in Label.objects.filter(name=MID, removed_at=None)} == {
        "inherited", "scan",
    }  # fmt: skip


def test_without_a_mask_a_clean_scan_lowers_nothing(world: World) -> None:
    put(world, RAW, "pii:email", "a")
    raw = world.publish(RAW, PLAIN)
    made(world, raw, MID, {"x": "a"}, files={"a.csv": b"x\n5f3c\n"})
    work()
    assert labels(MID) == {("x", "pii:email")}


def test_a_declassification_is_signed_stops_the_way_and_is_revocable(world: World) -> None:
    put(world, RAW, "pii:email")
    chain(world)
    work()
    made = declassify(world.ana.principal, name=MID, label="pii:email", reason="keys only")
    assert labels(MID) == set(), "at once"
    deliver()
    assert labels(TOP) == set()
    key = SigningKey.objects.get(prefix="/acme", retired_at=None)
    said = open_envelope(made.statement, STATEMENT_TYPE, key.public)
    assert (said["name"], said["label"], said["by"]) == (MID, "pii:email", "ana")
    world.publish(MID, PLAIN, inputs=[f"{RAW}/v=1"])
    assert labels(MID) == set(), "new versions as well"
    revoke_declassification(world.ana.principal, made.pk)
    assert labels(MID) == {("", "pii:email")}, "at once"
    deliver()
    assert labels(TOP) == {("", "pii:email")}


def test_where_policies_are_reviewed_the_publisher_does_not_declassify(
    world: World, settings: Any
) -> None:
    put(world, RAW, "pii:email")
    chain(world)
    settings.FAIRMESH = type(settings.FAIRMESH)(
        **{**vars(settings.FAIRMESH), "policy_review": True}
    )
    with pytest.raises(Conflict):
        declassify(world.ana.principal, name=MID, label="pii:email", reason="trust me")
    declassify(world.operator.principal, name=MID, label="pii:email", reason="looked at it")


def test_what_comes_by_lineage_or_scan_is_not_taken_off_by_hand(world: World) -> None:
    put(world, RAW, "pii:iban")
    raw = world.publish(RAW, {"a.csv": b"a\nann@example.org\n"})
    world.publish(MID, PLAIN, inputs=[raw.name])
    work()
    inherited = Label.objects.get(name=MID, label="pii:iban")
    found = Label.objects.get(name=RAW, label="pii:email")
    for label, way in ((inherited, "declassify"), (found, "verdicts")):
        with pytest.raises(Conflict, match=way):
            remove_label(world.ana.principal, label.pk)


def test_a_label_taken_off_by_hand_still_stands_if_a_scan_says_it(world: World) -> None:
    mine = put(world, RAW, "pii:email", "a")
    world.publish(RAW, {"a.csv": b"a\nann@example.org\n"})
    work()
    remove_label(world.ana.principal, mine.pk)
    assert labels(RAW) == {("a", "pii:email")}


def test_a_product_that_moves_takes_what_is_said_of_it_along(world: World) -> None:
    put(world, RAW, "pii:email")
    chain(world)
    work()
    declassify(world.ana.principal, name=TOP, label="pii:email", reason="keys only")
    moved = "/acme/nlp/~/middle"
    mid = Scan.objects.filter(name=MID).count()
    product = world.ana.client().get(f"/api/v1/products?name={MID}").json()["results"][0]
    answer = world.ana.client().post(
        f"/api/v1/products/{product['id']}/move", {"name": moved}, "application/json"
    )
    assert answer.status_code == 200, answer.content
    work()
    assert Scan.objects.filter(name=moved).count() == mid
    assert labels(moved) == {("", "pii:email")}
    assert labels(TOP) == labels(MID) == set()
    assert path_of(moved, "pii:email")[-1].startswith(moved)


def test_a_change_touches_only_what_is_downstream(
    world: World, django_assert_max_num_queries: Any
) -> None:
    put(world, RAW, "pii:email")
    chain(world)
    work()
    with django_assert_max_num_queries(25):
        assert settle_products([TOP]) == 0
