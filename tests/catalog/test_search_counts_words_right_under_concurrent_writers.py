from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import Count
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.models import Posting, Product, Term
from catalog.search import forget_product, index_product
from tests.catalog.search_mesh import add, found_mesh

WORDS = ["rain", "snow", "wind", "ice", "fog", "hail", "sleet", "storm"]


def assert_counts_are_true() -> None:
    stored = dict(Term.objects.filter(df__gt=0).values_list("term", "df"))
    counted = dict(Posting.objects.values_list("term").annotate(Count("pk")))
    assert stored == counted


@pytest.mark.django_db
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.sampled_from(WORDS))), max_size=8))
def test_counts_follow_every_change(changes: list[tuple[int, list[str]]]) -> None:
    products = list(Product.objects.order_by("name"))
    if not products:
        found_mesh()
        products = [add(f"nlp/~/p{number}", "weather") for number in range(3)]
    for which, words in changes:
        if not words:
            forget_product(products[which])
        else:
            Product.objects.filter(pk=products[which].pk).update(title=" ".join(words))
            index_product(products[which])
        assert_counts_are_true()


@pytest.mark.django_db(transaction=True)
def test_writers_in_each_others_way_lose_no_count() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets in one writer at a time; the question is PostgreSQL's")
    found_mesh()
    products = [add(f"nlp/~/p{number}", "weather") for number in range(4)]

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(15):
            product = chance.choice(products)
            title = " ".join(chance.sample(WORDS, 4))
            Product.objects.filter(pk=product.pk).update(title=title)
            index_product(product)
        connection.close()

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))
    assert_counts_are_true()
