"""What lies at a site, and what keeps a site that is drained from being empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet, Sum
from django.utils import timezone

from catalog.models import VersionState
from catalog.selectors import visible_versions
from governance import retention
from governance.engine.entities import Principal
from governance.holds import names_above
from governance.models import LegalHold
from movement.models import (
    Replica,
    ReplicaOrigin,
    ReplicaState,
    Site,
    SiteState,
    Transfer,
    TransferState,
)
from movement.selectors import is_operator
from movement.wishes import standing_pins

LOOKED_AT = 1_000
"""Replicas that are asked why they are still there."""
_NAMED = 10
_STAYS = "stays"
"""The reason that a removal leaves at a replica that could not go when it was to."""
_NOT_THERE = (ReplicaState.PLANNED, ReplicaState.MISSING, ReplicaState.DELETED)
_STUCK = (TransferState.REFUSED, TransferState.FAILED)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why some replicas do not leave a site by themselves."""

    reason_code: str
    reason: str
    replicas: int
    versions: tuple[str, ...]
    """Some of them, of those that one may know by name."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What lies at a site, as far as somebody may know."""

    replicas: int
    bytes: int
    left_to_move: int = 0
    """How many replicas must still go; none but from a site that is drained."""
    bytes_left: int = 0
    blocked: tuple[Obstacle, ...] = ()
    """Why some of the first `LOOKED_AT` of them stay until somebody acts."""


def holdings_of(principal: Principal, site: Site) -> Holdings:
    """Return what lies at a site. While it is drained this costs some queries a product.

    Operators, who empty it, are told how much there is of what they may not know by name.
    """
    lying = Replica.objects.filter(store__site=site).exclude(state__in=_NOT_THERE)
    if not is_operator(principal):
        lying = lying.filter(version__in=visible_versions(principal))
    found = lying.aggregate(replicas=Count("pk"), bytes=Sum("version__bytes", default=0))
    if site.state != SiteState.DRAINING:
        return Holdings(found["replicas"], found["bytes"])
    return Holdings(
        found["replicas"],
        found["bytes"],
        left_to_move=found["replicas"],
        bytes_left=found["bytes"],
        blocked=tuple(_obstacles(principal, lying, site)),
    )


def _obstacles(principal: Principal, lying: QuerySet[Replica], site: Site) -> Iterator[Obstacle]:
    pins = standing_pins(timezone.now()).filter(
        version=OuterRef("version"), store=OuterRef("store")
    )
    elsewhere = Replica.objects.filter(
        version=OuterRef("version"),
        state=ReplicaState.COMPLETE,
        store__quarantined_at__isnull=True,
        store__site__state=SiteState.ONLINE,
    ).exclude(store__site=site)
    stuck = Transfer.objects.filter(state__in=_STUCK).exclude(target__site=site).order_by("-id")
    rows = (
        lying.select_related("version__product", "store")
        .prefetch_related(Prefetch("version__transfers", stuck))
        .order_by("id")[:LOOKED_AT]
    )
    asked = Replica.objects.filter(pk__in=[row.pk for row in rows])
    pinned = set(asked.filter(Exists(pins)).values_list("pk", flat=True))
    safe = set(asked.filter(Exists(elsewhere)).values_list("pk", flat=True))
    known = visible_versions(principal).filter(replicas__in=asked)
    names = {version.pk: version.name for version in known}
    held = _Held()
    found: defaultdict[tuple[str, str], list[str | None]] = defaultdict(list)
    for row in rows:
        why = _kept(row, held, row.pk in pinned) or (None if row.pk in safe else _stuck(row))
        if why is not None:
            found[why].append(names.get(row.version_id))
    for (code, reason), versions in sorted(found.items()):
        told = [name for name in versions if name is not None][:_NAMED]
        yield Obstacle(code, reason, len(versions), tuple(told))


def _kept(row: Replica, held: _Held, is_pinned: bool) -> tuple[str, str] | None:
    """Return what forbids that a replica is removed; None when nothing does."""
    version = row.version
    if row.origin == ReplicaOrigin.REGISTERED:
        reason = "Objects that were registered where they lay are their owner's to remove."
        return "registered", reason
    if version.state == VersionState.DRAFT:
        return "draft", "A draft goes when it is published or given up."
    if held.holds(version.name, version.product.name):
        return "under_legal_hold", "Nothing of it is removed while a legal hold stands."
    if is_pinned:
        return "pinned", f"It is pinned to {row.store.name}; lift the pin."
    if row.reason_code == _STAYS and row.remove_after is not None:
        return row.reason_code, row.reason
    return None


def _stuck(row: Replica) -> tuple[str, str] | None:
    """Return why no copy was made elsewhere, of the last that was not; None while one may be."""
    last = next(iter(row.version.transfers.all()), None)
    return None if last is None else (last.reason_code, last.reason)


class _Held:
    """Which names are under a legal hold; each product is asked about once."""

    def __init__(self) -> None:
        live = LegalHold.objects.filter(lifted_at__isnull=True)
        self._placed = set(live.values_list("name", flat=True))
        self._products: dict[str, bool] = {}

    def holds(self, version: str, product: str) -> bool:
        if product not in self._products:
            self._products[product] = bool(retention.retention_of(product).held_by)
        return self._products[product] or not self._placed.isdisjoint(names_above(version))
