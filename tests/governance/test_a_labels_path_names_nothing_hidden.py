"""Why a label stands is told to everyone who sees it, except the names they may not know."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from lineage import openlineage, services
from lineage.openlineage import DatasetUse, Output, RunRef
from tests.builders import Person, World, deliver
from tests.governance.conftest import OPEN, SECRET, WIKI


def path(who: Person, name: str) -> list[dict[str, Any]]:
    answer = who.client().get("/api/v1/labels", {"name": name})
    (label,) = answer.json()["results"]
    assert label["origin"] == "inherited"
    assert "secret" not in answer.content.decode() or who.user.username == "ana"
    return list(label["evidence"]["path"])


def test_a_hidden_product_keeps_its_place_in_the_path_and_not_its_name(world: World) -> None:
    world.add_site("core", "core", ["DE"])
    world.add_directory("store", "core")
    plain = {"a.csv": b"a\n1\n"}
    raw = world.publish(SECRET, plain)
    mid = world.publish(WIKI, plain, inputs=[raw.name])
    world.publish(OPEN, plain, inputs=[mid.name])
    world.add_label(SECRET, "pii:email")
    deliver()
    steps = [{"name": WIKI, "version": "1"}, {"name": OPEN, "version": "1"}]
    assert path(world.ana, OPEN) == [{"name": SECRET, "version": "1"}, *steps]
    assert path(world.ben, OPEN) == [{"hidden": True}, *steps]


def test_an_object_key_elsewhere_does_not_name_it_either(world: World) -> None:
    key = DatasetUse(f"lake{SECRET}/v=1", "s3://bucket")
    at = timezone.now()
    for source, target in (
        (DatasetUse(SECRET), Output(key.name, key.namespace)),
        (key, Output(WIKI)),
    ):
        run = RunRef("0192aa00-0000-7000-8000-000000000001", f"copy{len(target.name)}")
        services.record(openlineage.completed(run, at, [source], [target]))
    world.add_label(SECRET, "pii:email")
    deliver()
    assert path(world.ana, WIKI)[0] == {"name": SECRET}
    assert path(world.ben, WIKI) == [{"hidden": True}, {"hidden": True}, {"name": WIKI}]
