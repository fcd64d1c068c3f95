"""Legal holds: what beats erasure, retention, removal and every other end of data.

Whoever removes anything asks `refuse_held` in the transaction of the removal. Source: DESIGN.md
section 5 (a hold beats erasure).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from core.errors import UnderLegalHold
from core.names import Name
from governance import resources, retention
from governance.engine.entities import MESH_NAME, Action, Principal
from governance.models import LegalHold
from governance.services.decisions import decide


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that binds a name: placed by hand, or asked for by a protection policy."""

    name: str
    """Where it was placed: the name itself or one above."""
    reference: str


def holds_on(name: str) -> tuple[Hold, ...]:
    """Return every hold at or above `name`; empty when it may be erased. Two queries.

    `name` is today's: a product that moves takes its holds along (`services.holds.follow`).
    """
    placed = LegalHold.objects.filter(name__in=names_above(name), lifted_at__isnull=True)
    found = [Hold(row.name, row.reference) for row in placed.order_by("name", "reference")]
    parsed = None if name == MESH_NAME else Name.parse(name)
    if parsed is not None and parsed.product is not None:
        asked = retention.retention_of(str(parsed.product_name))
        found += [Hold(prefix, f"policy {slug}") for slug, prefix in asked.held_by]
    return tuple(found)


def refuse_held(name: str) -> None:
    """Raise UnderLegalHold, naming the references, when `name` is held."""
    if holds := holds_on(name):
        raise held(name, holds)


def held(name: str, holds: tuple[Hold, ...]) -> UnderLegalHold:
    """Return the refusal for `name`, which `holds` bind."""
    references = sorted({hold.reference for hold in holds})
    return UnderLegalHold(
        f"{name} is under legal hold ({', '.join(references)}); nothing of it is removed until "
        "two people have lifted the hold.",
        name=name,
        holds=[{"name": hold.name, "reference": hold.reference} for hold in holds],
    )


def names_above(name: str) -> list[str]:
    """Return `/` and every name that `name` is at or below, itself the last."""
    if name == MESH_NAME:
        return [MESH_NAME]
    parsed = Name.parse(name)
    above = [MESH_NAME, *(str(Name(parsed.domain[:n])) for n in range(1, len(parsed.domain) + 1))]
    if parsed.product is not None:
        above.append(str(parsed.product_name))
    if parsed.version is not None:
        above.append(str(parsed.product_name.with_version(parsed.version)))
    return above


def visible_holds(principal: Principal) -> QuerySet[LegalHold]:
    """Return the holds on what the principal may know of, lifted ones too."""
    names = set(LegalHold.objects.values_list("name", flat=True).distinct())
    products = {name: _product_of(name) for name in names}
    wanted = {product for product in products.values() if product is not None}
    known = resources.visible_names(principal, Action.DISCOVER, wanted) if wanted else set()
    shown = {name for name, product in products.items() if product in known}
    shown |= {n for n, product in products.items() if product is None and _may_know(principal, n)}
    return LegalHold.objects.filter(name__in=shown)


def _product_of(name: str) -> str | None:
    parsed = None if name == MESH_NAME else Name.parse(name)
    return None if parsed is None or parsed.product is None else str(parsed.product_name)


def _may_know(principal: Principal, domain: str) -> bool:
    return decide(principal, Action.DISCOVER, resources.load(domain)).allow


def administered(principal: Principal, names: Iterable[str]) -> set[str]:
    """Return those of the names that the principal administers: they read why it is held."""
    return {
        name
        for name in set(names)
        if decide(principal, Action.ADMINISTER, resources.load(name)).allow
    }
