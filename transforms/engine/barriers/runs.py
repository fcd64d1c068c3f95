"""Runs: rows in order with their keys, in blocks, so that any stretch of them is read alone.

A unit leaves one run, or several where its rows are too many to be put in order in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.files import (
    batch_reader,
    batch_writer,
    read_batch,
    read_batches,
    write_batches,
)
from transforms.engine.sources import ByteSource

_BLOCK_BYTES = 128 * 1024
"""Bytes of rows in a block: a part reads little more than its own."""
_BLOCK_ROWS_KEY = b"block_rows"
_COUNTS = pa.schema([("rows", pa.int64())])


@dataclass(frozen=True, slots=True)
class Run:
    """Run `number` of a unit."""

    unit: int
    number: int
    rows: int


def write_run(desk: Desk, run: Run, rows: pa.RecordBatch, keys: pa.RecordBatch) -> None:
    size = max(1, run.rows * _BLOCK_BYTES // max(1, rows.nbytes))
    for key, batch in ((_rows_key(desk, run), rows), (_keys_key(desk, run), keys)):
        schema = batch.schema.with_metadata({_BLOCK_ROWS_KEY: str(size).encode()})
        with batch_writer(desk.scratch, key, schema, compress=True) as writer:
            for at in range(0, max(1, run.rows), size):
                writer.write_batch(batch.slice(at, size))


def _rows_key(desk: Desk, run: Run) -> str:
    return desk.notes_key(run.unit, f"rows-{run.number:03d}")


def _keys_key(desk: Desk, run: Run) -> str:
    return desk.notes_key(run.unit, f"keys-{run.number:03d}")


def note_runs(desk: Desk, unit: int, counts: list[int]) -> None:
    """Write how many rows each run of a unit has, when all are there."""
    batch = pa.RecordBatch.from_arrays([pa.array(counts, pa.int64())], schema=_COUNTS)
    write_batches(desk.scratch, desk.notes_key(unit, "runs"), _COUNTS, [batch])


def runs_left(desk: Desk) -> list[Run]:
    """Return the runs of all units, in the order of the rows that they were made from."""
    found: list[Run] = []
    for unit in range(desk.units):
        counts = read_batch(desk.scratch.source(desk.notes_key(unit, "runs")), 0).column(0)
        found += [Run(unit, at, rows) for at, rows in enumerate(counts.to_numpy().tolist())]
    return found


def keys_of_run(desk: Desk, run: Run) -> Iterator[pa.RecordBatch]:
    """Yield the keys of a run, block by block."""
    return read_batches(desk.scratch.source(_keys_key(desk, run)))


def stretch_of_run(
    desk: Desk, run: Run, start: int, end: int
) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
    """Return rows [start, end) of a run, and their keys; reads only the blocks they lie in."""
    if start == end:
        return [], []
    rows = desk.scratch.source(_rows_key(desk, run))
    keys = desk.scratch.source(_keys_key(desk, run))
    return list(_stretch(rows, start, end)), list(_stretch(keys, start, end))


def _stretch(source: ByteSource, start: int, end: int) -> Iterator[pa.RecordBatch]:
    with batch_reader(source) as reader:
        size = int((reader.schema.metadata or {})[_BLOCK_ROWS_KEY])
        for block in range(start // size, -(-end // size)):
            first = max(start - block * size, 0)
            yield reader.get_batch(block).slice(first, min(end - block * size, size) - first)
