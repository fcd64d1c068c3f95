"""Runs that policies ask for: over what is published, and on a schedule.

Nobody's rights are asked here. The first step of the run does, as for every run, and a refusal
stands on the run for everyone to see who may know of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.models import Product, Version, VersionState
from catalog.selectors import LATEST, product_resource
from core.errors import Gone, NotFound
from governance.engine.entities import Decision, Principal
from governance.engine.pipeline_policies import Asked, Occasion, next_due, runner
from governance.models import Policy, PolicyState
from governance.selectors import pipelines_for, pipelines_scheduled
from transforms.engine.spec import Input, read_spec
from transforms.models import RUN_ACTIVE, Pipeline, Run, RunState, Schedule
from transforms.services.ending import stop_run
from transforms.services.runs import Order, queue_run
from transforms.services.sources import input_version, key_of, versions_now


def run_published(version_id: UUID) -> int:
    """Queue the runs that policies ask for over a version that was published; return how many.

    Once for each pipeline, however often it is called and by however many workers at once.
    """
    version = (
        Version.objects.select_related("product__domain__team")
        .filter(pk=version_id, state=VersionState.PUBLISHED)
        .first()
    )
    if version is None:
        return 0
    over = sum(
        _run_over(asked, pipeline, version)
        for asked, pipeline in _asked_over(version.product)
        if asked.runs_on(Occasion.PUBLISH) and _names(read_spec(pipeline.spec).input, version)
    )
    return over + sum(
        _run_beside(asked, pipeline, version)
        for asked, pipeline in _asked_beside(version.product)
        if asked.runs_on(Occasion.PUBLISH)
    )


def _asked_over(product: Product) -> list[tuple[Asked, Pipeline]]:
    """Return what the policies in force ask for over a product, in order. Two queries and more."""
    pipelines = {
        each.name: each for each in Pipeline.objects.filter(source=product).select_related("target")
    }
    if not pipelines:
        return []
    resource = product_resource(product)
    asked = pipelines_for(resource.name, resource.labels)
    return [(each, pipelines[each.pipeline]) for each in asked if each.pipeline in pipelines]


def _asked_beside(product: Product) -> Iterator[tuple[Asked, Pipeline]]:
    """Yield what the policies in force ask for over the sources of pipelines that look it up."""
    pipelines = Pipeline.objects.filter(further__product=product)
    for pipeline in pipelines.select_related("source__domain__team", "target").order_by("name"):
        source = product_resource(pipeline.source)
        for asked in pipelines_for(source.name, source.labels):
            if asked.pipeline == pipeline.name:
                yield asked, pipeline


def _run_beside(asked: Asked, pipeline: Pipeline, version: Version) -> bool:
    """Queue a run over what the pipeline reads now, if the version is among it."""
    try:
        versions = versions_now(pipeline)
    except (NotFound, Gone):  # one of the other inputs has nothing to read yet
        return False
    return version in versions[1:] and _ask(asked, pipeline, versions, again=Q())


def _names(wanted: Input, version: Version) -> bool:
    """Say whether a document names this version, as it was when the version was the latest."""
    if wanted.version == LATEST:
        return True
    try:
        return input_version(wanted, version.product) == version
    except (NotFound, Gone):
        return False


def _run_over(asked: Asked, pipeline: Pipeline, version: Version) -> bool:
    if Occasion.PUBLISH not in asked.on:
        newer = version.product.versions.filter(
            number__gt=version.number, state=VersionState.PUBLISHED
        )
        if newer.exists():
            return False
        _call_off_overtaken(asked, pipeline, version)
    try:
        versions = versions_now(pipeline, version)
    except (NotFound, Gone):  # another input has nothing yet, and sets it off when it has
        return False
    return _ask(asked, pipeline, versions, again=Q())


def _call_off_overtaken(asked: Asked, pipeline: Pipeline, version: Version) -> None:
    """Call off what this policy asked for over older versions and what has not begun yet."""
    overtaken = Run.objects.filter(
        pipeline=pipeline,
        policy=asked.policy,
        plan__isnull=True,
        state__in=[RunState.QUEUED, RunState.WAITING],
        input_version__number__lt=version.number,
    )
    for run_id in overtaken.values_list("id", flat=True):
        reason = f"{version.name} is newer, and {asked.policy} asks for the newest alone."
        stop_run(run_id, RunState.CANCELLED, "overtaken", reason)


_SETTLED = Q(state__in=RUN_ACTIVE) | Q(
    state__in=[RunState.DONE, RunState.SKIPPED], output_version__state=VersionState.PUBLISHED
)


def _ask(asked: Asked, pipeline: Pipeline, versions: tuple[Version, ...], *, again: Q) -> bool:
    """Queue a run for a policy; False when there is one over the versions that meets `again`."""
    first, *further = versions
    key = key_of(further)
    there = Run.objects.filter(again, pipeline=pipeline, input_version=first, further_key=key)
    if any(spec == pipeline.spec for spec in there.values_list("spec", flat=True)):
        return False
    policy = Policy.objects.filter(slug=asked.policy, state=PolicyState.ACTIVE).first()
    if policy is None:  # taken out of force this very moment
        return False
    person = Principal(policy.acts_for)
    sources = [each.product.name for each in versions]
    actor = runner(asked.policy, person, sources, pipeline.target.name)
    decision = Decision(True, (asked.policy,), f"The policy {asked.policy} asks for it.", "")
    order = Order(pipeline, versions, asked.purpose, policy=asked.policy)
    try:
        queue_run(actor, order, decision)
    except IntegrityError:  # somebody else's run over it began at the same moment
        return False
    return True


def run_schedules() -> int:
    """Queue the runs whose time has come, each schedule once; return how many.

    What was missed while nobody looked is made up for by one run. Of several that look at once
    one takes the turn. Nothing runs when the last run over the same version still stands.
    """
    wanted = _scheduled()
    now = timezone.now()
    for row in Schedule.objects.all():
        asked = wanted.get((row.policy, row.pipeline_id))
        if asked is None or asked[0].every != row.every:
            row.delete()
    for (policy, pipeline_id), (asked_for, _) in wanted.items():
        first = next_due(asked_for.every, now, now)
        defaults = {"every": asked_for.every, "next_at": first}
        Schedule.objects.get_or_create(policy=policy, pipeline_id=pipeline_id, defaults=defaults)
    due = Schedule.objects.filter(next_at__lte=now).order_by("next_at", "id")
    return sum(_take_turn(row, *wanted[row.policy, row.pipeline_id]) for row in due)


def _scheduled() -> dict[tuple[str, UUID], tuple[Asked, Pipeline]]:
    scheduled = pipelines_scheduled()
    named = Pipeline.objects.filter(name__in={asked.pipeline for _, asked in scheduled})
    pipelines = {
        each.name: (each, product_resource(each.source))
        for each in named.select_related("source__domain__team", "target")
    }
    found = {}
    for policy, asked in scheduled:
        pipeline, source = pipelines.get(asked.pipeline, (None, None))
        if pipeline and source and policy.covers(source.name, source.labels):
            found[policy.slug, pipeline.pk] = asked, pipeline
    return found


@transaction.atomic
def _take_turn(row: Schedule, asked: Asked, pipeline: Pipeline) -> bool:
    later = next_due(row.every, row.next_at, timezone.now())
    if not Schedule.objects.filter(pk=row.pk, next_at=row.next_at).update(next_at=later):
        return False
    try:
        versions = versions_now(pipeline)
    except (NotFound, Gone):  # there is nothing to run over yet
        return False
    return _ask(asked, pipeline, versions, again=_SETTLED)
