"""The work of one shard: plain functions that a queue, a pool or a cluster may call.

`run_map_shard` does one stage of one shard; `run_reduce` does one hash partition behind a stage
that ends with a global step. Both may be killed and done again at any time: their objects appear
whole or not at all, and hold the same bytes each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from core.errors import IntegrityBroken
from core.manifest import FileEntry
from transforms.engine import dedup
from transforms.engine.arrow import file_of
from transforms.engine.chain import Chain
from transforms.engine.encoders import Encoders, Verdict
from transforms.engine.operators.base import keep_rows
from transforms.engine.operators.dedup_exact import HASH_BYTES, REASON
from transforms.engine.operators.tokenise import ParityLost
from transforms.engine.parts import ShardParts, rows_in
from transforms.engine.plan import Plan, Shard, Stage
from transforms.engine.readers import BadRow, read
from transforms.engine.result import ShardResult
from transforms.engine.sources import RangedFile, Workspace
from transforms.engine.writing.quarantine import write_quarantine


def quarantine_stem(shard: int) -> str:
    """Return the key of a quarantine without its ending."""
    return f"quarantine/part-{shard:05d}"


def rows_key(stage: int, shard: int) -> str:
    return f"stage-{stage}/shard-{shard:05d}.rows.arrow"


def keys_key(stage: int, shard: int) -> str:
    return f"stage-{stage}/shard-{shard:05d}.keys.arrow"


def duplicates_key(stage: int, partition: int) -> str:
    return f"stage-{stage}/duplicates-{partition:05d}.arrow"


@dataclass(frozen=True)
class _Job:
    plan: Plan
    stage: Stage
    shard: Shard
    workspace: Workspace
    tally: _Tally

    @property
    def is_last(self) -> bool:
        return self.stage.index == len(self.plan.stages) - 1


@dataclass
class _Tally:
    """What is counted beside the chain."""

    rows_in: int = 0
    dropped: int = 0
    split: dict[str, int] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    seconds_reading: float = 0.0
    seconds_writing: float = 0.0


def run_map_shard(
    plan: Plan, stage: int, shard: int, workspace: Workspace, encoders: Encoders
) -> ShardResult:
    """Do stage `stage` of shard `shard` and return its report.

    Stage 0 reads the input and writes the quarantine; the last stage writes the part; a stage
    before a barrier writes its rows and their keys to the scratch place. Later stages need every
    shard and every reducer of the stage before. Memory: a few batches and one row group; behind
    and before a barrier, the rows of the shard and 16 bytes a row.

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
    job = _Job(plan, plan.stages[stage], plan.shards[shard], workspace, _Tally())
    steps = plan.spec.steps[job.stage.start : job.stage.end]
    chain = Chain(steps, encoders)
    outputs, rows_out = _write(job, _through(chain, _rows(job)))
    quarantine = _write_quarantine(job)
    tally = job.tally
    dropped = dict(chain.dropped)
    if tally.dropped:
        dropped[REASON] = dropped.get(REASON, 0) + tally.dropped
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
        counts=dict(sorted({**chain.counts, **tally.split}.items())),
        bytes_in=job.shard.bytes if stage == 0 else 0,
        seconds={
            "read": tally.seconds_reading,
            **chain.seconds,
            "write": tally.seconds_writing,
        },
        verdicts={name: encoders.verdicts.get(name, _UNJUDGED) for name in sorted(used)},
        outputs=outputs,
        quarantine=quarantine,
    )


_UNJUDGED = Verdict("reference", False, 0, 0, "the gate was not asked")


def _rows(job: _Job) -> Iterator[pa.RecordBatch]:
    batches = _read_input(job) if job.stage.index == 0 else _read_stage(job)
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
    for piece in job.shard.pieces:
        source = job.workspace.open_input(piece.path)
        for found in read(piece, source, job.plan.schemas[0]):
            job.tally.rows_in += found.records
            job.tally.bad.extend(found.bad)
            yield found.batch


def _read_stage(job: _Job) -> Iterator[pa.RecordBatch]:
    """Yield the rows that the stage before left, without those that its reducers named."""
    before, scratch, shard = job.stage.index - 1, job.workspace.scratch, job.shard.index
    source = scratch.source(rows_key(before, shard))
    found = [scratch.source(duplicates_key(before, each)) for each in range(job.plan.partitions)]
    with pa.ipc.open_file(pa.PythonFile(RangedFile(source), mode="r")) as reader:
        batches = [reader.get_batch(at) for at in range(reader.num_record_batches)]
    total = sum(batch.num_rows for batch in batches)
    duplicate = dedup.read_duplicates(found, shard, total)
    at = 0
    for batch in batches:
        failed = np.where(duplicate[at : at + batch.num_rows], 0, -1)
        at += batch.num_rows
        kept = keep_rows(batch, failed, (REASON,)).batch
        job.tally.rows_in += batch.num_rows
        job.tally.dropped += batch.num_rows - kept.num_rows
        yield kept


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
    """Write the rows, then their keys; return the number of rows."""
    stage, shard = job.stage.index, job.shard.index
    step = job.plan.dedup(job.stage)
    if step is None:
        raise IntegrityBroken(f"Stage {stage} ends without a global step.")
    schema = job.plan.schemas[job.stage.end]
    hashes = [np.zeros((0, HASH_BYTES), np.uint8)]
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with ExitStack() as stack:
        stream = stack.enter_context(job.workspace.scratch.create(rows_key(stage, shard)))
        writer = stack.enter_context(pa.ipc.new_file(file_of(stream), schema, options=options))
        for batch in batches:
            hashes.append(step.keys(batch))
            began = time.perf_counter()
            writer.write_batch(batch)
            job.tally.seconds_writing += time.perf_counter() - began
    whole = np.concatenate(hashes)
    with job.workspace.scratch.create(keys_key(stage, shard)) as stream:
        dedup.write_keys(stream, whole, job.plan.partitions)
    return len(whole)


def _write_quarantine(job: _Job) -> FileEntry | None:
    if not job.tally.bad:
        return None
    stem = quarantine_stem(job.shard.index)
    return write_quarantine(job.workspace.output, stem, job.tally.bad)


def run_reduce(plan: Plan, stage: int, partition: int, workspace: Workspace) -> int:
    """Find the duplicates of one hash partition behind `stage`; return how many there are.

    Needs the keys of every shard. Memory: about 60 bytes for each row of the partition; a plan
    makes as many partitions as keep this near 300 MB for rows of 100 bytes.
    """
    keys = [
        dedup.read_keys(workspace.scratch.source(keys_key(stage, shard.index)), partition)
        for shard in plan.shards
    ]
    found = dedup.duplicates(keys)
    with workspace.scratch.create(duplicates_key(stage, partition)) as stream:
        dedup.write_duplicates(stream, found)
    return sum(len(rows) for rows in found)
