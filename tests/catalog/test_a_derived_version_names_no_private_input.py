"""Who may read a derived version learns by no way what private product it was made from."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import World, build_world, deliver

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, DERIVED = "/acme/nlp/~/raw", "/acme/nlp/~/wiki", "/acme/nlp/~/tokens"


@pytest.fixture
def world(settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_directory("store-eu", "core-eu")
    world.add_product(PRIVATE, visibility="team")
    world.add_product(SHARED, visibility="mesh")
    world.add_product(DERIVED, visibility="mesh", access="open")
    for name in (PRIVATE, SHARED):
        world.publish(name, {"a.csv": b"x\n1\n"})
    return world


def sealed_inputs(world: World, version_id: Any) -> Any:
    seal = world.ana.client().get(f"/api/v1/versions/{version_id}/seal").json()
    return json.loads(base64.b64decode(seal["envelope"]["payload"]))["inputs"]


def test_no_answer_and_no_seal_names_it(world: World) -> None:
    derived = world.publish(
        DERIVED, {"t.csv": b"y\n2\n"}, inputs=[f"{PRIVATE}/v=1", f"{SHARED}/v=1"]
    )
    deliver()
    ben, version = world.ben.client(), f"/api/v1/versions/{derived.pk}"
    product = ben.get("/api/v1/products", {"name": DERIVED}).json()["results"][0]
    shown = [
        ben.get("/api/v1/versions", {"product": DERIVED}).json()["results"][0],
        ben.get(version).json(),
        product["latest"],
        ben.get(f"/api/v1/products/{product['id']}").json()["latest"],
        ben.get("/api/v1/search", {"q": "tokens"}).json()["results"][0]["product"]["latest"],
    ]
    for each in shown:
        assert [row["name"] for row in each["inputs"]] == [None, f"{SHARED}/v=1"]
        assert all(row["digest"].startswith("sha256:") for row in each["inputs"])
    for path in ("/seal", "/files", "/preview"):
        answer = ben.get(version + path)
        assert answer.status_code == 200
        assert PRIVATE not in answer.content.decode()
    assert [row["name"] for row in sealed_inputs(world, derived.pk)] == [None, f"{SHARED}/v=1"]


def test_its_own_team_reads_the_whole_story(world: World) -> None:
    derived = world.publish(DERIVED, {"t.csv": b"y\n2\n"}, inputs=[f"{PRIVATE}/v=1"])
    answer = world.ana.client().get(f"/api/v1/versions/{derived.pk}").json()
    assert [row["name"] for row in answer["inputs"]] == [f"{PRIVATE}/v=1"]


def test_among_the_private_products_of_one_team_the_seal_names_it(world: World) -> None:
    world.add_product("/acme/nlp/~/inner", visibility="team")
    inner = world.publish("/acme/nlp/~/inner", {"t.csv": b"y\n2\n"}, inputs=[f"{PRIVATE}/v=1"])
    assert [row["name"] for row in sealed_inputs(world, inner.pk)] == [f"{PRIVATE}/v=1"]
