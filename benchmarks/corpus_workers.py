"""A run by processes, as the platform's workers do it: unit by unit, with the engine's functions.

The processes are started before the clock, since a worker imports once in its life; the plan is
read by each of them, and the tokenizer loaded, as it is there. One of them passes the gate.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from transforms.engine import plan as planning
from transforms.engine.encoders import Encoders, TokenizerFile, Verdict
from transforms.engine.gate import judges, pass_gate
from transforms.engine.parts import write_indexes
from transforms.engine.plan import Plan
from transforms.engine.result import RunReport, ShardResult, add_up
from transforms.engine.shard import run_map_shard, run_reduce
from transforms.engine.sources import LocalFile, LocalFolder, Workspace


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes, the same for all its workers."""

    corpus: Path
    tokenizer: Path
    folder: Path

    def workspace(self) -> Workspace:
        return Workspace(
            lambda path: LocalFile(self.corpus / path),
            LocalFolder(self.folder / "scratch"),
            LocalFolder(self.folder / "output"),
        )

    def encoders(self) -> Encoders:
        return Encoders(lambda name: _tokenizer(self.tokenizer))

    @property
    def plan(self) -> Path:
        return self.folder / "plan.json"


def _tokenizer(path: Path) -> TokenizerFile:
    data = path.read_bytes()
    return TokenizerFile(data, hashlib.sha256(data).hexdigest())


class Workers:
    """So many processes that have imported the engine and wait."""

    def __init__(self, count: int) -> None:
        # not forked: Arrow has threads
        self._pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
        list(self._pool.map(_awake, range(4 * count)))

    def close(self) -> None:
        self._pool.shutdown()

    def run(self, plan: Plan, place: Place) -> RunReport:
        """Run `plan` and return its report; raises what the first failing unit raises."""
        place.folder.mkdir(parents=True, exist_ok=True)
        place.plan.write_text(json.dumps(plan.to_json()))
        told: dict[str, Verdict] = {}
        results: list[ShardResult] = []
        for stage in plan.stages:
            if judges(plan, stage.index):
                told = self._pool.submit(_gate, place, told, stage.index).result()
            units = [(place, told, stage.index, unit) for unit in range(stage.units)]
            results += self._pool.map(_shard, units)
            for tasks in stage.tasks:
                list(self._pool.map(_task, [(place, stage.index, task) for task in tasks]))
        report = add_up(results)
        write_indexes(plan, report.outputs, place.workspace().output)
        return report


def _awake(number: int) -> int:
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([number], pa.int64())
    return number


def _gate(place: Place, verdicts: dict[str, Verdict], stage: int) -> dict[str, Verdict]:
    plan, encoders = _plan_of(place)
    judged = pass_gate(plan, stage, place.workspace(), encoders.with_verdicts(verdicts))
    return dict(judged.verdicts)


def _shard(unit: tuple[Place, dict[str, Verdict], int, int]) -> ShardResult:
    place, verdicts, stage, number = unit
    plan, encoders = _plan_of(place)
    judged = encoders.with_verdicts(verdicts)
    return run_map_shard(plan, stage, number, place.workspace(), judged)


def _task(unit: tuple[Place, int, int]) -> int:
    place, stage, number = unit
    return run_reduce(_plan_of(place)[0], stage, number, place.workspace())


@lru_cache(maxsize=1)
def _plan_of(place: Place) -> tuple[Plan, Encoders]:
    return planning.from_json(json.loads(place.plan.read_text())), place.encoders()
