"""Steps that exchange: the rows of all shards come into one order, and are divided anew.

Each shard leaves its rows in that order, with their keys, as one run or several. One task reads all
keys, chooses where to cut the order into even parts, and says which rows of each run lie in which
part. A unit of the next stage takes its part of every run and merges them.

Rows with equal keys stay in the order of (shard, row), and this order cuts among them too, so that
parts are even whatever the keys.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import PARTITION_BYTES, Barrier, Desk, Leaving
from transforms.engine.barriers.files import read_batches, write_batches
from transforms.engine.barriers.runs import (
    Run,
    keys_of_run,
    note_runs,
    runs_left,
    stretch_of_run,
    write_run,
)
from transforms.engine.operators.base import Applied

Direction = Literal["ascending", "descending"]
SortKeys = Sequence[tuple[str, Direction]]
Places = npt.NDArray[np.int64]
RUN_BYTES = 256 * 1024 * 1024
"""Rows that are put in order in memory together."""
_PART_BYTES = 64 * 1024 * 1024
_MOST_PARTS = 256
_SAMPLES_A_PART = 256
_BATCH_ROWS = 8192
_CUTS = pa.schema([("row", pa.int64())])


def parts_for(units: int, total_bytes: int) -> int:
    """Return as many parts as there are shards.

    More where shards are large, and at most _MOST_PARTS until parts are PARTITION_BYTES large.
    """
    wanted = max(units, 1 + total_bytes // _PART_BYTES)
    return min(wanted, max(_MOST_PARTS, 1 + total_bytes // PARTITION_BYTES))


class Exchanging(Barrier):
    """Base of the steps that move rows.

    Memory: twice RUN_BYTES, or the rows of a part twice.
    """

    EXCHANGES: ClassVar[bool] = True

    @abstractmethod
    def sort_keys(self, schema: pa.Schema) -> SortKeys:
        """Return the columns of `keys` by which rows are put in order, with nulls last."""

    @abstractmethod
    def keys(self, batch: pa.RecordBatch, unit: int, first_row: int) -> pa.RecordBatch:
        """Return the keys of the rows of `batch`, of which the first is `first_row` of `unit`."""

    def partitions(self, units: int, total_bytes: int) -> int:
        return parts_for(units, total_bytes)

    def levels(self, partitions: int) -> tuple[int, ...]:
        return (1,)

    def units_behind(self, units: int, partitions: int) -> int:
        return partitions

    @contextmanager
    def leave(self, desk: Desk, unit: int) -> Iterator[Leaving]:
        held = _Held(self, desk, unit)
        yield held
        held.end()

    def order(self, keys: pa.RecordBatch, schema: pa.Schema) -> Places:
        """Return the rows of `keys` in their order; equal ones stay as they are."""
        return pc.sort_indices(keys, list(self.sort_keys(schema))).to_numpy().astype(np.int64)

    def work(self, desk: Desk, level: int, task: int) -> int:
        """Write the cuts of each run: where each part begins, and the end.

        Memory: the keys of one run, and 256 keys for each part.
        """
        runs = runs_left(desk)
        total = sum(run.rows for run in runs)
        splitters = self._splitters(desk, runs, total)
        cuts = (self._cut(desk, runs, number, splitters) for number in range(len(runs)))
        batches = (pa.RecordBatch.from_arrays([pa.array(each)], schema=_CUTS) for each in cuts)
        write_batches(desk.scratch, desk.found_key(0, 0), _CUTS, batches)
        return total

    def _splitters(self, desk: Desk, runs: Sequence[Run], total: int) -> _Splitters:
        """Return the first row of each part but the first, chosen from evenly spaced rows."""
        stride = max(1, total // (desk.partitions * _SAMPLES_A_PART))
        sampled, numbers, places = [], [], []
        for number, run in enumerate(runs):
            start = 0
            for keys in keys_of_run(desk, run):
                taken = np.arange(-start % stride, len(keys), stride)
                sampled.append(keys.take(taken))
                numbers.append(np.full(len(taken), number))
                places.append(start + taken)
                start += len(keys)
        joined = concat_batches(sampled)
        order = self.order(joined, desk.schema)
        wanted = np.arange(1, desk.partitions) * len(order) // desk.partitions
        chosen = order[wanted] if len(order) else order
        return _Splitters(
            joined.take(chosen),
            np.concatenate(numbers)[chosen],
            np.concatenate(places)[chosen],
        )

    def _cut(self, desk: Desk, runs: Sequence[Run], number: int, splitters: _Splitters) -> Places:
        """Return where the parts begin among the rows of a run, and where the last one ends."""
        keys = concat_batches(list(keys_of_run(desk, runs[number])))
        earlier, own = splitters.runs < number, splitters.runs == number
        before = int(earlier.sum())
        among = [
            splitters.keys.filter(pa.array(earlier)),
            keys,
            splitters.keys.filter(pa.array(~earlier)),
        ]
        order = self.order(concat_batches(among), desk.schema)
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
        cuts = read_batches(desk.scratch.source(desk.found_key(0, 0)))
        for run, found in zip(runs_left(desk), cuts, strict=True):
            start, end = found.column(0).slice(unit, 2).to_numpy().tolist()
            more_rows, more_keys = stretch_of_run(desk, run, start, end)
            rows += more_rows
            keys += more_keys
        if not rows:
            return
        joined = pa.RecordBatch.from_arrays(concat_batches(rows).columns, schema=desk.schema)
        order = self.order(concat_batches(keys), desk.schema)
        for at in range(0, len(order), _BATCH_ROWS):
            yield Applied(joined.take(order[at : at + _BATCH_ROWS]))

    def alone(
        self, batch: pa.RecordBatch, beside: Iterable[pa.RecordBatch] = ()
    ) -> tuple[Applied, Places]:
        order = self.order(self.keys(batch, 0, 0), batch.schema)
        return Applied(batch.take(order)), order


@dataclass(frozen=True, slots=True)
class _Splitters:
    """The first row of each part but the first: its key, its run, its place in the run."""

    keys: pa.RecordBatch
    runs: Places
    places: Places


@dataclass
class _Held:
    """Holds rows of a unit and their keys until they make a run."""

    step: Exchanging
    desk: Desk
    unit: int
    batches: list[pa.RecordBatch] = field(default_factory=list)
    keys: list[pa.RecordBatch] = field(default_factory=list)
    bytes: int = 0
    rows: int = 0
    counts: list[int] = field(default_factory=list)

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.keys.append(self.step.keys(batch, self.unit, self.rows))
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        if self.bytes >= RUN_BYTES:
            self._write_run()

    def _write_run(self) -> None:
        rows, keys = concat_batches(self.batches), concat_batches(self.keys)
        self.batches, self.keys, self.bytes = [], [], 0
        order = self.step.order(keys, self.desk.schema)
        run = Run(self.unit, len(self.counts), len(order))
        write_run(self.desk, run, rows.take(order), keys.take(order))
        self.counts.append(run.rows)

    def end(self) -> None:
        """Write the last run, and how many there are."""
        if not self.counts and not self.batches:
            self.write(pa.RecordBatch.from_pylist([], self.desk.schema))
        if self.batches:
            self._write_run()
        note_runs(self.desk, self.unit, self.counts)
