"""Steps that judge: rows stay where they are, and some are dropped for what others hold.

Each shard leaves its rows, their keys by hash partition, and notes in row order if the step makes
any. The tasks of the last level answer, shard by shard, which rows to drop.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import PARTITION_BYTES, Barrier, Desk, Leaving
from transforms.engine.barriers.dividing import by_partition
from transforms.engine.barriers.files import batch_writer, read_batch, read_batches, write_batches
from transforms.engine.operators.base import Applied, keep_rows
from transforms.engine.row_hashes import Heads
from transforms.engine.sources import MemoryFolder

Rows = npt.NDArray[np.uint32]
_NAMED = pa.schema([("row", pa.uint32())])
_MOST_PARTITIONS = 4096


@dataclass(frozen=True, slots=True)
class Look:
    """What a step notes of a batch."""

    heads: Heads
    keys: pa.RecordBatch
    """With the row of each key, ascending."""
    notes: Mapping[str, pa.RecordBatch] = field(default_factory=dict)
    """By kind, with a row for each row."""


class Judging(Barrier):
    """Base of the steps that drop rows because of other rows."""

    EXCHANGES: ClassVar[bool] = False
    REASON: ClassVar[str]
    KEY_BYTES: ClassVar[int] = PARTITION_BYTES
    """Input bytes for each partition of the keys."""

    @abstractmethod
    def key_schema(self) -> pa.Schema: ...

    def note_schemas(self) -> Mapping[str, pa.Schema]:
        """Return the kinds of notes and their schemas; none where the keys say enough."""
        return {}

    @abstractmethod
    def look(self, batch: pa.RecordBatch, first_row: int) -> Look:
        """Return the keys of `batch`, whose rows are counted from `first_row`."""

    def partitions(self, units: int, total_bytes: int) -> int:
        return min(_MOST_PARTITIONS, 1 + total_bytes // self.KEY_BYTES)

    def levels(self, partitions: int) -> tuple[int, ...]:
        return (partitions,)

    def units_behind(self, units: int, partitions: int) -> int:
        return units

    @contextmanager
    def leave(self, desk: Desk, unit: int) -> Iterator[Leaving]:
        looks: list[Look] = []
        with batch_writer(desk.scratch, desk.rows_key(unit), desk.schema, compress=True) as writer:
            yield _Noting(self, writer, looks)
        for kind, schema in self.note_schemas().items():
            notes = (look.notes[kind] for look in looks)
            write_batches(desk.scratch, desk.notes_key(unit, kind), schema, notes)
        keys = divided(looks, self.key_schema(), desk.partitions)
        write_batches(desk.scratch, desk.keys_key(unit), self.key_schema(), keys)

    def rows(self, desk: Desk, unit: int) -> Iterator[Applied]:
        dropped = self._dropped(desk, unit)
        start = 0
        for batch in read_batches(desk.scratch.source(desk.rows_key(unit))):
            first, last = np.searchsorted(dropped, [start, start + batch.num_rows])
            failed = np.full(batch.num_rows, -1)
            failed[dropped[first:last].astype(np.int64) - start] = 0
            yield keep_rows(batch, failed, (self.REASON,))
            start += batch.num_rows

    def _dropped(self, desk: Desk, unit: int) -> Rows:
        """Return the rows of `unit` that any task of the last level named."""
        levels = self.levels(desk.partitions)
        return rows_named(desk, len(levels) - 1, levels[-1], unit)

    def alone(
        self, batch: pa.RecordBatch, beside: Iterable[pa.RecordBatch] = ()
    ) -> tuple[Applied, npt.NDArray[np.int64]]:
        digest = sha256(batch.serialize()).hexdigest()
        desk = Desk(MemoryFolder(), 0, batch.schema, units=1, partitions=1, run_digest=digest)
        with self.leave(desk, 0) as leaving:
            leaving.write(batch)
        for level, tasks in enumerate(self.levels(1)):
            for task in range(tasks):
                self.work(desk, level, task)
        (applied,) = self.rows(desk, 0)
        return applied, np.arange(batch.num_rows)


@dataclass
class _Noting:
    """Writes the rows of a unit and keeps what the step notes of them."""

    step: Judging
    writer: pa.RecordBatchFileWriter
    looks: list[Look]
    rows: int = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.looks.append(self.step.look(batch, self.rows))
        self.writer.write_batch(batch)
        self.rows += batch.num_rows


def divided(looks: Sequence[Look], schema: pa.Schema, partitions: int) -> Iterator[pa.RecordBatch]:
    """Yield the keys of each partition, in the order they came."""
    if not looks:
        empty = pa.RecordBatch.from_pylist([], schema)
        yield from [empty] * partitions
        return
    keys = concat_batches([look.keys for look in looks])
    yield from by_partition(keys, np.concatenate([look.heads for look in looks]), partitions)


def name_rows(desk: Desk, level: int, task: int, rows: Sequence[Rows]) -> int:
    """Write rows of each unit, in a last level those to drop; return how many they are."""
    batches = (pa.RecordBatch.from_arrays([pa.array(each)], schema=_NAMED) for each in rows)
    write_batches(desk.scratch, desk.found_key(level, task), _NAMED, batches)
    return sum(len(each) for each in rows)


def rows_named(desk: Desk, level: int, tasks: int, unit: int) -> Rows:
    """Return the rows of `unit` that any task of a level named, ascending."""
    sources = [desk.scratch.source(desk.found_key(level, task)) for task in range(tasks)]
    named = [read_batch(source, unit).column(0).to_numpy() for source in sources]
    return cast("Rows", np.unique(np.concatenate(named)))


def keys_of(desk: Desk, partition: int) -> Iterator[pa.RecordBatch]:
    """Yield the keys of one partition, unit by unit."""
    for unit in range(desk.units):
        yield read_batch(desk.scratch.source(desk.keys_key(unit)), partition)
