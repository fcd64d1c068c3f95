"""A sample of a run: what becomes of the first rows, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import Barrier
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Applied, Operator, Scope
from transforms.engine.plan import Plan
from transforms.engine.readers import BadRow, read
from transforms.engine.sources import OpenInput

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class SampledRow:
    """A row before the first step, and before any step that regroups rows or makes more of them.

    `after` is None for a dropped row; `dropped_by` then names the step and the reason.
    """

    before: Row
    after: Row | None
    dropped_by: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    rows: tuple[SampledRow, ...]
    output: tuple[Row, ...]
    """The first rows that the pipeline would write for these rows alone."""
    quarantined: tuple[BadRow, ...]


def sample(plan: Plan, open_input: OpenInput, encoders: Encoders, rows: int = 20) -> Sample:
    """Run the first `rows` rows of the input through `plan`, without writing anything.

    Duplicates are found among the sampled rows only.
    """
    before, bad = _first_rows(plan, open_input, rows)
    alive = np.arange(before.num_rows)
    fate: dict[int, str] = {}
    batch, traced = before, before
    apart = True
    for position, step in enumerate(plan.spec.steps):
        apart = apart and step.SCOPE not in (Scope.SHARD, Scope.ROWS)
        if isinstance(step, Barrier):
            applied, order = step.alone(batch)
            alive = alive[order] if apart else alive
        else:
            applied = _apply(step, batch, encoders)
        if applied.reasons is not None and apart:
            reasons = applied.reasons.to_pylist()
            for row, reason in zip(alive.tolist(), reasons, strict=True):
                if reason is not None:
                    fate[row] = f"{plan.spec.where(position)}: {reason}"
            alive = alive[applied.reasons.is_null().to_numpy(zero_copy_only=False)]
        batch = applied.batch
        traced = batch if apart else traced
    after = dict(zip(alive.tolist(), traced.to_pylist(), strict=True))
    return Sample(
        rows=tuple(
            SampledRow(row, after.get(at), fate.get(at))
            for at, row in enumerate(before.to_pylist())
        ),
        output=tuple(batch.slice(0, rows).to_pylist()),
        quarantined=bad,
    )


def _first_rows(
    plan: Plan, open_input: OpenInput, rows: int
) -> tuple[pa.RecordBatch, tuple[BadRow, ...]]:
    batches: list[pa.RecordBatch] = []
    bad: list[BadRow] = []
    left = rows
    for piece in (piece for shard in plan.shards for piece in shard.pieces):
        for found in read(piece, open_input(piece.path), plan.schemas[0], 64 * 1024):
            batches.append(found.batch.slice(0, left))
            bad.extend(found.bad)
            left -= batches[-1].num_rows
            if left <= 0:
                return _joined(batches, plan.schemas[0]), tuple(bad)
    return _joined(batches, plan.schemas[0]), tuple(bad)


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    filled = [batch for batch in batches if batch.num_rows]
    return concat_batches(filled) if filled else pa.RecordBatch.from_pylist([], schema)


def _apply(step: Operator, batch: pa.RecordBatch, encoders: Encoders) -> Applied:
    running = step.start(encoders)
    applied = running.apply(batch)
    rest = running.finish()
    if rest is None:
        return applied
    return Applied(concat_batches([applied.batch, rest.batch]), applied.reasons)
