from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import LIFECYCLE_MOVES, Lifecycle, Product
from catalog.selectors import product_for
from catalog.services import move_product, update_product
from core.errors import Conflict, Invalid, NotFound, PolicyDenied
from governance.engine.entities import Action
from tests.builders import World, build_world

OLD, NEW, OTHER = "/acme/nlp/~/wiki", "/acme/~/encyclopaedia", "/acme/nlp/~/other"
CSV = {"a.csv": b"x\n1\n"}


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product(OLD, description="Articles")
    return world


def move(world: World, name: str = OLD, to: str = NEW) -> Product:
    return move_product(world.ana.principal, Product.objects.get(name=name).pk, to)


def test_every_old_name_finds_the_product(world: World) -> None:
    world.publish(OLD, CSV)
    product = move(world)
    move(world, NEW, OTHER)
    client = world.ana.client()
    for name in (OLD, NEW, OTHER):
        rows = client.get("/api/v1/products", {"name": name}).json()["results"]
        assert [(row["id"], row["name"]) for row in rows] == [(str(product.pk), OTHER)]
        assert set(rows[0]["aliases"]) == {OLD, NEW}
        versions = client.get("/api/v1/versions", {"product": name}).json()["results"]
        assert [row["name"] for row in versions] == [f"{OTHER}/v=1"]
        assert product_for(world.ana.principal, Action.READ, name).pk == product.pk
    found = client.get("/api/v1/search", {"q": "articles"}).json()["results"]
    assert [row["product"]["name"] for row in found] == [OTHER]


def test_labels_grants_and_policies_move_with_it(world: World) -> None:
    world.add_label(OLD, "pii:email")
    world.grant(world.ben, OLD)
    world.add_protection("home", "{residency: [DE]}", prefix=OLD)
    move(world)
    product_for(world.ben.principal, Action.READ, NEW)
    for name in (OLD, NEW):
        rows = world.ben.client().get("/api/v1/labels", {"name": name}).json()["results"]
        assert [row["label"] for row in rows] == ["pii:email"]
        grants = world.ana.client().get("/api/v1/grants", {"name": name}).json()["results"]
        assert [row["name"] for row in grants] == [NEW]
    body = {"action": "replicate", "name": NEW, "jurisdictions": ["US"]}
    answer = world.ana.client().post("/api/v1/decisions", body, "application/json").json()
    assert answer["policies"] == ["residency-binds-replicate", "home"]


def test_an_old_name_is_nobody_elses(world: World) -> None:
    world.add_product(OTHER)
    move(world)
    for name in (OLD, NEW, OTHER):
        with pytest.raises(Conflict):
            world.add_product(name)
    with pytest.raises(Conflict):
        move(world, OTHER, OLD)
    move(world, NEW, OLD)
    assert Product.objects.get(name=OLD).aliases.get().name == NEW


def test_one_moves_only_where_one_may_publish(world: World) -> None:
    product = Product.objects.get(name=OLD)
    with pytest.raises(PolicyDenied):
        move_product(world.ana.principal, product.pk, "/acme/health/~/wiki")
    with pytest.raises(PolicyDenied):
        move_product(world.ben.principal, product.pk, NEW)
    for wrong in ("/acme", "/nowhere/~/wiki", "/acme/~/wiki/v=1"):
        with pytest.raises(Invalid):
            move(world, to=wrong)


def test_an_old_name_of_a_hidden_product_does_not_tell_the_new_one(world: World) -> None:
    product = move(world)
    update_product(world.ana.principal, product.pk, {"visibility": "team"})
    client = world.ben.client()
    answer = client.get(f"/api/v1/products/{product.pk}")
    body = {"action": "read", "name": OLD}
    for refused in (answer, client.post("/api/v1/decisions", body, "application/json")):
        assert refused.status_code == 404
        assert "encyclopaedia" not in refused.content.decode()
        assert "wiki" not in refused.content.decode().replace(OLD, "")
    with pytest.raises(NotFound) as hidden:
        product_for(world.ben.principal, Action.READ, OLD)
    with pytest.raises(NotFound) as absent:
        product_for(world.ben.principal, Action.READ, OTHER)
    assert str(hidden.value).replace(OLD, "X") == str(absent.value).replace(OTHER, "X")


@pytest.mark.parametrize("since", Lifecycle.values)
@pytest.mark.parametrize("target", Lifecycle.values)
def test_the_lifecycle_is_its_table(world: World, since: str, target: str) -> None:
    product = Product.objects.get(name=OLD)
    Product.objects.filter(pk=product.pk).update(lifecycle=since)
    if target in {*LIFECYCLE_MOVES[since], since}:
        changed = update_product(world.ana.principal, product.pk, {"lifecycle": target})
        assert changed.lifecycle == target
    else:
        with pytest.raises(Conflict, match="cannot become"):
            update_product(world.ana.principal, product.pk, {"lifecycle": target})


@pytest.mark.parametrize("licence", ["MIT", "CC-BY-4.0 OR Apache-2.0", "LicenseRef-ours", ""])
def test_a_licence_is_an_spdx_expression(world: World, licence: str) -> None:
    product = Product.objects.get(name=OLD)
    assert update_product(world.ana.principal, product.pk, {"license": licence}).license == licence
    for wrong in ("Free as in beer", "MIT AND", "NoSuchLicence-1.0"):
        with pytest.raises(Invalid):
            update_product(world.ana.principal, product.pk, {"license": wrong})


def test_markup_in_a_description_is_just_text(world: World) -> None:
    text = "<script>alert(1)</script> articles & <b>more</b>"
    product = Product.objects.get(name=OLD)
    client = world.ana.client()
    answer = client.patch(f"/api/v1/products/{product.pk}", {"description": text},
                          "application/json")  # fmt: skip
    assert answer.json()["description"] == text
    hit = client.get("/api/v1/search", {"q": "articles"}).json()["results"][0]
    assert "<script>" not in hit["highlights"]["description"]
    assert "&lt;script&gt;" in hit["highlights"]["description"]


def test_its_ports_are_shown(world: World) -> None:
    world.publish(OLD, CSV)
    product = Product.objects.get(name=OLD)
    ports = world.ana.client().get(f"/api/v1/products/{product.pk}").json()["ports"]
    assert [(p["direction"], p["name"], p["format"]) for p in ports] == [("output", "files", "csv")]
    found = world.ana.client().get("/api/v1/search", {"q": "articles", "format": "CSV"}).json()
    assert found["total"] == 1
