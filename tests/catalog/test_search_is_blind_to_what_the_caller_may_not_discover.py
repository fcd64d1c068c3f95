"""The answers to a caller are those of a mesh in which the hidden products do not exist."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Product, Term
from catalog.search import forget_product
from catalog.search_query import search
from catalog.search_words import sight_of, suggestions
from catalog.selectors import visible_products
from governance.engine.entities import ANONYMOUS, Principal
from tests.catalog.search_mesh import ANA, BEN, OPERATOR, add, found, found_mesh

pytestmark = pytest.mark.django_db

WORDS = ["glacier", "glaciers", "glacial", "rain", "rainfall", "brain", "train", "salary", "melt"]
TYPED = [*WORDS, "glacer", "rainfal", "salry", "rian", "unheard"]
text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
product = st.fixed_dictionaries(
    {
        "team": st.sampled_from(["nlp", "geo"]),
        "title": text,
        "description": text,
        "visibility": st.sampled_from(["team", "team", "mesh", "public"]),
        "license": st.sampled_from(["", "MIT", "CC0-1.0"]),
    }
)
queries = st.lists(st.sampled_from(TYPED), min_size=1, max_size=4).map(" ".join)


def answers(principal: Principal, query: str) -> dict[str, Any]:
    page = search(principal, query, size=2)
    following = search(principal, query, cursor=page.next_cursor) if page.next_cursor else None
    return {
        "page": page,
        "following": following,
        "suggestions": [suggestions(sight_of(principal), query[:n]) for n in (2, 3, 5)],
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(products=st.lists(product, min_size=1, max_size=7), query=queries)
def test_hidden_products_change_no_answer(products: list[dict[str, str]], query: str) -> None:
    with transaction.atomic():
        found_mesh()
        for number, fields in enumerate(products):
            team = fields.pop("team")
            add(f"{team}/~/p{number}", **fields)
            fields["team"] = team
        for principal in (ANA, BEN, ANONYMOUS, OPERATOR):
            before = answers(principal, query)
            with transaction.atomic():
                shown = visible_products(principal).values("pk")
                for hidden in Product.objects.exclude(pk__in=shown):
                    forget_product(hidden)
                    hidden.delete()
                assert answers(principal, query) == before
                transaction.set_rollback(True)
        transaction.set_rollback(True)


def test_a_word_of_hidden_products_only_is_an_unknown_word() -> None:
    found_mesh()
    add("nlp/~/pay", "Salary of employees", visibility="team")
    add("geo/~/melt", "Glacier melt")
    assert Term.objects.get(term="salary").df == 1
    assert found(ANA, "salary") == ["/nlp/~/pay"]
    page = search(BEN, "salry")
    assert (page.total, page.corrected, page.results) == (0, None, [])
    assert search(BEN, "salary").total == 0
    assert suggestions(sight_of(BEN), "sal") == []
    assert suggestions(sight_of(ANA), "sal") == ["salary"]


def test_a_word_that_is_hidden_is_repaired_like_any_unknown_one() -> None:
    found_mesh()
    add("nlp/~/brain", "Brain scans", visibility="team")
    add("geo/~/train", "Train delays")
    assert search(BEN, "brain").corrected == "train"
    assert search(ANA, "brain").corrected is None
