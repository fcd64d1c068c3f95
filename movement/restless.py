"""Which versions need anything done at all: the whole mesh, looked over in a few queries a batch.

Most of a mesh is at rest most of the time. Versions of products that are bound alike, with replicas
that stand alike, have the same plan, so that one plan answers for thousands. Whatever is not
clearly at rest is named, and planned by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from catalog.inventory import products_below
from catalog.models import Version
from governance.engine.protection import Requirement
from movement.engine.placement import Held, Judge, Load, Question, Standing, Step, place
from movement.engine.surplus import surplus
from movement.models import ACTIVE, Replica, Transfer, TransferState
from movement.planning import NEEDS_A_PERSON, OURS, Outlook, bound, held_as, is_counted

BATCH = 10_000
"""Versions looked at together: what the whole mesh holds in memory at a time."""

_Row = tuple[UUID, str, int, int, datetime | None]


@dataclass
class _Standing:
    """What there is of one version."""

    held: dict[str, Held] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    shunned: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    """The stores whose replica is marked to be removed."""


@dataclass(frozen=True)
class _Bound:
    """What products that are bound alike share."""

    requirement: Requirement
    judge: Judge
    verdicts: tuple[bool, ...]


class Lookout:
    """Looks over published versions and names those that are not at rest."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._resources = {resource.name: resource for resource in products_below("/")}
        self._bounds: dict[str, _Bound] = {}
        self._at_rest: dict[tuple[Any, ...], bool] = {}

    def restless(self, versions: QuerySet[Version]) -> Iterator[UUID]:
        """Yield the versions for which something would be done, or undone, by their id."""
        rows = versions.order_by("pk").values_list(
            "pk", "product__name", "bytes", "files", "published_at"
        )
        for batch in _batches(rows.iterator(chunk_size=BATCH)):
            standings = _standings(batch[0][0], batch[-1][0])
            for row in batch:
                if not self._rests(row, standings.get(row[0]) or _Standing()):
                    yield row[0]

    def _rests(self, row: _Row, there: _Standing) -> bool:
        pk, name, size, files, born = row
        bound_as = self._bounds.get(name) or self._bind(name)
        if bound_as is None:
            return False  # it was registered since this began: it is planned by itself
        asked, now = bound_as.requirement, self._outlook.now
        age = max((now - (born or now)) / timedelta(days=1), 0.0)
        wishes = self._outlook.wishes.of(pk, asked.caches_by)
        key = (
            id(asked), bound_as.verdicts, tuple(sorted(there.held.items())), wishes,
            asked.tier_at(age)[0], frozenset(there.refused), frozenset(there.leaving),
            frozenset(there.shunned),
        )  # fmt: skip
        if self._at_rest.get(key):
            return True
        question = Question(
            asked, self._outlook.mesh, there.held, bound_as.judge, wishes,
            Load(size, files, age), frozenset(there.shunned),
        )  # fmt: skip
        rests, for_all = _is_at_rest(question, there)
        if for_all:
            self._at_rest[key] = rests
        return rests

    def _bind(self, name: str) -> _Bound | None:
        resource = self._resources.get(name)
        if resource is None:
            return None
        asked = self._outlook.requirement_of(name, resource.labels)
        judge = self._outlook.judge_of(bound(resource, asked))
        verdicts = tuple(judge(store).allow for store in self._outlook.mesh.stores.values())
        self._bounds[name] = _Bound(asked, judge, verdicts)
        return self._bounds[name]


def _is_at_rest(question: Question, there: _Standing) -> tuple[bool, bool]:
    """Say whether nothing is to be done, and whether that holds whatever the version weighs."""
    plan = place(question)
    refused = {item.store for item in plan.of(Step.REFUSE)}
    going = {item.store for item in surplus(question)}
    rests = not plan.of(Step.COPY) and refused <= there.refused and going == there.leaving
    return rests, rests and plan.unmet is None


def _standings(first: UUID, last: UUID) -> dict[UUID, _Standing]:
    """Return what there is of the versions whose id lies between two."""
    found: dict[UUID, _Standing] = defaultdict(_Standing)
    span = {"version__gte": first, "version__lte": last}
    replicas = Replica.objects.filter(**span).values_list(
        "version", "store__name", "state", "origin", "asked_by", "remove_after"
    )
    for pk, store, state, origin, asked_by, remove_after in replicas.iterator(chunk_size=BATCH):
        if is_counted(state):
            found[pk].held[store] = held_as(state, origin, asked_by)
        if remove_after is not None:
            found[pk].leaving.add(store)
    transfers = Transfer.objects.filter(**span).exclude(state=TransferState.DONE)
    for pk, store, state, asked_by in transfers.values_list(
        "version", "target__name", "state", "asked_by"
    ):
        if state in ACTIVE:
            mine = found[pk].held.get(store, Held(Standing.COMING, ours=asked_by in OURS))
            found[pk].held[store] = replace(mine, standing=Standing.COMING)
        elif state == TransferState.REFUSED:
            found[pk].refused.add(store)
        elif state in NEEDS_A_PERSON:
            found[pk].shunned.add(store)
    return found


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    batch: list[_Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
