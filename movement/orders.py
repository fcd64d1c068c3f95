"""Reads of erasure orders: whose they are, and what of a plan one may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import Domain, Version
from catalog.selectors import DOMAIN_FIELDS, visible_names, visible_products
from core.names import Name
from governance.engine.entities import Action, Principal
from governance.models import ErasureAsk, ErasureOrder, ErasureReceipt
from governance.models.erasure import ORDER_OPEN
from governance.selectors import visible
from lineage.engine.datasets import products_in

Json = dict[str, Any]


def visible_orders(principal: Principal) -> QuerySet[ErasureOrder]:
    """Return the orders on what the principal administers, and those that ask for such a thing."""
    products = visible_products(principal, Action.ADMINISTER).values("name")
    asked = ErasureAsk.objects.filter(name__in=products).values("order")
    domains = Domain.objects.filter(visible(principal, Action.ADMINISTER, DOMAIN_FIELDS))
    return ErasureOrder.objects.filter(
        Q(pk__in=asked) | Q(name__in=products) | Q(name__in=domains.values("name"))
    )


def due_within(orders: QuerySet[ErasureOrder], days: int) -> QuerySet[ErasureOrder]:
    """Return the open orders whose retention ends within so many days."""
    until = timezone.now() + timedelta(days=days)
    return orders.filter(state__in=ORDER_OPEN, due_at__lte=until)


def product_of(name: str) -> str | None:
    """Return the product of a name; None for a domain."""
    parsed = Name.parse(name)
    return None if parsed.product is None else str(parsed.product_name)


class Sight:
    """What one reader may know of some orders: the names of products, asked once for all.

    A version is known by its id, so a product that has moved since is judged as it is today.
    """

    def __init__(self, principal: Principal, orders: Sequence[ErasureOrder]) -> None:
        ids = {row["version_id"] for order in orders for row in _rows(order)}
        noted = ErasureReceipt.objects.filter(order__in=[order.pk for order in orders])
        ids |= {str(pk) for pk in noted.values_list("version_id", flat=True) if pk is not None}
        self._today = _products_of(ids)
        names = {name for order in orders for name in self._names(order)}
        self.known = visible_names(principal, Action.DISCOVER, names) if names else set()
        self._owned = visible_names(principal, Action.ADMINISTER, names) if names else set()
        asked = {order.name for order in orders if product_of(order.name) is None}
        domains = Domain.objects.filter(name__in=asked)
        seen = domains.filter(visible(principal, Action.DISCOVER, DOMAIN_FIELDS))
        ours = domains.filter(visible(principal, Action.ADMINISTER, DOMAIN_FIELDS))
        self._domains = set(seen.values_list("name", flat=True))
        self._owned |= set(ours.values_list("name", flat=True))

    def _names(self, order: ErasureOrder) -> Iterable[str]:
        if (product := product_of(order.name)) is not None:
            yield product
        yield from (self._product(row) for row in _rows(order))
        yield from (row["product"] for row in order.plan.get("uncertain", ()))
        yield from (ask.name for ask in order.asks.all())
        for row in order.plan.get("elsewhere", ()):
            yield from _told_by(row)
        yield from self._today.values()

    def _product(self, row: Mapping[str, Any]) -> str:
        return self._today.get(row["version_id"], str(row["product"]))

    def may_name(self, name: str) -> bool:
        """Say whether the reader may know of the product, version or domain `name`."""
        product = product_of(name)
        return name in self._domains if product is None else product in self.known

    def owns(self, order: ErasureOrder) -> bool:
        """Say whether the reader administers what the order is about."""
        return (product_of(order.name) or order.name) in self._owned

    def plan(self, order: ErasureOrder) -> Json:
        """Return the plan without what the reader may not know of, which is counted.

        Who administers none but a derived product is shown what would become of that one.
        """
        plan, whole = order.plan, self.owns(order)
        shown = [row for row in plan["versions"] if self._shows(self._product(row), whole)]
        drafts = [row for row in plan["drafts"] if whole and self._product(row) in self.known]
        named = [row for row in plan["uncertain"] if whole and row["product"] in self.known]
        hidden = [row for row in plan["versions"] if self._product(row) not in self.known]
        told = plan["elsewhere"] if whole else []
        elsewhere = [row for row in told if self.known.issuperset(_told_by(row))]
        return {
            **plan,
            "versions": [_outward(row) for row in shown],
            "drafts": drafts,
            "uncertain": named,
            "elsewhere": elsewhere,
            "blocks": plan["blocks"] if whole else [],
            "hidden": {
                "versions": len(hidden),
                "products": len({self._product(row) for row in hidden}),
                "uncertain": len(plan["uncertain"]) - len(named),
                "elsewhere": len(plan["elsewhere"]) - len(elsewhere),
            },
            "totals": plan["totals"] if whole else {},
        }

    def _shows(self, product: str, whole: bool) -> bool:
        return product in self.known and (whole or product in self._owned)

    def receipts(self, order: ErasureOrder) -> list[ErasureReceipt]:
        """Return the receipts of what the reader may know of."""
        whole = self.owns(order)
        return [
            row
            for row in order.receipts.order_by("id")
            if self._shows(self.product_of_receipt(row), whole)
        ]

    def product_of_receipt(self, row: ErasureReceipt) -> str:
        return self._today.get(str(row.version_id), product_of(row.name) or row.name)

    def asks(self, order: ErasureOrder) -> list[ErasureAsk]:
        whole = self.owns(order)
        return [ask for ask in order.asks.order_by("name") if self._shows(ask.name, whole)]


def _rows(order: ErasureOrder) -> Iterable[Mapping[str, Any]]:
    yield from order.plan.get("versions", ())
    yield from order.plan.get("drafts", ())


def _products_of(ids: Iterable[str]) -> dict[str, str]:
    """Return the name that the product of each version has today."""
    found: dict[str, str] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        rows = Version.objects.filter(pk__in=wanted[start : start + 500])
        found.update({str(pk): name for pk, name in rows.values_list("pk", "product__name")})
    return found


def _told_by(row: Mapping[str, str]) -> Iterable[str]:
    """Return the products that the name of a dataset outside the mesh may tell of."""
    return products_in(row["namespace"], row["name"], "")


def _outward(row: Mapping[str, Any]) -> Json:
    """Return a row of the plan as it is told: without key prefixes, which name other things."""
    remains = [{key: each[key] for key in ("kind", "store", "about")} for each in row["remains"]]
    return {**row, "remains": remains}
