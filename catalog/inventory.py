"""The whole catalog for governance: every product below a prefix, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from catalog.models import Domain, Product
from governance.engine.entities import Resource
from governance.engine.naming import Description
from governance.models import Label

_SEEN = ("name", "domain__team__slug", "visibility", "access", "lifecycle")
_TOLD = ("license", "description", "keywords", "intended_use")


def products_below(prefix: str) -> Iterator[Resource]:
    """Yield what decisions see of each product at or below `prefix`, but its residency."""
    for row in _rows(prefix, _SEEN):
        yield row[0]


def described_below(prefix: str) -> Iterator[tuple[Resource, Description]]:
    """Yield each product with what it says of itself."""
    for resource, (license_, description, keywords, intended_use) in _rows(prefix, _SEEN + _TOLD):
        yield resource, Description(license_, description, tuple(keywords), intended_use)


def described(product: Product) -> Description:
    """Return what one product says of itself."""
    return Description(
        product.license, product.description, tuple(product.keywords), product.intended_use
    )


def domains_below(prefix: str) -> Iterator[Resource]:
    """Yield what decisions see of each domain at or below `prefix`."""
    rows = Domain.objects.filter(_below(prefix)).order_by("name")
    for name, team in rows.values_list("name", "team__slug"):
        yield Resource("Domain", name, team)


def _rows(prefix: str, fields: tuple[str, ...]) -> Iterator[tuple[Resource, tuple[Any, ...]]]:
    labels: dict[str, set[str]] = defaultdict(set)
    live = Label.objects.filter(_below(prefix), removed_at__isnull=True)
    for name, label in live.values_list("name", "label"):
        labels[name].add(label)
    nothing: frozenset[str] = frozenset()
    products = Product.objects.filter(_below(prefix)).order_by("name")
    for name, team, visibility, access, lifecycle, *told in products.values_list(*fields):
        carried = frozenset(labels[name]) if name in labels else nothing
        yield (
            Resource("Product", name, team, visibility, access, lifecycle, carried),
            tuple(told),
        )


def _below(prefix: str) -> Q:
    return Q() if prefix == "/" else Q(name=prefix) | Q(name__startswith=f"{prefix}/")
