"""Steps that exchange: the rows of all shards come into one order, and are divided anew.

Each shard leaves its rows in that order, with their keys. One task reads all keys, chooses where
to cut the order into even parts, and says which rows of each shard lie in which part. A unit of
the next stage takes its part of every shard and merges them.

Rows with equal keys stay in the order of (shard, row), and this order cuts among them too, so that
parts are even whatever the keys.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import PARTITION_BYTES, Barrier, Desk, Leaving
from transforms.engine.barriers.files import (
    batch_reader,
    batch_writer,
    read_batch,
    read_batches,
    write_batches,
)
from transforms.engine.operators.base import Applied
from transforms.engine.sources import ByteSource

Direction = Literal["ascending", "descending"]
SortKeys = Sequence[tuple[str, Direction]]
Places = npt.NDArray[np.int64]
_MOST_PARTS = 256
_SAMPLES_A_PART = 256
_BLOCK_BYTES = 128 * 1024
"""Bytes in a batch of the rows that a shard leaves: a part reads little more than its own."""
_BATCH_ROWS = 8192
_BATCH_ROWS_KEY = b"batch_rows"
_CUTS = pa.schema([("row", pa.int64())])


class Exchanging(Barrier):
    """Base of the steps that move rows.

    Memory: the rows of a shard, or those of a part, twice.
    """

    EXCHANGES: ClassVar[bool] = True

    @abstractmethod
    def sort_keys(self, schema: pa.Schema) -> SortKeys:
        """Return the columns of `keys` by which rows are put in order, with nulls last."""

    @abstractmethod
    def keys(self, batch: pa.RecordBatch, unit: int, first_row: int) -> pa.RecordBatch:
        """Return the keys of the rows of `batch`, of which the first is `first_row` of `unit`."""

    def partitions(self, units: int, total_bytes: int) -> int:
        """Return as many parts as there are shards, less where so many would be tiny files."""
        return min(units, max(_MOST_PARTS, 1 + total_bytes // PARTITION_BYTES))

    def levels(self, partitions: int) -> tuple[int, ...]:
        return (1,)

    def units_behind(self, units: int, partitions: int) -> int:
        return partitions

    @contextmanager
    def leave(self, desk: Desk, unit: int) -> Iterator[Leaving]:
        held = _Held(self, desk.schema, unit)
        yield held
        rows, keys = held.joined()
        order = self._order(keys, desk.schema)
        size = max(1, len(order) * _BLOCK_BYTES // max(1, rows.nbytes))
        _write_blocks(desk, desk.rows_key(unit), rows.take(order), size)
        _write_blocks(desk, desk.keys_key(unit), keys.take(order), size)

    def _order(self, keys: pa.RecordBatch, schema: pa.Schema) -> Places:
        """Return the rows of `keys` in their order; equal ones stay as they are."""
        return pc.sort_indices(keys, list(self.sort_keys(schema))).to_numpy().astype(np.int64)

    def work(self, desk: Desk, level: int, task: int) -> int:
        """Write the cuts of each unit: where each part begins, and the end.

        Memory: the keys of one unit, and 256 keys for each part.
        """
        counts = [sum(len(keys) for keys in _keys_left(desk, at)) for at in range(desk.units)]
        splitters = self._splitters(desk, sum(counts))
        cuts = (
            pa.RecordBatch.from_arrays([pa.array(self._cut(desk, unit, splitters))], schema=_CUTS)
            for unit in range(desk.units)
        )
        write_batches(desk.scratch, desk.found_key(0, 0), _CUTS, cuts)
        return sum(counts)

    def _splitters(self, desk: Desk, total: int) -> _Splitters:
        """Return the first row of each part but the first, chosen from evenly spaced rows."""
        stride = max(1, total // (desk.partitions * _SAMPLES_A_PART))
        sampled, units, places = [], [], []
        for unit in range(desk.units):
            start = 0
            for keys in _keys_left(desk, unit):
                taken = np.arange(-start % stride, len(keys), stride)
                sampled.append(keys.take(taken))
                units.append(np.full(len(taken), unit))
                places.append(start + taken)
                start += len(keys)
        joined = concat_batches(sampled)
        order = self._order(joined, desk.schema)
        wanted = np.arange(1, desk.partitions) * len(order) // desk.partitions
        chosen = order[wanted] if len(order) else order
        return _Splitters(
            joined.take(chosen),
            np.concatenate(units)[chosen],
            np.concatenate(places)[chosen],
        )

    def _cut(self, desk: Desk, unit: int, splitters: _Splitters) -> Places:
        """Return where the parts begin among the rows of `unit`, and where the last one ends."""
        keys = concat_batches(list(_keys_left(desk, unit)))
        before = int((splitters.units < unit).sum())
        earlier, later = splitters.units < unit, splitters.units >= unit
        own = splitters.units == unit
        among = [
            splitters.keys.filter(pa.array(earlier)),
            keys,
            splitters.keys.filter(pa.array(later)),
        ]
        order = self._order(concat_batches(among), desk.schema)
        is_row = (order >= before) & (order < before + len(keys))
        rows_before = np.cumsum(is_row)[~is_row]
        found = np.full(desk.partitions + 1, len(keys))
        found[0] = 0
        found[1 : 1 + len(rows_before)] = rows_before
        found[1 : 1 + len(own)][own] = splitters.places[own]
        return found

    def rows(self, desk: Desk, unit: int) -> Iterator[Applied]:
        rows: list[pa.RecordBatch] = []
        keys: list[pa.RecordBatch] = []
        found = desk.scratch.source(desk.found_key(0, 0))
        for left in range(desk.units):
            cuts = read_batch(found, left).column(0).to_numpy()
            start, end = int(cuts[unit]), int(cuts[unit + 1])
            rows += _slice(desk.scratch.source(desk.rows_key(left)), start, end)
            keys += _slice(desk.scratch.source(desk.keys_key(left)), start, end)
        if not rows:
            return
        joined = pa.RecordBatch.from_arrays(concat_batches(rows).columns, schema=desk.schema)
        order = self._order(concat_batches(keys), desk.schema)
        for at in range(0, len(order), _BATCH_ROWS):
            yield Applied(joined.take(order[at : at + _BATCH_ROWS]))

    def alone(self, batch: pa.RecordBatch) -> tuple[Applied, Places]:
        order = self._order(self.keys(batch, 0, 0), batch.schema)
        return Applied(batch.take(order)), order


@dataclass(frozen=True, slots=True)
class _Splitters:
    """The first row of each part but the first: its key, its unit, its place in the unit."""

    keys: pa.RecordBatch
    units: Places
    places: Places


@dataclass
class _Held:
    """Keeps the rows of a unit and their keys."""

    step: Exchanging
    schema: pa.Schema
    unit: int
    batches: list[pa.RecordBatch] = field(default_factory=list)
    keys: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.keys.append(self.step.keys(batch, self.unit, self.rows))
        self.rows += batch.num_rows

    def joined(self) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        if not self.batches:
            self.write(pa.RecordBatch.from_pylist([], self.schema))
        return concat_batches(self.batches), concat_batches(self.keys)


def _keys_left(desk: Desk, unit: int) -> Iterator[pa.RecordBatch]:
    return read_batches(desk.scratch.source(desk.keys_key(unit)))


def _write_blocks(desk: Desk, key: str, rows: pa.RecordBatch, size: int) -> None:
    schema = rows.schema.with_metadata({_BATCH_ROWS_KEY: str(size).encode()})
    with batch_writer(desk.scratch, key, schema, compress=True) as writer:
        for at in range(0, max(1, rows.num_rows), size):
            writer.write_batch(rows.slice(at, size))


def _slice(source: ByteSource, start: int, end: int) -> Iterator[pa.RecordBatch]:
    """Yield rows [start, end) of a file of blocks; reads only the blocks that they lie in."""
    if start == end:
        return
    with batch_reader(source) as reader:
        size = int((reader.schema.metadata or {})[_BATCH_ROWS_KEY])
        for block in range(start // size, -(-end // size)):
            first = max(start - block * size, 0)
            yield reader.get_batch(block).slice(first, min(end - block * size, size) - first)
