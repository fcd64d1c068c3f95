"""The work of one shard: plain functions that a queue, a pool or a cluster may call.

`run_map_shard` does one stage of one shard; `run_reduce` does one task of the barrier behind a
stage that ends with a global step. Both may be killed and done again at any time: their objects
appear whole or not at all, and hold the same bytes each time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from core.manifest import FileEntry
from transforms.engine.chain import Chain
from transforms.engine.desks import barrier_behind
from transforms.engine.encoders import Encoders, Verdict
from transforms.engine.intake import rows_of
from transforms.engine.operators.tokenise import ParityLost
from transforms.engine.parts import ShardParts, rows_in
from transforms.engine.plan import Plan, Shard
from transforms.engine.readers import BadRow
from transforms.engine.result import ADDED, ShardResult
from transforms.engine.sources import Workspace
from transforms.engine.stages import Stage
from transforms.engine.writing.quarantine import write_quarantine


def quarantine_stem(shard: int) -> str:
    """Return the key of a quarantine without its ending."""
    return f"quarantine/part-{shard:05d}"


@dataclass(frozen=True)
class _Job:
    plan: Plan
    stage: Stage
    unit: int
    workspace: Workspace
    tally: _Tally

    @property
    def shard(self) -> Shard:
        return self.plan.unit(self.stage.index, self.unit)

    @property
    def reads(self) -> bool:
        return self.plan.reads(self.stage.index, self.unit)

    @property
    def looks_up(self) -> bool:
        return self.plan.looks_up(self.stage.index, self.unit)

    @property
    def is_last(self) -> bool:
        return self.stage.index == len(self.plan.stages) - 1


@dataclass
class _Tally:
    """What is counted beside the chain."""

    rows_in: int = 0
    added: int = 0
    """Rows beyond those that came in, by the barrier before."""
    dropped: Counter[str] = field(default_factory=Counter)
    split: dict[str, int] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    seconds_reading: float = 0.0
    seconds_writing: float = 0.0


def run_map_shard(
    plan: Plan, stage: int, shard: int, workspace: Workspace, encoders: Encoders
) -> ShardResult:
    """Do stage `stage` of shard `shard` and return its report.

    Stage 0 reads the input and writes the quarantine; the last stage writes the part; a stage
    before a barrier leaves its rows in the scratch place. Later stages need every shard and every
    task of the stage before. Memory: a few batches and one row group; before and behind a barrier
    what its step says.

    Raises IntegrityBroken when the rows or tokens do not add up, Invalid for damaged input.
    """
    try:
        return _run(plan, stage, shard, workspace, encoders)
    except ParityLost as lost:
        verdicts = {
            name: replace(verdict, engine="reference", fast=False, reason=f"audit: {lost}")
            for name, verdict in encoders.verdicts.items()
        }
        return _run(plan, stage, shard, workspace, encoders.with_verdicts(verdicts))


def _run(
    plan: Plan, stage: int, shard: int, workspace: Workspace, encoders: Encoders
) -> ShardResult:
    job = _Job(plan, plan.stages[stage], shard, workspace, _Tally())
    steps = () if job.looks_up else plan.spec.steps[job.stage.start : job.stage.end]
    chain = Chain(steps, encoders)
    outputs, rows_out = _write(job, _through(chain, _rows(job)))
    quarantine = _write_quarantine(job)
    tally = job.tally
    dropped = chain.dropped + tally.dropped
    used = {name for step in steps for name in step.tokenizers()}
    return ShardResult(
        stage=stage,
        shard=shard,
        digest=job.shard.digest,
        rows_in=tally.rows_in,
        documents=chain.documents,
        rows_out=rows_out,
        dropped=dict(sorted(dropped.items())),
        quarantined=len(tally.bad),
        counts=_counts(chain, tally),
        bytes_in=job.shard.bytes if job.reads else 0,
        seconds={
            "read": tally.seconds_reading,
            **chain.seconds,
            "write": tally.seconds_writing,
        },
        verdicts={name: encoders.verdicts.get(name, _UNJUDGED) for name in sorted(used)},
        outputs=outputs,
        quarantine=quarantine,
        steps=dict(_by_step(job, chain)),
        beside=job.looks_up,
    )


def _counts(chain: Chain, tally: _Tally) -> dict[str, int]:
    counts = Counter(chain.counts)
    counts.update({ADDED: tally.added} if tally.added else {})
    return dict(sorted({**counts, **tally.split}.items()))


def _by_step(job: _Job, chain: Chain) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the rows of each step of the stage, and what the barrier before it did to them."""
    where, start, tally = job.plan.spec.where, job.stage.start, job.tally
    if tally.dropped or tally.added:
        gone = {f"dropped.{reason}": count for reason, count in tally.dropped.items()}
        yield where(start - 1), {"rows_out": tally.added - tally.dropped.total(), **gone}
    for position, rows in enumerate(chain.rows, start):
        yield where(position), dict(sorted(rows.items()))


_UNJUDGED = Verdict("reference", False, 0, 0, "the gate was not asked")


def _rows(job: _Job) -> Iterator[pa.RecordBatch]:
    batches = _read_input(job) if job.reads else _read_stage(job)
    return _timed(job.tally, batches)


def _timed(tally: _Tally, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while True:
        began = time.perf_counter()
        batch = next(batches, None)
        tally.seconds_reading += time.perf_counter() - began
        if batch is None:
            return
        yield batch


def _read_input(job: _Job) -> Iterator[pa.RecordBatch]:
    shard = job.shard
    for found in rows_of(job.plan, shard, job.workspace.opener(shard.input)):
        job.tally.rows_in += found.records
        job.tally.bad.extend(found.bad)
        yield found.batch


def _read_stage(job: _Job) -> Iterator[pa.RecordBatch]:
    """Yield the rows that the barrier before lets through."""
    barrier, desk = barrier_behind(job.plan, job.stage.index - 1, job.workspace.scratch)
    for applied in barrier.rows(desk, job.unit):
        dropped = applied.dropped()
        job.tally.rows_in += applied.batch.num_rows - applied.added + sum(dropped.values())
        job.tally.added += applied.added
        job.tally.dropped.update(dropped)
        yield applied.batch


def _through(chain: Chain, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from chain.apply(batch)
    yield from chain.finish()


def _write(job: _Job, batches: Iterator[pa.RecordBatch]) -> tuple[tuple[FileEntry, ...], int]:
    """Write what the stage gives; return the files, if it is the last, and the number of rows."""
    if job.is_last:
        files = _write_parts(job, batches)
        return files, rows_in(files)
    return (), _write_stage(job, batches)


def _write_parts(job: _Job, batches: Iterator[pa.RecordBatch]) -> tuple[FileEntry, ...]:
    with ShardParts(job.plan, job.shard.index, job.workspace.output) as parts:
        for batch in batches:
            began = time.perf_counter()
            parts.write(batch)
            job.tally.seconds_writing += time.perf_counter() - began
        began = time.perf_counter()
        files, job.tally.split = parts.close()
        job.tally.seconds_writing += time.perf_counter() - began
    return files


def _write_stage(job: _Job, batches: Iterator[pa.RecordBatch]) -> int:
    """Leave the rows before the barrier; return how many they are."""
    barrier, desk = barrier_behind(job.plan, job.stage.index, job.workspace.scratch)
    rows = 0
    with barrier.leave(desk, job.unit) as leaving:
        for batch in batches:
            began = time.perf_counter()
            leaving.write(batch)
            job.tally.seconds_writing += time.perf_counter() - began
            rows += batch.num_rows
    return rows


def _write_quarantine(job: _Job) -> FileEntry | None:
    if not job.tally.bad:
        return None
    stem = quarantine_stem(job.shard.index)
    return write_quarantine(job.workspace.output, stem, job.tally.bad)


def run_reduce(plan: Plan, stage: int, task: int, workspace: Workspace) -> int:
    """Do one task of the barrier behind `stage`; return how many rows it found.

    Tasks are counted through all levels; each needs every shard and every task of the levels
    before its own. Memory: what the step says.
    """
    barrier, desk = barrier_behind(plan, stage, workspace.scratch)
    return barrier.work(desk, *plan.stages[stage].level_and_place(task))
