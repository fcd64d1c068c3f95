"""A services policy leaves out the scan of what is published, and says so; any that asks for it
outweighs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidSpec
from governance.engine.service_policies import leaving_out
from governance.models import Policy, Scan, ScanState
from governance.services import policy_lifecycle as life
from governance.services import save_policy
from governance.services.simulation import simulate_policy
from tests.builders import World, build_world
from tests.governance.scanning import labels, newest_scan, work
from transforms.services import scans

WIKI = "/acme/nlp/~/wiki"
WITHOUT: dict[str, Any] = {"without": ["scan"]}
ASKING: dict[str, Any] = {"on": {"publish": [{"service": "scan", "budget": {"bytes": 9}}]}}


def test_one_that_asks_outweighs_all_that_leave_out() -> None:
    assert leaving_out({}) == []
    assert leaving_out({"b": WITHOUT, "c": {"on": {"change": ["scan"]}}, "a": WITHOUT}) == [
        "a",
        "b",
    ]
    assert leaving_out({"b": WITHOUT, "a": ASKING}) == []


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product(WIKI)
    return world


def save(world: World, slug: str, spec: str, prefix: str = "/acme/nlp") -> Policy:
    text = f"kind: services\nid: {slug}\nscope: {{prefix: {prefix}}}\nspec: {spec}\n"
    return save_policy(world.operator.principal, kind="services", text=text)


def test_what_is_left_out_is_told_and_scanned_when_asked(world: World) -> None:
    save_policy(
        world.operator.principal,
        kind="services",
        text="kind: services\nid: quiet\nscope: {prefix: /acme/nlp}\nspec: {without: [scan]}\n"
        f"tests: [{{given: {{name: {WIKI}}}, expect: {{without: [scan], services: []}}}}]\n",
    )
    world.publish(WIKI, {"a.csv": b"mail\nann@example.org\n"}, store="store")
    work()
    assert labels(WIKI) == set()
    (told,) = world.ana.client().get("/api/v1/scans", {"name": WIKI}).json()["results"]
    assert (told["state"], told["reason_code"]) == ("skipped", "left_out_by_policy")
    assert "quiet" in told["reason"]
    assert scans.sweep_scans() == scans.scan_unscanned() == 0, "nothing takes it up by itself"

    scans.start_scan(world.ana.principal, f"{WIKI}/v=1")
    work()
    assert labels(WIKI) == {("mail", "pii:email")}
    assert Scan.objects.get(ended_at=None).state == ScanState.DONE

    save(world, "everything", "{on: {publish: [scan]}}", prefix="/acme")
    world.publish(WIKI, {"a.csv": b"mail\nbob@example.org\n"}, store="store")
    work()
    assert (newest_scan(WIKI).version, newest_scan(WIKI).state) == (2, ScanState.DONE)


def test_a_document_that_says_both_is_refused_and_a_simulation_tells(world: World) -> None:
    with pytest.raises(InvalidSpec) as refused:
        save(world, "both", "{without: [scan], on: {publish: [scan]}}")
    assert "spec.without" in str(refused.value.extra)
    for wrong in ("{without: [profile]}", "{without: []}"):
        with pytest.raises(InvalidSpec):
            save(world, "wrong", wrong)
    text = "kind: services\nid: quiet\nscope: {prefix: /acme/nlp}\nspec: {without: [scan]}\n"
    draft = life.draft_policy(world.operator.principal, kind="services", text=text)
    life.validate_draft(world.operator.principal, draft.pk)
    result = simulate_policy(world.operator.principal, draft.pk).result
    (found,) = result["products"]["sample"]
    assert found["events"] == {"without": {"before": [], "after": ["scan"]}}
