"""What a page asks the database does not grow with what is on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from catalog.services import update_product
from tests.builders import World, kept

FIRST, NAMES = "/acme/nlp/~/first", [f"/acme/nlp/~/more-{number}" for number in range(4)]


@kept
def build_five(world: World) -> None:
    world.add_site("core", "core", ["EU"])
    world.add_directory("store", "core")
    for name in (FIRST, *NAMES):
        world.add_product(name)
        world.publish(name, {"a.csv": b"x\n1\n"})


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    return build_five(settings, tmp_path)


def asked(world: World, address: str) -> list[str]:
    """Return the questions that an answer took, once the token's use has been noted."""
    client = world.ben.client()
    client.get(address)
    with CaptureQueriesContext(connection) as questions:
        answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return [each["sql"] for each in questions]


def test_a_list_of_five_asks_what_a_list_of_one_asks(world: World) -> None:
    few = asked(world, f"/api/v1/products?name={FIRST}")
    assert len(asked(world, "/api/v1/products")) == len(few)


def test_what_one_may_do_is_decided_by_the_grants_of_one_moment(world: World) -> None:
    product = Product.objects.get(name=FIRST)
    told = asked(world, f"/api/v1/products/{product.pk}")  # may it be known, and then all others
    assert sum('FROM "governance_grant"' in each for each in told) == 2


def test_words_of_five_products_are_suggested_by_what_one_product_asks(world: World) -> None:
    words = ["glazing", "glaring", "gladness", "glamour", "glance"]
    for name, word in zip((FIRST, *NAMES), words, strict=True):
        product = Product.objects.get(name=name)
        update_product(world.ana.principal, product.pk, {"title": word})
    told = world.ben.client().get("/api/v1/search/suggest?q=gla").json()
    assert sorted(told["suggestions"]) == sorted(words)
    few = asked(world, "/api/v1/search/suggest?q=glam")
    assert len(asked(world, "/api/v1/search/suggest?q=gla")) == len(few)
