"""A pipeline over versions that were published before it was: told first, queued oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.models import Version, VersionState
from core.errors import Invalid
from governance.engine.entities import Decision, Principal
from transforms.engine.reuse import is_incremental
from transforms.engine.spec import Spec, read_spec
from transforms.inputs import opener
from transforms.models import RUN_ACTIVE, Pipeline, Run
from transforms.selectors import equal_run, pipeline_named
from transforms.services.pipelines import planned
from transforms.services.reuse import done_into
from transforms.services.runs import Order, queue_run, require_run
from transforms.services.sources import versions_now

MOST_VERSIONS = 100
"""Each is planned before the answer: a longer range is asked for piece by piece."""


class Choice(StrEnum):
    RUN = "run"
    SKIP = "skip"
    """Its result is there, or is being made."""
    REFUSE = "refuse"
    """The pipeline cannot read it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What becomes of one version."""

    version: Version
    action: Choice
    bytes: int = 0
    """Of input to work through."""
    reason_code: str = ""
    reason: str = ""
    result: str | None = None
    run: UUID | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """What becomes of a range of versions, the oldest first."""

    pipeline: str
    dry_run: bool
    versions: tuple[Chosen, ...]

    @property
    def runs(self) -> int:
        return sum(each.action is Choice.RUN for each in self.versions)

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.versions if each.action is Choice.RUN)


def backfill(
    actor: Principal,
    name: str,
    numbers: tuple[int, int],
    *,
    dry_run: bool = False,
    purpose: str = "",
) -> Backfill:
    """Queue a run for each published version from `numbers[0]` to `numbers[1]` that lacks one.

    Each run waits for the one before, so others get their turn, and the results are published in
    the order of their inputs. With `dry_run` nothing is queued. Reads a sample of each version.

    Raises Invalid for a range that is empty or too long, StoreUnavailable when a version cannot be
    looked at now.
    """
    pipeline = pipeline_named(actor, name)
    decision = require_run(actor, pipeline, purpose)
    versions = _versions(pipeline, *numbers)
    chosen = tuple(_choose(pipeline, versions))
    if not dry_run:
        chosen = _queued(actor, Order(pipeline, (versions[0],), purpose), decision, chosen)
    return Backfill(pipeline.name, dry_run, chosen)


def _versions(pipeline: Pipeline, first: int, last: int) -> list[Version]:
    source = pipeline.source
    if first > last:
        raise Invalid(f"{first} to {last} is no range; name the older version first.")
    wanted = source.versions.filter(
        number__gte=first, number__lte=last, state=VersionState.PUBLISHED
    )
    found = list(wanted.select_related("product").order_by("number")[: MOST_VERSIONS + 1])
    if not found:
        raise Invalid(f"{source.name} has no published version from {first} to {last}.")
    if len(found) > MOST_VERSIONS:
        reached = found[MOST_VERSIONS - 1].number
        raise Invalid(
            f"These are more than {MOST_VERSIONS} versions; ask for {first} to {reached} first."
        )
    return found


def _choose(pipeline: Pipeline, versions: Iterable[Version]) -> Iterator[Chosen]:
    spec = read_spec(pipeline.spec)
    active = Run.objects.filter(pipeline=pipeline, state__in=RUN_ACTIVE)
    under_way = dict(active.values_list("input_version", "id"))
    before: set[str] = set()
    for version in versions:
        if version.pk in under_way:
            told = f"A run of {pipeline.name} over it is under way."
            yield Chosen(version, Choice.SKIP, 0, "under_way", told, run=under_way[version.pk])
            continue
        try:
            yield _planned(pipeline, spec, version, before)
        except Invalid as error:  # this version lacks what the pipeline reads; others may not
            yield Chosen(version, Choice.REFUSE, 0, error.code, error.detail)


def _planned(pipeline: Pipeline, spec: Spec, version: Version, before: set[str]) -> Chosen:
    """Return what becomes of a version; `before` gathers what the runs of this backfill do."""
    versions = versions_now(pipeline, version)
    plan = planned(spec, versions, [opener(each) for each in versions])
    equal = equal_run(plan.run_digest, pipeline.target_id)
    if equal is not None and equal.output_version is not None:
        made = equal.output_version.name
        told = f"{made} is what this run would make."
        return Chosen(version, Choice.SKIP, 0, "equal_run", told, result=made)
    if plan.run_digest in before:
        told = "An older version of this range gives the same."
        return Chosen(version, Choice.SKIP, 0, "equal_run", told)
    known: set[str] = set()
    if is_incremental(plan):
        known = before | done_into(pipeline.target, [shard.digest for shard in plan.shards])
    before.update((plan.run_digest, *(shard.digest for shard in plan.shards)))
    left = sum(shard.bytes for shard in plan.shards if shard.digest not in known)
    return Chosen(version, Choice.RUN, left)


@transaction.atomic
def _queued(
    actor: Principal, order: Order, decision: Decision, chosen: Iterable[Chosen]
) -> tuple[Chosen, ...]:
    found, before = [], None
    for each in chosen:
        if each.action is Choice.RUN:
            try:
                versions = versions_now(order.pipeline, each.version)
                before = queue_run(actor, replace(order, versions=versions, after=before), decision)
            except IntegrityError:
                told = f"A run of {order.pipeline.name} over it began at this moment."
                each = replace(each, action=Choice.SKIP, reason_code="under_way", reason=told)
            else:
                each = replace(each, run=before.pk)
        found.append(each)
    return tuple(found)
