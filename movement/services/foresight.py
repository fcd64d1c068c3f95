"""What movement tells a simulation: what runs, what lies where, and what would be planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.models import Version, VersionState
from governance.engine.contradictions import Site as Place
from governance.engine.protection import Requirement
from movement.engine.placement import Plan, Step
from movement.models import ACTIVE, Replica, ReplicaState, Site, SiteState, Transfer
from movement.planning import Outlook, planned_versions

_AT_ONCE = 500
_LYING = (ReplicaState.COMPLETE, ReplicaState.COPYING, ReplicaState.PLANNED)


def places() -> list[Place]:
    """Return the sites at which copies may come to lie."""
    sites = Site.objects.exclude(state=SiteState.LOST)
    return [Place(site.name, frozenset(site.jurisdictions)) for site in sites]


def transfers(names: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the transfers of these products that are not finished."""
    rows = Transfer.objects.filter(state__in=ACTIVE).select_related(
        "version__product", "target__site"
    )
    for row in rows.order_by("id"):
        if row.version.product.name in names:
            yield {
                "name": row.version.product.name,
                "version": row.version.name,
                "store": row.target.name,
                "site": row.target.site.name,
                "jurisdictions": row.target.site.jurisdictions,
                "state": row.state,
            }


def replicas(names: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the replicas of these products."""
    listed = sorted(names)
    for start in range(0, len(listed), _AT_ONCE):
        rows = Replica.objects.filter(
            version__product__name__in=listed[start : start + _AT_ONCE], state__in=_LYING
        ).select_related("version__product", "store__site")
        for row in rows.order_by("id"):
            yield {
                "name": row.version.product.name,
                "version": row.version.name,
                "store": row.store.name,
                "site": row.store.site.name,
                "jurisdictions": row.store.site.jurisdictions,
                "state": row.state,
            }


def copies(wanted: Mapping[str, tuple[Requirement, Requirement]]) -> Iterator[dict[str, Any]]:
    """Yield each line in which the plans of a version differ under two requirements."""
    outlook = Outlook()
    for version in _published(wanted):
        before, after = (
            outlook.plan(version, requirement).plan for requirement in wanted[version.product.name]
        )
        yield from _differences(version, before, after)


def _published(wanted: Mapping[str, Any]) -> Iterator[Version]:
    listed = sorted(wanted)
    for start in range(0, len(listed), _AT_ONCE):
        yield from planned_versions(
            Version.objects.filter(
                state=VersionState.PUBLISHED, product__name__in=listed[start : start + _AT_ONCE]
            ).order_by("id")
        )


def _differences(version: Version, before: Plan, after: Plan) -> Iterator[dict[str, Any]]:
    """Yield a row a store: `more`, `fewer` or `refused`, and what can no longer be met."""
    was, is_now = _steps(before), _steps(after)
    for store in sorted({*was, *is_now}):
        one, other = was.get(store), is_now.get(store)
        if one == other:
            continue
        change = {Step.COPY: "more", Step.REFUSE: "refused"}.get(other or Step.KEEP, "fewer")
        yield {
            "name": version.product.name,
            "version": version.name,
            "store": store,
            "change": change,
            "bytes": version.bytes,
            "reason": _reason(after if other else before, store),
        }
    if after.unmet and after.unmet != before.unmet:
        yield {
            "name": version.product.name,
            "version": version.name,
            "store": "",
            "change": "unmet",
            "bytes": version.bytes,
            "reason": after.unmet,
        }


def _steps(plan: Plan) -> dict[str, Step]:
    return {item.store: item.step for item in plan.items}


def _reason(plan: Plan, store: str) -> str:
    reasons: dict[str, str] = defaultdict(str)
    reasons.update({item.store: item.reason for item in plan.items})
    return reasons[store]
