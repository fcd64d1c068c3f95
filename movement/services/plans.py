"""Plans that somebody asks for: shown, applied, watched and undone. The reconciler's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from catalog.inventory import products_below
from catalog.models import Version, VersionState
from catalog.selectors import visible_products
from core.canonical import canonical_json
from core.digests import sha256_digest
from core.errors import Conflict, Invalid, NotFound
from core.names import Name
from governance import audit, standing
from governance.engine.entities import RECONCILER, Action, Principal
from governance.resources import absent, load
from governance.services import decide
from movement import doorbell
from movement.engine.placement import Item, Step
from movement.models import ACTIVE, AppliedPlan, Site, Transfer
from movement.planning import Outlook, VersionPlan, planned_versions
from movement.services.reconcile import carry_out
from movement.services.transfers import cancel_transfer

_AT_ONCE = 500


@dataclass(frozen=True)
class Asked:
    """What a plan is wanted for: all at or below a name, what a policy binds, or a site."""

    name: str = ""
    policy: str = ""
    site: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.name, self.policy, self.site))) != 1:
            raise Invalid("Ask for the plan of one of: name, policy, site.")

    def __str__(self) -> str:
        if self.policy:
            return f"policy {self.policy}"
        return f"site {self.site}" if self.site else self.name


@dataclass(frozen=True)
class MeshPlan:
    """The plans of many versions, what they come to together, and the mesh they were made for."""

    asked: Asked
    outlook: Outlook
    versions: Sequence[VersionPlan]

    @cached_property
    def stores(self) -> frozenset[str] | None:
        """The stores that are asked about; None for all."""
        if not self.asked.site:
            return None
        stores = self.outlook.mesh.stores.values()
        return frozenset(store.name for store in stores if store.site.name == self.asked.site)

    def lines(self) -> Iterator[tuple[VersionPlan, Item]]:
        """Yield each line with the version it is of; of a site's plan only those that touch it."""
        for planned in self.versions:
            for item in planned.items:
                if self.stores is None or item.store in self.stores:
                    yield planned, item

    @cached_property
    def digest(self) -> str:
        """Of all that would be done: two plans with one digest do the same."""
        acts = [
            [planned.version.name, str(item.step), item.store, list(item.policies)]
            for planned, item in self.lines()
            if item.step is not Step.KEEP
        ]
        return sha256_digest(canonical_json(sorted(acts)))

    def totals(self) -> dict[str, Any]:
        """Return bytes, seconds of one transfer after the other, and money, of all copies."""
        ways = [
            (planned.version.bytes, planned.ways[item.store])
            for planned, item in self.lines()
            if item.step is Step.COPY
        ]
        routes = [way.route for _, way in ways if way.route is not None]
        return {
            "bytes": sum(size for size, _ in ways),
            "copies": len(ways),
            "seconds": sum(route.seconds for route in routes),
            "cost": sum(route.cost for route in routes),
            "cost_per_month": sum(way.monthly for _, way in ways),
            "unroutable": len(ways) - len(routes),
        }


def plan_for(principal: Principal, asked: Asked) -> MeshPlan:
    """Return the plans of all published versions in question that one may administer."""
    outlook = Outlook()
    outlook.know_below("/" if not asked.name else asked.name.partition("/~/")[0])
    found = planned_versions(_versions(principal, asked).order_by("id"))
    plans = [outlook.plan(version) for version in found.iterator(chunk_size=_AT_ONCE)]
    planned = MeshPlan(asked, outlook, plans)
    here = planned.stores
    if here is None:
        return planned
    touching = [each for each in plans if any(item.store in here for item in each.items)]
    return MeshPlan(asked, outlook, touching)


def _versions(principal: Principal, asked: Asked) -> QuerySet[Version]:
    versions = Version.objects.filter(
        state=VersionState.PUBLISHED, product__in=visible_products(principal, Action.ADMINISTER)
    )
    if asked.site and not Site.objects.filter(name=asked.site).exists():
        raise NotFound(f"There is no site {asked.site!r}.")
    if asked.policy:
        return versions.filter(product__name__in=_bound_by(asked.policy))
    if not asked.name or asked.name == "/":
        return versions
    prefix = str(Name.parse(asked.name))
    above, _, number = prefix.partition("/v=")
    below = versions.filter(Q(product__name=above) | Q(product__name__startswith=f"{above}/"))
    return below.filter(number=int(number)) if number else below


def _bound_by(slug: str) -> list[str]:
    """Return the products that a protection policy in force binds."""
    policy = next((p for p in standing.in_force("protection") if p.slug == slug), None)
    if policy is None:
        raise NotFound(f"No protection policy {slug!r} is in force.")
    return [each.name for each in products_below(policy.prefix) if policy.labels <= each.labels]


def apply_plan(
    principal: Principal, asked: Asked, digest: str = ""
) -> tuple[AppliedPlan | None, MeshPlan]:
    """Queue what `plan_for` shows. With `digest` only if it is still the plan that was shown.

    Where there is nothing that one administers nothing is applied: then the first is None.
    """
    planned = plan_for(principal, asked)
    if digest and digest != planned.digest:
        raise Conflict("The plan has changed since it was shown; look at it again.")
    if not planned.versions:
        return None, planned
    with transaction.atomic():
        applied = AppliedPlan.objects.create(
            name=str(asked), digest=planned.digest, asked_by=principal.id
        )
        for each in planned.versions:
            carry_out(each, asked_by=RECONCILER.id, applied=applied, within=planned.stores)
        name = asked.name or "/"
        answer = decide(principal, Action.ADMINISTER, load(name.partition("/v=")[0]))
        transaction.on_commit(doorbell.ring_sweep)
        audit.record(principal, "apply-plan", name, answer, plan=str(applied.pk), asked=str(asked))
    return applied, planned


def applied_plan(principal: Principal, plan_id: UUID) -> AppliedPlan:
    """Return a plan that the principal applied, or whose products they administer."""
    row = AppliedPlan.objects.filter(pk=plan_id).first()
    if row is None or (row.asked_by != principal.id and not _of(principal, row).exists()):
        raise absent(str(plan_id))
    return row


def _of(principal: Principal, row: AppliedPlan) -> QuerySet[Transfer]:
    mine = visible_products(principal, Action.ADMINISTER)
    return row.transfers.filter(version__product__in=mine)


def progress_of(principal: Principal, row: AppliedPlan) -> dict[str, Any]:
    """Return how far the transfers of a plan are, of those one may know of."""
    counted = (
        _of(principal, row)
        .values("state")
        .annotate(n=Count("pk"), done=Sum("bytes_done"), total=Sum("bytes_total"))
    )
    states = {each["state"]: each["n"] for each in counted}
    return {
        "states": states,
        "bytes_done": sum(each["done"] or 0 for each in counted),
        "bytes_total": sum(each["total"] or 0 for each in counted),
        "active": sum(n for state, n in states.items() if state in ACTIVE),
    }


def undo_plan(principal: Principal, plan_id: UUID) -> tuple[AppliedPlan, int]:
    """Call off what is still under way of a plan; return how many transfers that were.

    Copies that stand already stay as long as a policy asks for them, and go as any surplus does
    when none does any more.
    """
    row = applied_plan(principal, plan_id)
    called_off = 0
    for transfer in _of(principal, row).filter(state__in=ACTIVE):
        try:
            cancel_transfer(principal, transfer.pk)
        except Conflict:
            continue  # it ended meanwhile
        called_off += 1
    AppliedPlan.objects.filter(pk=row.pk, undone_at__isnull=True).update(undone_at=timezone.now())
    row.refresh_from_db()
    return row, called_off
