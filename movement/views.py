"""The mesh as planning sees it, from the tables: sites, stores and links as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone

from movement.engine import calendar
from movement.engine.mesh import LinkView, Mesh, SiteView, StoreView
from movement.models import (
    ACTIVE,
    Link,
    Replica,
    ReplicaState,
    Site,
    SiteKind,
    SiteState,
    Store,
    Transfer,
)
from movement.opening import is_writable

AWAY = frozenset({SiteState.OFFLINE, SiteState.LOST})
_TAKES_ROOM = frozenset(ReplicaState) - {
    ReplicaState.PLANNED,
    ReplicaState.MISSING,
    ReplicaState.DELETED,
}


def grace_ends(site: Site) -> datetime:
    """Return until when the copies of a site that is off-line count."""
    return site.state_since + timedelta(hours=site.grace_hours)


def site_view(site: Site, now: datetime) -> SiteView:
    """Return what planning knows of a site at a moment.

    Outside its windows a site is not reachable, and that is all: it is no less a place for copies.
    """
    in_grace = site.state == SiteState.OFFLINE and now < grace_ends(site)
    in_contact = calendar.open_at(calendar.read_calendar(site.windows), now) is not None
    return SiteView(
        name=site.name,
        kind=site.kind,
        jurisdictions=tuple(site.jurisdictions),
        reachable=site.state not in AWAY and in_contact,
        accepts=site.state == SiteState.ONLINE,
        counts=site.state == SiteState.ONLINE or in_grace,
        draining=site.state == SiteState.DRAINING,
    )


def store_view(store: Store, site: SiteView, *, used_bytes: int = 0) -> StoreView:
    """Return what planning knows of a store; `used_bytes` lie there or are on their way."""
    free = None if store.capacity_bytes is None else max(0, store.capacity_bytes - used_bytes)
    return StoreView(
        name=store.name,
        site=site,
        usable=is_writable(store),
        answers=store.reachable,
        locks=bool(store.capabilities.get("object_lock")),
        trusted=store.quarantined_at is None,
        tier=store.tier,
        free_bytes=free,
        erasable_days=store.site.grace_hours / 24 if store.site.kind == SiteKind.MOBILE else 0.0,
        cost_gb_month=float(store.cost_gb_month),
        cost_1000_puts=float(store.cost_1000_puts),
        cost_1000_gets=float(store.cost_1000_gets),
    )


def link_view(link: Link) -> LinkView:
    return LinkView(
        open=link.open,
        rate=link.measured_rate,
        limit=link.bytes_per_second,
        slots=link.slots,
        cost_per_gb=float(link.cost_per_gb),
        failure_rate=link.failure_rate,
    )


def mesh_view(now: datetime | None = None) -> Mesh:
    """Return the whole mesh. Costs four queries, two when no store has a capacity."""
    now = timezone.now() if now is None else now
    stores = list(Store.objects.select_related("site").order_by("name"))
    used = used_bytes([store for store in stores if store.capacity_bytes is not None])
    sites = {store.site_id: site_view(store.site, now) for store in stores}
    views = [
        store_view(store, sites[store.site_id], used_bytes=used[store.name]) for store in stores
    ]
    links = {
        (link.source.name, link.target.name): link_view(link)
        for link in Link.objects.select_related("source", "target")
    }
    return Mesh.of(views, links)


def used_bytes(stores: Iterable[Store]) -> Counter[str]:
    """Return by name the bytes that lie in these stores or are on their way there."""
    asked = [store.pk for store in stores]
    used: Counter[str] = Counter()
    if not asked:
        return used
    lying = Replica.objects.filter(store__in=asked, state__in=_TAKES_ROOM)
    there = lying.filter(version=OuterRef("version"), store=OuterRef("target"))
    coming = Transfer.objects.filter(~Exists(there), target__in=asked, state__in=ACTIVE)
    used.update(dict(lying.values_list("store__name").annotate(Sum("version__bytes"))))
    used.update(dict(coming.values_list("target__name").annotate(Sum("version__bytes"))))
    return used
