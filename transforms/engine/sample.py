"""A sample of a run: what becomes of the first rows, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core import cells
from core.cells import Row
from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import Barrier
from transforms.engine.encoders import Encoders
from transforms.engine.intake import rows_of
from transforms.engine.operators.base import Applied, Operator, Scope
from transforms.engine.plan import Plan, Shard
from transforms.engine.readers import BadRow, Read
from transforms.engine.sources import Openers

BESIDE_BYTES = 256 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


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


def sample(plan: Plan, opener: Openers, encoders: Encoders, rows: int = 20) -> Sample:
    """Run the first `rows` rows of the inputs through `plan`, without writing anything.

    Duplicates are found among the sampled rows only, and what is looked up in another input is
    looked for in its first BESIDE_BYTES.
    """
    before, bad = _first_rows(plan, opener, rows)
    alive = np.arange(before.num_rows)
    fate: dict[int, str] = {}
    batch, traced = before, before
    apart = True
    for position, step in enumerate(plan.spec.steps):
        apart = apart and step.SCOPE not in (Scope.SHARD, Scope.ROWS)
        if isinstance(step, Barrier):
            applied, order = step.alone(batch, _looked_up(plan, step, opener))
            apart = apart and not applied.added
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
    after = dict(zip(alive.tolist(), cells.rows_of(traced), strict=True))
    return Sample(
        rows=tuple(
            SampledRow(row, after.get(at), fate.get(at))
            for at, row in enumerate(cells.rows_of(before))
        ),
        output=tuple(cells.rows_of(batch.slice(0, rows))),
        quarantined=bad,
    )


def _first_rows(
    plan: Plan, opener: Openers, rows: int
) -> tuple[pa.RecordBatch, tuple[BadRow, ...]]:
    """Return the first rows, as many of each input as of the others, and the bad ones before."""
    batches: list[pa.RecordBatch] = []
    bad: list[BadRow] = []
    inputs = list(dict.fromkeys(shard.input for shard in plan.shards))
    for place, number in enumerate(inputs):
        left = (place + 1) * rows // len(inputs) - place * rows // len(inputs)
        for found in _read(plan, plan.shards, number, opener):
            if left <= 0:
                break
            batches.append(found.batch.slice(0, left))
            bad.extend(found.bad)
            left -= batches[-1].num_rows
    return _joined(batches, plan.schemas[0]), tuple(bad)


def _looked_up(plan: Plan, step: Barrier, opener: Openers) -> Iterator[pa.RecordBatch]:
    number, left = step.looks_up(), BESIDE_BYTES
    if number is None:
        return
    for found in _read(plan, plan.beside, number, opener):
        yield found.batch
        left -= found.batch.nbytes
        if left <= 0:
            return


def _read(plan: Plan, shards: Sequence[Shard], number: int, opener: Openers) -> Iterator[Read]:
    for shard in shards:
        if shard.input == number:
            yield from rows_of(plan, shard, opener(number), _PIECE_BYTES)


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
