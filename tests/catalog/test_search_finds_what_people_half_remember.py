from __future__ import annotations

import pytest

from catalog import services
from catalog.models import Version, VersionAlias
from catalog.search import index_product
from catalog.search_query import Filters, search
from catalog.search_words import sight_of, suggestions
from core.errors import Invalid
from governance.engine.entities import ANONYMOUS
from tests.catalog.search_mesh import ANA, BEN, add, found, found_mesh, names

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mesh() -> None:
    found_mesh()
    add("nlp/~/wiki", "Wikipedia articles", description="Plain text of the free encyclopaedia.")
    add("geo/~/rain", "Daily rainfall", description="Millimetres of precipitation by station.")
    add("geo/~/melt", "Glacier melt", keywords=["ice", "climate"], license="CC-BY-4.0")
    add("nlp/~/reviews", "Shop reviews", description="What customers wrote about articles.")


def with_columns(name: str, *columns: str) -> None:
    """Give a product a latest version of these columns."""
    product = add(name, "Measurements")
    version = Version.objects.create(
        product=product,
        number=1,
        state="published",
        envelope={},
        published_at=product.created_at,
        schema=[{"name": column, "type": "int64", "nullable": True} for column in columns],
    )
    VersionAlias.objects.create(product=product, alias="latest", version=version)
    index_product(product)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("wikipedia article", "/nlp/~/wiki"),
        ("RAINFALL", "/geo/~/rain"),
        ("precipitation stations", "/geo/~/rain"),
        ("climate", "/geo/~/melt"),
        ("geo/~/melt", "/geo/~/melt"),
        ("what did customers write", "/nlp/~/reviews"),
    ],
)
def test_the_words_of_any_field_find_the_product(query: str, name: str) -> None:
    assert found(ANA, query)[0] == name


def test_the_title_says_more_than_the_description() -> None:
    assert found(ANA, "articles") == ["/nlp/~/wiki", "/nlp/~/reviews"]


@pytest.mark.parametrize("typed", ["rainfal", "rianfall", "rainfalll", "reinfall"])
def test_one_wrong_letter_is_repaired_and_said(typed: str) -> None:
    page = search(ANA, f"daily {typed}")
    assert names(page)[0] == "/geo/~/rain"
    assert page.corrected == "daily rainfall"


def test_the_correction_is_a_word_as_it_is_written() -> None:
    assert search(ANA, "Artcles of Wikipedia").corrected == "articles of Wikipedia"
    assert search(ANA, "articles").corrected is None


@pytest.mark.parametrize(
    "query", ["customerId", "customer_id", "customer id", "customerid", "cust id"]
)
def test_a_column_is_found_however_it_is_spelt(query: str) -> None:
    with_columns("geo/~/orders", "CustomerId", "placed_at")
    assert found(BEN, query)[0] == "/geo/~/orders"


def test_words_are_marked_and_everything_else_is_escaped() -> None:
    add("nlp/~/tags", "Tags <b> & articles", description="x " * 300 + "the Article itself")
    hit = next(h for h in search(ANA, "article").results if "&amp;" in h.highlights["title"])
    assert hit.highlights["title"] == "Tags &lt;b&gt; &amp; <mark>articles</mark>"
    assert hit.highlights["description"].startswith("…")
    assert "the <mark>Article</mark> itself" in hit.highlights["description"]
    assert hit.matched == ["article"]


def test_filters_narrow_results_totals_and_facets_alike() -> None:
    page = search(ANA, "daily glacier articles", Filters(domain="/geo"))
    assert sorted(names(page)) == ["/geo/~/melt", "/geo/~/rain"]
    assert page.total == 2
    assert [(f.value, f.count) for f in page.facets["domain"]] == [("/geo", 2)]
    assert [(f.value, f.count) for f in page.facets["license"]] == [("CC-BY-4.0", 1)]
    assert names(search(ANA, "glacier", Filters(license="MIT"))) == []


def test_an_empty_query_lists_the_newest() -> None:
    page = search(ANA, " ", size=3)
    assert names(page) == ["/nlp/~/reviews", "/geo/~/melt", "/geo/~/rain"]
    assert page.total == 4
    assert names(search(ANA, "", cursor=page.next_cursor)) == ["/nlp/~/wiki"]


def test_a_half_typed_word_is_completed() -> None:
    assert suggestions(sight_of(ANA), "daily rai") == ["daily rain", "daily rainfall"]
    assert suggestions(sight_of(ANA), "encyclop") == ["encyclopaedia"]
    assert suggestions(sight_of(ANA), "daily ") == []


def test_a_changed_product_is_found_by_its_new_words_only() -> None:
    product = add("nlp/~/mail", "Letters")
    services.update_product(ANA, product.pk, {"title": "Telegrams"})
    assert found(ANA, "telegrams") == ["/nlp/~/mail"]
    assert found(ANA, "letters") == []


def test_a_foreign_cursor_is_refused() -> None:
    for cursor in ("!!!", "e30", "W10", "WzEsMiwzXQ", "bnVsbA", "W1tdLFtdXQ", "W1tb" * 480):
        with pytest.raises(Invalid):
            search(ANA, "daily", cursor=cursor)


def test_nobody_in_particular_finds_what_is_public() -> None:
    add("geo/~/open", "Public rainfall", visibility="public")
    assert found(ANONYMOUS, "rainfall") == ["/geo/~/open"]
