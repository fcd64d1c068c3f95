"""A whole run in this process: for tests, benchmarks, and small data on one machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from transforms.engine.encoders import Encoders
from transforms.engine.gate import pass_gate
from transforms.engine.parts import write_indexes
from transforms.engine.plan import Plan
from transforms.engine.result import RunReport, ShardResult, add_up, result_from_json
from transforms.engine.shard import run_map_shard, run_reduce
from transforms.engine.sources import Workspace

T = TypeVar("T")


def run(plan: Plan, workspace: Workspace, encoders: Encoders, threads: int = 1) -> RunReport:
    """Run `plan` and return its report; a run that was cut off goes on with the shards not done.

    The bytes written do not depend on `threads`, on the order in which shards end, or on how often
    the run was cut off. Raises what the first failing shard raises.
    """
    results: list[ShardResult] = []
    with ThreadPoolExecutor(threads) as pool:
        for stage in plan.stages:
            encoders = pass_gate(plan, stage.index, workspace, encoders)
            units = range(stage.units)
            results += _all(
                pool, [_one_shard(plan, stage.index, at, workspace, encoders) for at in units]
            )
            for tasks in stage.tasks:
                _all(pool, [_one_task(plan, stage.index, task, workspace) for task in tasks])
    report = add_up(results)
    return replace(report, indexes=write_indexes(plan, report.outputs, workspace.output))


def _all(pool: ThreadPoolExecutor, work: Iterable[Callable[[], T]]) -> list[T]:
    return list(pool.map(lambda call: call(), work))


def _one_task(plan: Plan, stage: int, task: int, workspace: Workspace) -> Callable[[], int]:
    return lambda: run_reduce(plan, stage, task, workspace)


def _one_shard(
    plan: Plan, stage: int, shard: int, workspace: Workspace, encoders: Encoders
) -> Callable[[], ShardResult]:
    """Return the work of a shard, or of reading its result when it was done before.

    The result is written last, so where there is one the objects of the shard are there too.
    """

    def work() -> ShardResult:
        digest = plan.unit(stage, shard).digest.removeprefix("sha256:")
        # the number, too: two files of the same bytes are two shards of one digest
        key = f"results/{shard:05d}-{digest}.stage-{stage}.json"
        if workspace.scratch.has(key):
            with workspace.scratch.source(key).open() as stream:
                return result_from_json(json.load(stream))
        result = run_map_shard(plan, stage, shard, workspace, encoders)
        with workspace.scratch.create(key) as stream:
            stream.write(json.dumps(result.to_json()).encode())
        return result

    return work
