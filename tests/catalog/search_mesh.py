"""A small mesh to search: two teams, a domain each, and products made by the services."""

from __future__ import annotations

from typing import Any

from catalog import services
from catalog.models import Product
from catalog.search_query import Page, search
from governance.engine.entities import Principal, owners_of
from governance.models import Team

OPERATOR = Principal("op", groups=frozenset({"members", "operators"}))
ANA = Principal(
    "ana",
    groups=frozenset({"members"}),
    teams=frozenset({"nlp"}),
    roles=frozenset({owners_of("nlp")}),
)
BEN = Principal(
    "ben",
    groups=frozenset({"members"}),
    teams=frozenset({"geo"}),
    roles=frozenset({owners_of("geo")}),
)
OWNERS = {"nlp": ANA, "geo": BEN}


def found_mesh() -> None:
    """Make the teams `nlp` and `geo` with the domains /nlp and /geo."""
    for slug in OWNERS:
        Team.objects.create(slug=slug, title=slug)
        services.create_domain(OPERATOR, name=f"/{slug}", title=slug, team=slug)


def add(name: str, title: str, **fields: Any) -> Product:
    """Create a product as the owner of its domain; `name` is like `nlp/~/wiki`."""
    owner = OWNERS[name.split("/")[0]]
    return services.create_product(owner, name=f"/{name}", title=title, **fields)


def names(page: Page) -> list[str]:
    products = Product.objects.in_bulk([hit.product_id for hit in page.results])
    return [products[hit.product_id].name for hit in page.results]


def found(principal: Principal, query: str) -> list[str]:
    return names(search(principal, query))
