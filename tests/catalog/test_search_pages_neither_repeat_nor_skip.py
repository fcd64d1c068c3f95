from __future__ import annotations

import random
from pathlib import Path

import pytest

from catalog import search_query
from catalog.models import Product
from catalog.search import forget_product
from catalog.search_query import search
from tests.catalog.search_mesh import ANA, add, found_mesh, names
from tests.kept import Kept

pytestmark = pytest.mark.django_db
WORDS = ["rain", "snow", "wind", "ice", "fog"]


def make_mesh(home: Path) -> None:
    found_mesh()
    chance = random.Random(7)
    for number in range(30):
        title = " ".join(chance.choices(WORDS, k=3))
        add(f"nlp/~/p{number}", title, description=" ".join(chance.choices(WORDS, k=8)))


KEPT = Kept(make_mesh)


@pytest.fixture(autouse=True)
def mesh(tmp_path: Path) -> None:
    KEPT.put(tmp_path)


def walk(query: str, size: int) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = search(ANA, query, cursor=cursor, size=size)
        seen += names(page)
        cursor = page.next_cursor
        if cursor is None:
            assert page.total == len(seen)
            return seen


@pytest.mark.parametrize("head", [200, 10, 1])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_of_any_size_make_the_same_list(
    head: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_query, "CANDIDATES", head)
    seen = walk("rain fog", size)
    assert len(seen) == len(set(seen))
    assert seen == walk("rain fog", 100)
    assert walk("", size) == walk("", 100)


@pytest.mark.parametrize("head", [200, 5])
def test_a_product_that_comes_between_two_pages_makes_no_repeat_and_no_gap(
    head: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_query, "CANDIDATES", head)
    before = walk("rain fog", 100)
    first = search(ANA, "rain fog", size=8)
    add("nlp/~/newcomer", "Hail and sleet")
    rest = search(ANA, "rain fog", cursor=first.next_cursor, size=100)
    assert names(first) + names(rest) == before


@pytest.mark.parametrize("head", [200, 5])
def test_a_newcomer_that_matches_moves_no_other(head: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_query, "CANDIDATES", head)
    before = walk("rain fog", 100)
    first = search(ANA, "rain fog", size=8)
    add("nlp/~/newcomer", "Hail and sleet", description="no rain here " * 20)
    rest = names(search(ANA, "rain fog", cursor=first.next_cursor, size=100))
    assert "/nlp/~/newcomer" in rest
    assert [name for name in names(first) + rest if name != "/nlp/~/newcomer"] == before


def test_the_page_goes_on_when_its_last_result_is_gone() -> None:
    before = walk("rain fog", 100)
    first = search(ANA, "rain fog", size=8)
    last = Product.objects.get(pk=first.results[-1].product_id)
    forget_product(last)
    rest = names(search(ANA, "rain fog", cursor=first.next_cursor, size=100))
    assert not set(rest) & set(names(first))
    assert set(rest) == set(before[8:])


def test_what_was_indexed_and_forgotten_leaves_the_ranking_as_it_was() -> None:
    before = search(ANA, "rain fog ice", size=100)
    extra = add("nlp/~/extra", "rain rain fog", description="ice ice wind")
    assert search(ANA, "rain fog ice", size=100) != before
    forget_product(extra)
    extra.delete()
    assert search(ANA, "rain fog ice", size=100) == before
