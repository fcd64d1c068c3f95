"""Planning, fed from the tables: what would be done for a version, and at which price. No writes.

The rules are in movement/engine/placement.py and surplus.py; the reconciler acts on what is said
here, and whoever asks for a plan is shown the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from catalog.inventory import products_below
from catalog.models import Version, VersionState
from catalog.selectors import product_resource
from governance import standing
from governance.engine.decision import Judge as PolicyJudge
from governance.engine.entities import RECONCILER, Action, Resource, Situation
from governance.engine.protection import Requirement
from governance.selectors import access_policies
from movement.engine.costs import storage_cost
from movement.engine.mesh import Mesh, StoreView
from movement.engine.placement import (
    Held,
    Item,
    Judge,
    Load,
    Plan,
    Question,
    Standing,
    Step,
    Verdict,
    place,
)
from movement.engine.routes import Route, routes
from movement.engine.surplus import surplus
from movement.models import (
    ACTIVE,
    Replica,
    ReplicaOrigin,
    ReplicaState,
    Transfer,
    TransferState,
)
from movement.services.copies import HOP
from movement.views import mesh_view
from movement.wishes import Wishes

NEEDS_A_PERSON = frozenset({TransferState.FAILED, TransferState.CANCELLED})
"""A transfer that ended so is not queued again by itself; `retry` lifts it."""
OURS = frozenset({RECONCILER.id, HOP})
"""Who asked for the replicas that may be removed when nothing asks for them any more."""
_STANDINGS: Mapping[str, Standing] = {
    ReplicaState.COMPLETE: Standing.GOOD,
    ReplicaState.COPYING: Standing.COMING,
    ReplicaState.PLANNED: Standing.COMING,
    ReplicaState.SUSPECT: Standing.COMING,
    ReplicaState.CORRUPT: Standing.BAD,
    ReplicaState.MISSING: Standing.BAD,
}
"""A suspect is being looked at: until that is done it is neither made again nor relied upon."""


@dataclass(frozen=True)
class Way:
    """How one copy of a plan would come to its store."""

    route: Route | None
    """None while no good replica can be reached."""
    monthly: float
    """Money a month for keeping it."""


@dataclass(frozen=True)
class VersionPlan:
    """The plan of one version: its lines, the ways of its copies, and what stands against it."""

    version: Version
    plan: Plan
    removals: tuple[Item, ...]
    ways: dict[str, Way]
    due_minutes: int | None
    """From its publication until its copies should stand; None when no policy says."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The lines as they are told: a replica that is to go is not also one that is kept."""
        going = {item.store for item in self.removals}
        kept = [i for i in self.plan.items if i.step is not Step.KEEP or i.store not in going]
        return (*kept, *self.removals)

    def source_of(self, store: str) -> str | None:
        """Return the store from which the copy to `store` would be taken; None when unknown."""
        way = self.ways.get(store)
        return None if way is None or way.route is None else way.route.source


class Outlook:
    """The mesh, the policies in force and the wishes at one moment, read once for many versions."""

    def __init__(self, now: datetime | None = None, wishes: Wishes | None = None) -> None:
        self.now = timezone.now() if now is None else now
        self.mesh: Mesh = mesh_view(self.now)
        self.wishes = Wishes(self.now) if wishes is None else wishes
        self._known: dict[str, Resource] = {}
        self._protections = standing.Index(standing.in_force("protection"))
        self._merged: dict[tuple[str, ...], Requirement] = {}
        policies = access_policies()
        self._judges = {
            name: PolicyJudge(
                policies, RECONCILER, Action.REPLICATE, "Product", situation_in(store)
            )
            for name, store in self.mesh.stores.items()
        }

    def know_below(self, prefix: str) -> None:
        """Read what decisions see of all products at or below a prefix, for many plans to come."""
        self._known.update((resource.name, resource) for resource in products_below(prefix))

    def requirement_of(self, name: str, labels: frozenset[str]) -> Requirement:
        """Return what the protection policies ask for a product together."""
        applying = self._protections.applying(name, labels)
        key = tuple(policy.slug for policy in applying)
        if key not in self._merged:
            self._merged[key] = standing.requirement(applying)
        return self._merged[key]

    def judge_of(self, resource: Resource) -> Judge:
        """Return the judge of one product's places; its resource is bound already."""

        def judge(store: StoreView) -> Verdict:
            answer = self._judges[store.name](resource)
            return Verdict(answer.allow, answer.policies, answer.reason)

        return judge

    def load_of(self, version: Version) -> Load:
        born = version.published_at or self.now
        age = (self.now - born) / timedelta(days=1)
        return Load(version.bytes, version.files, max(age, 0.0))

    def question_of(self, version: Version, requirement: Requirement | None = None) -> Question:
        """Return the question that one version of `planned_versions` is."""
        name = version.product.name
        resource = self._known.get(name) or product_resource(version.product)
        if requirement is None:
            requirement = self.requirement_of(name, resource.labels)
        transfers = version.transfers.all()
        return Question(
            requirement,
            self.mesh,
            held_of(version),
            self.judge_of(bound(resource, requirement)),
            self.wishes.of(version.pk, requirement.caches_by),
            self.load_of(version),
            frozenset(row.target.name for row in transfers if row.state in NEEDS_A_PERSON),
        )

    def plan(self, version: Version, requirement: Requirement | None = None) -> VersionPlan:
        """Return what would be done for a published version of `planned_versions`."""
        question = self.question_of(version, requirement)
        plan = place(question)
        coming = {item.store: Held(Standing.COMING) for item in plan.of(Step.COPY)}
        after = replace(question, held={**question.held, **coming})
        ways = {item.store: self._way(question, item.store) for item in plan.of(Step.COPY)}
        due = question.requirement.time_to_replicate_minutes
        return VersionPlan(version, plan, tuple(surplus(after)), ways, due)

    def _way(self, question: Question, target: str) -> Way:
        good = [name for name, held in question.held.items() if held.standing is Standing.GOOD]
        load, mesh = question.load, self.mesh
        found = routes(
            mesh, good, target, load.bytes, load.files,
            lambda name: question.judge(mesh.stores[name]).allow,
        )  # fmt: skip
        monthly = storage_cost(mesh.stores[target], load.bytes, 1)
        return Way(found[0] if found else None, monthly)


def situation_in(store: StoreView) -> Situation:
    """Return the situation of placing something in a store."""
    return Situation(site=store.site.name, jurisdictions=frozenset(store.site.jurisdictions))


def bound(resource: Resource, requirement: Requirement) -> Resource:
    """Return the resource as a requirement binds it to places."""
    return replace(
        resource,
        bound=requirement.residency is not None,
        residency=requirement.residency or frozenset(),
        bound_by=requirement.residency_by,
        never=requirement.never_sites,
        never_by=tuple(sorted({policy for _, policy in requirement.never_by})),
    )


def held_of(version: Version) -> dict[str, Held]:
    """Return the replicas of a version as planning sees them, those that are coming too."""
    held = {
        replica.store.name: held_as(replica.state, replica.origin, replica.asked_by)
        for replica in version.replicas.all()
        if is_counted(replica.state)
    }
    for row in version.transfers.all():
        if row.state in ACTIVE:
            mine = held.get(row.target.name, Held(Standing.COMING, ours=row.asked_by in OURS))
            held[row.target.name] = replace(mine, standing=Standing.COMING)
    return held


def is_counted(state: str) -> bool:
    """Say whether planning sees a replica in this state at all: one that is going is gone."""
    return state in _STANDINGS


def held_as(state: str, origin: str, asked_by: str) -> Held:
    """Return how planning sees a replica of these columns."""
    return Held(
        _STANDINGS[state],
        ours=origin == ReplicaOrigin.TRANSFER and asked_by in OURS,
        foreign=origin == ReplicaOrigin.REGISTERED,
    )


def planned_versions(versions: QuerySet[Version]) -> QuerySet[Version]:
    """Fetch with versions what planning reads of them, in a fixed number of queries."""
    return versions.select_related("product__domain__team").prefetch_related(
        Prefetch("replicas", Replica.objects.select_related("store")),
        Prefetch("transfers", Transfer.objects.select_related("target")),
    )


def published(ids: Sequence[UUID]) -> QuerySet[Version]:
    """Return those of the versions that are published, ready to be planned."""
    return planned_versions(Version.objects.filter(pk__in=ids, state=VersionState.PUBLISHED))
