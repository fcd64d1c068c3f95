"""Runs: asked for, called off, tried again, and found when a ring was lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Product, Version, VersionState
from catalog.selectors import product_resource
from core import outbox
from core.errors import Conflict, FairmeshError
from governance import audit
from governance.engine.entities import Action, Decision, Principal, Situation
from governance.services import require
from transforms import doorbell
from transforms.models import (
    HAS_ITS_TURN,
    RUN_MOVES,
    SHARD_OPEN,
    Pipeline,
    Run,
    RunInput,
    RunShard,
    RunState,
    ShardState,
)
from transforms.selectors import pipeline_for, run_for
from transforms.services.acting import asked_by, require_whole_inputs
from transforms.services.ending import RUN_CHANGED, call_off_shards, ring_followers
from transforms.services.sources import key_of, sources_of, versions_now, versions_of

RING_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Order:
    """What a run is asked for over."""

    pipeline: Pipeline
    versions: tuple[Version, ...]
    """Of the inputs, in the order of the document."""
    purpose: str = ""
    policy: str = ""
    """The services policy that asks for it, if one does."""
    after: Run | None = None
    """The run whose end it waits for."""


def queue_run(actor: Principal, order: Order, decision: Decision) -> Run:
    """Queue a run; raise IntegrityError when one is under way over the same versions."""
    behind, (first, *further) = order.after, order.versions
    told = "" if behind is None else f"It begins when the run {behind.pk} has ended."
    with transaction.atomic():
        run = Run.objects.create(
            pipeline=order.pipeline,
            spec=order.pipeline.spec,
            input_version=first,
            further_key=key_of(further),
            target=order.pipeline.target,
            **asked_by(actor),
            policy=order.policy,
            purpose=order.purpose,
            after=behind,
            reason_code="" if behind is None else "its_turn",
            reason=told,
            next_attempt_at=timezone.now(),
        )
        RunInput.objects.bulk_create(
            RunInput(run=run, position=position, version=version)
            for position, version in enumerate(further, 1)
        )
        _note(actor, "run", run, decision)
        if behind is None:
            doorbell.ring_run(run.pk)
    return run


def require_run(actor: Principal, pipeline: Pipeline, purpose: str) -> Decision:
    """Raise unless the actor may run a pipeline over all of its inputs for a purpose."""
    require_inputs(actor, sources_of(pipeline), Situation(purpose))
    return require(actor, Action.PUBLISH, product_resource(pipeline.target))


def require_inputs(actor: Principal, sources: Iterable[Product], situation: Situation) -> None:
    """Raise unless the actor may transform each product, and sees all of it."""
    products = list(dict.fromkeys(sources))
    for source in products:
        require(actor, Action.TRANSFORM, product_resource(source), situation)
    require_whole_inputs(actor, products, situation)


def start_run(actor: Principal, pipeline_id: UUID, *, purpose: str = "") -> Run:
    """Queue a run over the versions of the inputs that the document names now.

    A grant for a purpose is good for a run that states it, to its end: every later check asks
    with the same purpose.

    The planning is done by a worker, so the answer is quick whatever the stores do.
    """
    pipeline = pipeline_for(actor, pipeline_id)
    decision = require_run(actor, pipeline, purpose)
    versions = versions_now(pipeline)
    try:
        return queue_run(actor, Order(pipeline, versions, purpose), decision)
    except IntegrityError as error:
        over = " and ".join(each.name for each in versions)
        raise Conflict(f"{pipeline.name} is running over {over} already.") from error


def cancel_run(actor: Principal, run_id: UUID) -> Run:
    """Stop a run and give up its draft; workers stop at their next piece of work."""
    run_for(actor, run_id)
    with transaction.atomic():
        run, decision = _locked(actor, run_id, RunState.CANCELLED)
        run.finished_at = timezone.now()
        draft, run.output_version = run.output_version, None
        call_off_shards(run)
        run.save()
        if draft is not None and draft.state == VersionState.DRAFT:
            catalog.abort_draft(actor, draft.pk)
        _note(actor, "cancel-run", run, decision)
        payload = {"run": str(run.pk), "state": str(run.state), "at": run.finished_at.isoformat()}
        outbox.emit(RUN_CHANGED, payload)
        doorbell.ring_run(run.pk)  # to remove its objects
        ring_followers(run.pk)
    return run_for(actor, run_id)


def retry_run(actor: Principal, run_id: UUID) -> Run:
    """Queue a run that stopped, at once, in the name of who retries it.

    A failed run goes on with the shards that are not done; a cancelled one begins anew.
    """
    run_for(actor, run_id)
    try:
        with transaction.atomic():
            run, decision = _locked(actor, run_id, RunState.QUEUED)
            sources = [each.product for each in versions_of(run)]
            require_inputs(actor, sources, Situation(run.purpose))
            for field, value in asked_by(actor).items():
                setattr(run, field, value)
            run.policy, run.finished_at = "", None  # from now on it is a person's
            run.after = None
            if run.output_version is None:
                run.plan, run.shards_total = None, 0
                run.shards.all().delete()
            run.shards.filter(state=ShardState.FAILED).update(
                state=ShardState.QUEUED, attempt=0, ring_at=timezone.now()
            )
            run.save()
            _note(actor, "retry-run", run, decision)
            doorbell.ring_run(run.pk)
    except IntegrityError as error:
        raise Conflict("Another run of this pipeline over the same input is under way.") from error
    return run_for(actor, run_id)


def _locked(actor: Principal, run_id: UUID, state: RunState) -> tuple[Run, Decision]:
    """Return the run, locked and moved to `state`; raise Conflict where that is no way on."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("pipeline", "target__domain__team", "input_version__product__domain__team")
        .get(pk=run_id)
    )
    decision = require(actor, Action.PUBLISH, product_resource(run.target))
    if state not in RUN_MOVES[run.state]:
        raise Conflict(f"A run that is {run.state} cannot become {state}.")
    run.state, run.fence = state, run.fence + 1
    run.lease_until, run.lease_owner, run.next_attempt_at = None, "", timezone.now()
    run.reason_code, run.reason, run.policies = "by_hand", f"{actor.id} asked for it.", []
    return run, decision


def _note(actor: Principal, action: str, run: Run, decision: Decision) -> None:
    audit.record(
        actor,
        action,
        run.target.name,
        decision,
        run=str(run.pk),
        pipeline=run.pipeline.name,
        inputs=[each.name for each in versions_of(run)],
        purpose=run.purpose,
    )


def wake_runs(reason: type[FairmeshError]) -> int:
    """Have the runs look again now that wait for this reason; return how many."""
    waiting = Run.objects.filter(state=RunState.WAITING, reason_code=reason.code)
    return waiting.update(next_attempt_at=timezone.now())


def sweep_runs() -> int:
    """Ring for every run and shard that is due or abandoned; return how many."""
    now = timezone.now()
    runs, shards = _runs_to_ring(now), _shards_to_ring(now)
    with transaction.atomic():
        for run_id in runs:
            doorbell.ring_run(run_id)
        doorbell.ring_shards(shards)
    return len(runs) + len(shards)


def _runs_to_ring(now: datetime) -> list[UUID]:
    lost = timedelta(seconds=settings.FAIRMESH.sweep_seconds)
    at_work = RunShard.objects.filter(run=OuterRef("pk"), state__in=SHARD_OPEN)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = Q(state=RunState.QUEUED, next_attempt_at__lte=now - lost) & HAS_ITS_TURN | Q(
        state=RunState.WAITING, next_attempt_at__lte=now
    )
    abandoned = Q(state__in=[RunState.CLAIMED, RunState.PUBLISHING]) & free
    between_stages = Q(state=RunState.RUNNING) & free & ~Exists(at_work)
    untidy = Q(state__in=[RunState.DONE, RunState.CANCELLED], untidy=True, next_attempt_at__lte=now)
    rows = Run.objects.filter(due | abandoned | between_stages | untidy).order_by("next_attempt_at")
    return list(rows.values_list("id", flat=True)[:200])


def _shards_to_ring(now: datetime) -> list[UUID]:
    """Return the shards to ring for. A queued one is rung for once a minute, not each time: where
    its first ring is still in the queue, another one is only in the way.
    """
    lost = timedelta(seconds=settings.FAIRMESH.sweep_seconds)
    due = Q(state=ShardState.QUEUED, ring_at__lte=now - lost)
    abandoned = Q(state=ShardState.CLAIMED, lease_until__lt=now)
    rows = RunShard.objects.filter(due | abandoned, run__state=RunState.RUNNING)
    ids = list(rows.order_by("ring_at", "id").values_list("id", flat=True)[:200])
    RunShard.objects.filter(pk__in=ids).update(ring_at=now + RING_AGAIN)
    return ids
