"""What is wanted beside what policies ask: pins, subscriptions and demand, read all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.models import Version, VersionState
from governance.engine.protection import CacheRule
from movement.engine.placement import Wish
from movement.models import Demand, Pin, Subscription

LONGEST_DEMAND = timedelta(days=365)


def standing_pins(now: datetime) -> QuerySet[Pin]:
    """Return the pins that hold at a moment."""
    return Pin.objects.filter(Q(until__isnull=True) | Q(until__gt=now), ended_at__isnull=True)


class Wishes:
    """The wishes for all versions of a mesh, or for the given ones. Three queries, a few more where
    somebody subscribes."""

    def __init__(self, now: datetime, versions: Iterable[UUID] | None = None) -> None:
        self._now = now
        self._ids = None if versions is None else list(versions)
        self._by_version: dict[UUID, list[Wish]] = defaultdict(list)
        self._demand: dict[UUID, list[tuple[str, int, int]]] = defaultdict(list)
        self._read_pins()
        self._read_subscriptions()
        self._read_demand()

    def of(
        self, version_id: UUID, caches: Iterable[tuple[CacheRule, str]] = ()
    ) -> tuple[Wish, ...]:
        """Return the wishes for one version; `caches` are the rules that apply to its product."""
        wanted = list(self._by_version.get(version_id, ()))
        for rule, policy in caches:
            for site, reads in sorted(self._reads(version_id, rule.days).items()):
                if reads >= rule.reads and (not rule.sites or site in rule.sites):
                    told = f"{policy}: asked for {reads} times at {site} in {rule.days} days."
                    wanted.append(Wish(policy, told, site=site))
        return tuple(wanted)

    def _reads(self, version_id: UUID, days: int) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for site, age, reads in self._demand.get(version_id, ()):
            if age < days:
                found[site] += reads
        return found

    def _read_pins(self) -> None:
        pins = standing_pins(self._now).select_related("store").order_by("created_at")
        if self._ids is not None:
            pins = pins.filter(version__in=self._ids)
        for pin in pins:
            told = f"Pinned by {pin.asked_by}: {pin.reason}"
            self._by_version[pin.version_id].append(Wish("pin", told, store=pin.store.name))

    def _read_subscriptions(self) -> None:
        rows = Subscription.objects.filter(ended_at__isnull=True).select_related("site")
        if self._ids is not None:
            rows = rows.filter(product__versions__in=self._ids).distinct()
        for row in rows.order_by("created_at"):
            newest = Version.objects.filter(product=row.product_id, state=VersionState.PUBLISHED)
            told = f"{row.asked_by} subscribed {row.site.name} to the latest {row.latest}."
            wish = Wish("subscription", told, site=row.site.name, priority=row.priority)
            for pk in newest.order_by("-number").values_list("pk", flat=True)[: row.latest]:
                self._by_version[pk].append(wish)

    def _read_demand(self) -> None:
        today = self._now.date()
        rows = Demand.objects.filter(day__gt=today - LONGEST_DEMAND)
        if self._ids is not None:
            rows = rows.filter(version__in=self._ids)
        for pk, site, day, reads in rows.values_list("version", "site__name", "day", "reads"):
            self._demand[pk].append((site, (today - day).days, reads))
