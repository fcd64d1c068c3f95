"""Writes of the search index, in the transaction of the product's own change.

So the index is never behind and there is nothing to reindex. Each product's postings depend on
that product alone; a term's `df` counts its postings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F

from catalog.engine.ranking import weights
from catalog.engine.text import terms
from catalog.models import Posting, Product, Term, VersionAlias, VersionState
from catalog.selectors import LATEST

_BATCH = 500
"""Terms named in one statement."""


@transaction.atomic
def index_product(product: Product) -> None:
    """Make the index say what the product's stored row and latest version say now.

    Locks the product, then the terms that change, in their order: concurrent writers wait for
    each other, and every `df` stays the number of its postings. Costs what has changed.
    """
    row = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
    if _is_removed(row):
        _replace(row.pk, {})
        return
    texts = searchable(row, columns_of([row.pk]).get(row.pk, []))
    _replace(row.pk, weights({field: terms(text) for field, text in texts.items()}))


def _is_removed(product: Product) -> bool:
    """Say whether all that was ever published of it is removed: then its page alone tells of it.

    The next version that is published brings it back.
    """
    states = set(product.versions.values_list("state", flat=True).distinct())
    return VersionState.TOMBSTONED in states and VersionState.PUBLISHED not in states


@transaction.atomic
def forget_product(product: Product) -> None:
    """Take a product out of the index; call it before the product itself is deleted."""
    Product.objects.select_for_update(of=("self",)).filter(pk=product.pk).first()
    _replace(product.pk, {})


def searchable(product: Product, columns: list[str]) -> dict[str, str]:
    """Return what is searched of a product, by the fields of the ranking rules."""
    return {
        "title": product.title,
        "name": product.name,
        "keywords": "\n".join(str(keyword) for keyword in product.keywords),
        "columns": "\n".join(columns),
        "description": f"{product.description}\n{product.intended_use}",
    }


def columns_of(products: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the column names of each product's latest published version, where it has one."""
    latest = VersionAlias.objects.filter(
        product__in=products, alias=LATEST, version__state=VersionState.PUBLISHED
    )
    return {
        product: [str(column["name"]) for column in schema or []]
        for product, schema in latest.values_list("product", "version__schema")
    }


def _replace(product_id: UUID, wanted: Mapping[str, int]) -> None:
    held = dict(Posting.objects.filter(product_id=product_id).values_list("term_id", "weight"))
    added, removed = sorted(set(wanted) - set(held)), sorted(set(held) - set(wanted))
    _lock(added, removed)
    _count(added, +1)
    _count(removed, -1)
    for batch in _batches(removed):
        Posting.objects.filter(product_id=product_id, term__in=batch).delete()
    Posting.objects.bulk_create(
        (Posting(term_id=term, product_id=product_id, weight=wanted[term]) for term in added),
        batch_size=_BATCH,
    )
    _reweigh(product_id, {t: w for t, w in wanted.items() if t in held and held[t] != w})


def _lock(added: list[str], removed: list[str]) -> None:
    """Hold every term whose count will change, always in the same order, so none can deadlock."""
    Term.objects.bulk_create(
        (Term(term=term) for term in added), ignore_conflicts=True, batch_size=_BATCH
    )
    for batch in _batches(sorted({*added, *removed})):
        list(Term.objects.select_for_update().filter(term__in=batch).order_by("term"))


def _count(changed: list[str], by: int) -> None:
    for batch in _batches(changed):
        Term.objects.filter(term__in=batch).update(df=F("df") + by)


def _reweigh(product_id: UUID, changed: Mapping[str, int]) -> None:
    rows = list(Posting.objects.filter(product_id=product_id)) if changed else []
    moved = [row for row in rows if row.term_id in changed]
    for row in moved:
        row.weight = changed[row.term_id]
    Posting.objects.bulk_update(moved, ["weight"], batch_size=_BATCH)


def _batches(items: list[str]) -> list[list[str]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
