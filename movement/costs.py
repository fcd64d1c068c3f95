"""What copies cost: to keep, now; to make, over a time; and what next month will take.

One sees the costs of the products that one may administer, and of nothing else: who administers
all of them sees what a store or a site costs as a whole. Prices are the operators' and of today.
See docs/reference/costs.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from catalog.models import Product
from catalog.selectors import visible_products
from governance.engine.entities import Action, Principal
from governance.models import Team
from movement.engine.costs import storage_cost
from movement.engine.mesh import SiteView, StoreView
from movement.models import Replica, ReplicaState, Site, Store, Transfer, TransferState

MONTH = timedelta(days=30)
_LIE_THERE = frozenset(ReplicaState) - {
    ReplicaState.PLANNED,
    ReplicaState.MISSING,
    ReplicaState.DELETED,
}
"""A copy on its way is counted whole: its bytes lie there soon, and parts of it do already."""


class By(StrEnum):
    """What costs are added up by. A copy is charged to the place it left, as egress is."""

    PRODUCT = "product"
    TENANT = "tenant"
    STORE = "store"
    SITE = "site"


_OF_REPLICA = {
    By.PRODUCT: "version__product__name",
    By.TENANT: "version__product__domain__team__slug",
    By.STORE: "store__name",
    By.SITE: "store__site__name",
}
_OF_COPY = {**_OF_REPLICA, By.STORE: "source__name", By.SITE: "source__site__name"}
_PLACE = {By.STORE: "{}", By.SITE: "{}__site"}


@dataclass
class Cost:
    """What one product, tenant, store or site costs, or all of them together."""

    key: str = ""
    bytes: int = 0
    """That lie there, in all copies."""
    storage_month: float = 0.0
    transfers: int = 0
    moved_bytes: int = 0
    movement: float = 0.0
    """Egress and requests of the copies that ended in the time asked for."""
    recent: float = 0.0
    """The same of the last 30 days."""

    @property
    def forecast_month(self) -> float:
        """Storage as it is now, and movement as it was in the last 30 days."""
        return self.storage_month + self.recent


@dataclass(frozen=True)
class Question:
    """Which costs are asked for; `name` is a product, or what names begin with."""

    by: By
    name: str = "/"
    since: datetime | None = None
    """30 days before `until` when not given."""
    until: datetime | None = None
    after: str = ""
    count: int = 50


@dataclass(frozen=True)
class Costs:
    """One page, and the sum over all pages."""

    by: By
    since: datetime
    until: datetime
    rows: list[Cost]
    total: Cost
    next_cursor: str | None


def costs(principal: Principal, asked: Question) -> Costs:
    """Return the costs of what the principal administers below a name, in the order of the keys.

    A fixed number of queries; those for the sum read every replica, and every copy of the time.
    """
    now = timezone.now()
    until = asked.until or now
    since = asked.since or until - MONTH
    products = visible_products(principal, Action.ADMINISTER).filter(_below(asked.name))
    keys = _keys(asked, products)
    more = keys[asked.count - 1] if len(keys) > asked.count else None
    sums = _Sums(asked.by, products, (since, until, now))
    rows = sums.of(keys[: asked.count])
    return Costs(asked.by, since, until, rows, sums.total(), more)


def _below(name: str) -> Q:
    return Q() if name == "/" else Q(name=name) | Q(name__startswith=f"{name.rstrip('/')}/")


def _keys(asked: Question, products: QuerySet[Product]) -> list[str]:
    """Return what there are costs of, in order: one more than a page, when there is more."""
    rows: QuerySet[Any]
    field = "name"
    if asked.by is By.PRODUCT:
        rows = products
    elif asked.by is By.TENANT:
        rows, field = Team.objects.filter(domains__products__in=products).distinct(), "slug"
    else:
        held = {_PLACE[asked.by].format("store"): OuterRef("pk")}
        left = {_PLACE[asked.by].format("source"): OuterRef("pk")}
        of = {"version__product__in": products}
        rows = (Store if asked.by is By.STORE else Site).objects.filter(
            Exists(Replica.objects.filter(**held, **of))
            | Exists(Transfer.objects.filter(**left, **of))
        )
    rows = rows.filter(**{f"{field}__gt": asked.after}).order_by(field)
    return list(rows.values_list(field, flat=True)[: asked.count + 1])


class _Sums:
    """Adds up the replicas and copies of some products."""

    def __init__(
        self, by: By, products: QuerySet[Product], times: tuple[datetime, datetime, datetime]
    ) -> None:
        since, until, now = times
        within = Q(finished_at__gte=since, finished_at__lt=until)
        lately = Q(finished_at__gte=now - MONTH)
        of = Q(version__product__in=products)
        charged = Q(state=TransferState.DONE) | Q(cost__isnull=False)
        self._by = by
        self._replicas = Replica.objects.filter(of, state__in=_LIE_THERE).order_by()
        self._copies = Transfer.objects.filter(of, charged, within | lately).order_by()
        self._of_copies = {
            "transfers": Count("pk", filter=within),
            "moved_bytes": Sum("bytes_done", filter=within),
            "movement": Sum("cost", filter=within),
            "recent": Sum("cost", filter=lately),
        }
        self._stores = {store.pk: _priced(store) for store in Store.objects.select_related("site")}

    def of(self, keys: Sequence[str]) -> list[Cost]:
        """Return the cost of each, in the same order."""
        found = {key: Cost(key) for key in keys}
        path = _OF_REPLICA[self._by]
        rows = self._replicas.filter(**{f"{path}__in": keys}).values_list(path, "store")
        for key, store, size in rows.annotate(size=Sum("version__bytes")):
            self._keep(found[key], store, size)
        path = _OF_COPY[self._by]
        copies = self._copies.filter(**{f"{path}__in": keys}).values(path)
        for row in copies.annotate(**self._of_copies):
            _move(found[row[path]], row)
        return list(found.values())

    def total(self) -> Cost:
        total = Cost()
        for store, size in self._replicas.values_list("store").annotate(size=Sum("version__bytes")):
            self._keep(total, store, size)
        _move(total, self._copies.aggregate(**self._of_copies))
        return total

    def _keep(self, cost: Cost, store: UUID, size: int | None) -> None:
        cost.bytes += size or 0
        cost.storage_month += storage_cost(self._stores[store], size or 0, 1.0)


def _move(cost: Cost, row: Mapping[str, Any]) -> None:
    cost.transfers = row["transfers"]
    cost.moved_bytes = row["moved_bytes"] or 0
    cost.movement = float(row["movement"] or 0)
    cost.recent = float(row["recent"] or 0)


def _priced(store: Store) -> StoreView:
    return StoreView(
        store.name, SiteView(store.site.name), cost_gb_month=float(store.cost_gb_month)
    )
