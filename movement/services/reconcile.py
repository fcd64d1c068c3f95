"""The reconciler: compares what policies ask for with what is, and queues the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from catalog.models import Version, VersionState
from catalog.selectors import product_resource, visible_products
from core.names import Name, is_under
from governance import audit
from governance.engine.entities import RECONCILER, Action, Decision, Principal, Resource
from governance.engine.protection import Requirement
from governance.selectors import protection_of
from governance.services import decide
from movement import doorbell
from movement.engine.placement import Item, Plan, Step, StoreView, Verdict, place
from movement.models import (
    ACTIVE,
    Replica,
    ReplicaState,
    SiteState,
    Store,
    Transfer,
    TransferState,
)
from movement.selectors import sources_of
from movement.services.ingest import situation_of

_NEEDS_A_PERSON = frozenset({TransferState.FAILED, TransferState.CANCELLED})
"""A transfer that ended so is not queued again by itself; `retry` lifts it."""
_COUNTS = frozenset({ReplicaState.COMPLETE, ReplicaState.COPYING, ReplicaState.PLANNED})


@dataclass(frozen=True)
class VersionPlan:
    """The plan of one version, and from which store each copy would be taken."""

    version: Version
    plan: Plan
    sources: dict[str, str]


def plan_version(
    version: Version,
    stores: Mapping[str, Store] | None = None,
    requirement: Requirement | None = None,
) -> VersionPlan:
    """Return what would be done for a published version. Writes nothing.

    Whoever plans many gives the stores, and versions from `planned_versions`; whoever asks what
    would be under other policies gives what they require.
    """
    stores = stores_by_name() if stores is None else stores
    resource = product_resource(version.product)
    if requirement is None:
        requirement = protection_of(version.product.name, resource.labels)
    else:
        resource = replace(
            resource,
            bound=requirement.residency is not None,
            residency=requirement.residency or frozenset(),
            bound_by=requirement.residency_by,
        )
    replicas, transfers = version.replicas.all(), version.transfers.all()
    held = {replica.store.name: replica.state in _COUNTS for replica in replicas}
    held.update({row.target.name: True for row in transfers if row.state in ACTIVE})
    shunned = {row.target.name for row in transfers if row.state in _NEEDS_A_PERSON}
    views = [_view(store, shunned) for store in stores.values()]
    plan = place(requirement, views, held, lambda view: _judge(resource, stores[view.name]))
    wanted = {item.store: sources_of(version, stores[item.store]) for item in plan.of(Step.COPY)}
    sources = {name: found[0].store.name for name, found in wanted.items() if found}
    return VersionPlan(version, plan, sources)


def stores_by_name() -> dict[str, Store]:
    return {store.name: store for store in Store.objects.select_related("site")}


def planned_versions(versions: QuerySet[Version]) -> QuerySet[Version]:
    """Fetch with versions what planning reads of them, in a fixed number of queries."""
    return versions.select_related("product__domain__team").prefetch_related(
        Prefetch("replicas", Replica.objects.select_related("store")),
        Prefetch("transfers", Transfer.objects.select_related("target")),
    )


def _view(store: Store, shunned: set[str]) -> StoreView:
    site = store.site
    return StoreView(
        name=store.name,
        site=site.name,
        site_kind=site.kind,
        jurisdictions=frozenset(site.jurisdictions),
        usable=site.state == SiteState.ONLINE and store.name not in shunned,
    )


def _judge(resource: Resource, store: Store) -> Verdict:
    answer = decide(RECONCILER, Action.REPLICATE, resource, situation_of(store))
    return Verdict(answer.allow, answer.policies, answer.reason)


def reconcile_version(version_id: UUID) -> VersionPlan | None:
    """Make the plan of a version true as far as queueing goes; safe to run at any time, twice."""
    found = Version.objects.filter(pk=version_id, state=VersionState.PUBLISHED)
    version = planned_versions(found).first()
    if version is None:
        return None
    planned = plan_version(version)
    refused_still = set()
    for item in planned.plan.items:
        if item.step is Step.COPY:
            queue_transfer(version, item, asked_by=RECONCILER.id)
        elif item.step is Step.REFUSE:
            refused_still.add(item.store)
            _note_refusal(version, item)
    _lift_refusals(version, refused_still, planned.plan)
    return planned


def queue_transfer(version: Version, item: Item, *, asked_by: str) -> Transfer | None:
    """Queue one copy unless one is under way; return it, or None."""
    target = Store.objects.get(name=item.store)
    try:
        with transaction.atomic():
            transfer = Transfer.objects.create(
                version=version,
                target=target,
                policies=list(item.policies),
                reason=item.reason,
                asked_by=asked_by,
                next_attempt_at=timezone.now(),
                files_total=version.files,
                bytes_total=version.bytes,
            )
            transaction.on_commit(lambda: doorbell.ring_transfer(transfer.pk))
    except IntegrityError:
        return None  # another reconciler was first; the constraint lets one through
    return transfer


def _note_refusal(version: Version, item: Item) -> None:
    """Keep one standing refusal per version and store, with the policies that refuse."""
    target = Store.objects.get(name=item.store)
    try:
        with transaction.atomic():
            now = timezone.now()
            Transfer.objects.create(
                version=version,
                target=target,
                state=TransferState.REFUSED,
                reason_code="policy_denied",
                reason=item.reason,
                policies=list(item.policies),
                asked_by=RECONCILER.id,
                next_attempt_at=now,
                finished_at=now,
                files_total=version.files,
                bytes_total=version.bytes,
            )
            decision = Decision(False, item.policies, item.reason, "")
            audit.record(RECONCILER, "replicate", version.name, decision, target=item.store)
    except IntegrityError:
        return  # it stands already


def _lift_refusals(version: Version, refused_still: set[str], plan: Plan) -> None:
    """Forget refusals of stores that the plan now copies to."""
    chosen = {item.store for item in plan.of(Step.COPY)} - refused_still
    version.transfers.filter(state=TransferState.REFUSED, target__name__in=chosen).delete()


def reconcile_all(names: Iterable[str] | None = None) -> int:
    """Reconcile every published version, or those at or below the names; return how many."""
    versions = Version.objects.filter(state=VersionState.PUBLISHED)
    if names is not None:
        below = Q(pk__in=[])
        for name in names:
            prefix = name.rstrip("/")
            below |= Q(product__name=prefix) | Q(product__name__startswith=f"{prefix}/")
        versions = versions.filter(below)
    ids = list(versions.order_by("id").values_list("id", flat=True))
    for version_id in ids:
        reconcile_version(version_id)
    return len(ids)


def plans_for(principal: Principal, name: str) -> list[VersionPlan]:
    """Return the plans of all published versions at or below `name` that one may administer."""
    prefix = name if name == "/" else str(Name.parse(name))
    above = prefix.partition("/v=")[0].rstrip("/")
    found = Version.objects.filter(
        Q(product__name=above) | Q(product__name__startswith=f"{above}/"),
        state=VersionState.PUBLISHED,
        product__in=visible_products(principal, Action.ADMINISTER),
    )
    stores, versions = stores_by_name(), planned_versions(found.order_by("id"))
    return [plan_version(v, stores) for v in versions if is_under(v.name, prefix)]


def apply_plan(principal: Principal, name: str) -> list[VersionPlan]:
    """Queue what `plans_for` shows."""
    plans = plans_for(principal, name)
    for planned in plans:
        reconcile_version(planned.version.pk)
    return plans
