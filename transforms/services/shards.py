"""One unit of work of a run: claimed, re-judged, done, and written down once."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.errors import FairmeshError, Invalid
from core.lease import Lease
from transforms import doorbell, tokenizers
from transforms.engine import plan as planning
from transforms.engine.plan import Plan
from transforms.engine.shard import run_map_shard, run_reduce
from transforms.engine.spec import digest
from transforms.heartbeat import Heartbeat, LeaseLost
from transforms.models import SHARD_OPEN, Run, RunShard, RunState, ShardKind, ShardState
from transforms.services.acting import check_rights
from transforms.services.ending import PASSING, end_badly, remove_objects
from transforms.services.reuse import reuse_shard
from transforms.services.workspaces import encoders_of, workspace_of

MOST_ATTEMPTS = 5
"""After so many workers have died over one shard, the run fails instead of killing more."""


class WorkersDie(FairmeshError):
    """Worker after worker ended without a word over the same shard."""

    code = "workers_die"
    title = "Workers die over a shard"


def run_shard(shard_id: UUID) -> ShardState | None:
    """Do one unit of work; return its state then, or None when there was nothing to do."""
    shard = RunShard.objects.filter(pk=shard_id, state__in=SHARD_OPEN).first()
    if shard is None or not Run.objects.filter(pk=shard.run_id, state=RunState.RUNNING).exists():
        return None
    lease = _claim(shard_id)
    if lease is None:
        return None
    run = _run_of(shard)
    try:
        _check_attempts(shard_id)
        check_rights(run)
        with Heartbeat(lease) as heartbeat:
            began = time.perf_counter()
            result = _work(run, shard, heartbeat)
            seconds = time.perf_counter() - began
        return _done(run, lease, result, seconds)
    except LeaseLost:
        _leave_nothing(run)
        return None
    except Exception as error:  # noqa: BLE001 - the edge of a task: it is recorded on the row
        return _broken(run, lease, error)


def _claim(shard_id: UUID) -> Lease[RunShard] | None:
    abandoned = Q(state=ShardState.CLAIMED, lease_until__lt=timezone.now())
    return Lease.take(
        RunShard.objects.filter(Q(state=ShardState.QUEUED) | abandoned, pk=shard_id),
        state=ShardState.CLAIMED,
        attempt=F("attempt") + 1,
        reason_code="",
        reason="",
    )


def _run_of(shard: RunShard) -> Run:
    return (
        Run.objects.select_related(
            "pipeline", "input_version__product__domain__team", "target__domain__team"
        )
        .prefetch_related("further__version__product__domain__team")
        .defer("plan")
        .get(pk=shard.run_id)
    )


def _check_attempts(shard_id: UUID) -> None:
    attempt = RunShard.objects.values_list("attempt", flat=True).get(pk=shard_id)
    if attempt > MOST_ATTEMPTS:
        raise WorkersDie(
            f"{MOST_ATTEMPTS} workers ended without a word over one shard; give them more memory, "
            "or make its documents smaller, and retry the run."
        )


def _work(run: Run, shard: RunShard, heartbeat: Heartbeat) -> object:
    planned = _plan_of(run.pk, run.run_digest)
    _check_current(planned)
    is_map = shard.kind == ShardKind.MAP
    if is_map and shard.stage == 0:
        reused = reuse_shard(run, planned, shard.index, heartbeat.check)
        if reused is not None:
            return reused.to_json()
    pieces = planned.unit(shard.stage, shard.index).pieces if is_map else ()
    paths = [path for piece in pieces for path in piece.paths]
    workspace = workspace_of(run, paths, heartbeat.check)
    if not is_map:
        return run_reduce(planned, shard.stage, shard.index, workspace)
    encoders = encoders_of(run, planned)
    return run_map_shard(planned, shard.stage, shard.index, workspace, encoders).to_json()


@lru_cache(maxsize=4)
def _plan_of(run_id: UUID, run_digest: str) -> Plan:
    """Return the plan of a run, read once a process. `run_digest` tells plans of a run apart."""
    del run_digest
    plan = Run.objects.values_list("plan", flat=True).get(pk=run_id)
    return planning.from_json(plan or {})


def _check_current(planned: Plan) -> None:
    found = digest(planned.spec, lambda name: tokenizers.resolve(name).sha256)
    if found != planned.spec_digest:
        raise Invalid(
            "A tokenizer, an operator or a library has changed since the run was planned, so its "
            "parts would not fit together. Retry the run: it begins anew."
        )


def _done(run: Run, lease: Lease[RunShard], result: object, seconds: float) -> ShardState:
    """Write the result; whoever writes the last one of a stage rings for the run."""
    with transaction.atomic():
        # All shards of a run pass here one by one, so that one of them sees that it is the last.
        Run.objects.select_for_update().only("id").get(pk=run.pk)
        row = lease.locked()
        if row is None:
            raise LeaseLost
        row.state, row.result, row.seconds = ShardState.DONE, result, seconds
        row.lease_until, row.lease_owner = None, ""
        row.save()
        if not RunShard.objects.filter(run=run.pk, state__in=SHARD_OPEN).exists():
            doorbell.ring_run(run.pk)
    return ShardState.DONE


def _broken(run: Run, lease: Lease[RunShard], error: Exception) -> ShardState | None:
    """Give the shard back or fail it, and stop the run with the reason."""
    passing = isinstance(error, PASSING)
    state = ShardState.QUEUED if passing else ShardState.FAILED
    code, reason = "internal", type(error).__name__  # the words may hold a piece of the data
    if isinstance(error, FairmeshError):
        code, reason = error.code, error.detail
    with transaction.atomic():
        row = lease.locked()
        if row is None:
            return None
        row.state, row.reason_code, row.reason = state, code, reason
        row.lease_until, row.lease_owner = None, ""
        row.attempt = 0 if passing else row.attempt
        row.ring_at = timezone.now() + timedelta(minutes=1)
        row.save()
    end_badly(run.pk, error)
    return state


def _leave_nothing(run: Run) -> None:
    """Remove what was written after the run was cancelled and cleared by another worker."""
    row = Run.objects.defer("plan").get(pk=run.pk)
    if row.state == RunState.CANCELLED:
        remove_objects(row, result=True)
