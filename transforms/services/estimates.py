"""What a run would have to do, and what that would cost, told before it is begun."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from transforms.engine.plan import Plan
from transforms.engine.reuse import is_incremental
from transforms.engine.spec import read_spec
from transforms.engine.statistics import statistics
from transforms.models import Pipeline, Run, RunState
from transforms.services.budgets import price_of
from transforms.services.reuse import done_into

_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """The work of a run; what it costs is told by the last run of the pipeline, byte for byte."""

    done: frozenset[str]
    """The digests of the shards that an earlier run did, which are copied."""
    bytes_to_do: int
    like: Run | None
    """The run that the figures below are taken from; without one they are None."""
    core_seconds: float | None = None
    output_bytes: int | None = None
    money: float | None = None
    """Work, requests, and a month of the result; None also where nothing has a price."""


def estimate(pipeline: Pipeline, plan: Plan) -> Estimate:
    """Estimate a run of a pipeline, which need not be saved. Reads rows of the database alone."""
    digests = [shard.digest for shard in plan.shards]
    done = done_into(pipeline.target, digests) if is_incremental(plan) else set()
    whole = sum(shard.bytes for shard in (*plan.shards, *plan.beside))
    to_do = whole - sum(shard.bytes for shard in plan.shards if shard.digest in done)
    like = _like(pipeline)
    if like is None or like.report is None or like.output_version is None:
        return Estimate(frozenset(done), to_do, None)
    share = to_do / _worked_through(like)
    told = statistics(read_spec(like.spec), like.report, settings.FAIRMESH.core_hour_price)
    money = price_of(like)
    return Estimate(
        done=frozenset(done),
        bytes_to_do=to_do,
        like=like,
        core_seconds=told.core_seconds * share,
        output_bytes=round(like.output_version.bytes * whole / max(1, like.report["bytes_in"])),
        money=None if money is None else money * share,
    )


def _like(pipeline: Pipeline) -> Run | None:
    """Return the last run that worked through anything, and whose result is still known."""
    runs = (
        Run.objects.filter(pipeline=pipeline.pk, state=RunState.DONE, output_version__isnull=False)
        .select_related("input_version", "output_version")
        .defer("plan")
        .order_by("-finished_at")
    )
    return next((run for run in runs[:_LOOKED_AT] if run.report and _worked_through(run)), None)


def _worked_through(run: Run) -> int:
    """Return the bytes of input that a run read: without those of the shards that it copied."""
    report = run.report or {}
    return int(report["bytes_in"]) - int(report.get("bytes_reused", 0))
