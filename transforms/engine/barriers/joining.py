"""Steps that look up another input: rows of both sides with equal keys come into one part.

The shards of the other input are units of the stage that the step ends, beside those that bring
its rows. Every unit divides its rows by the hash of their keys; a unit of the next stage takes its
part of both sides, where every row meets all that it can match.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import concat_batches
from transforms.engine.barriers.base import Barrier, Desk, Leaving
from transforms.engine.barriers.dividing import by_partition
from transforms.engine.barriers.exchanging import RUN_BYTES, parts_for
from transforms.engine.barriers.files import batch_writer, read_batch
from transforms.engine.barriers.runs import Run, note_runs, runs_left
from transforms.engine.operators.base import (
    Applied,
)
from transforms.engine.row_hashes import Heads


@dataclass(frozen=True)
class Beside:
    """The input that a step looks up, once it is known."""

    input: int
    schema: pa.Schema
    """Of its rows, with the columns that mark them."""
    marks: tuple[str, ...] = ()


class Joining(Barrier):
    """Base of the steps that look up another input.

    Memory: twice RUN_BYTES, or the rows of a part of both sides and what they give. A key that
    stands in very many rows is in one part with all of them.
    """

    EXCHANGES: ClassVar[bool] = True

    @property
    @abstractmethod
    def other(self) -> Beside:
        """Return what is looked up."""

    @abstractmethod
    def heads(self, batch: pa.RecordBatch, theirs: bool) -> Heads:
        """Return the heads of the hashes of the rows' keys: equal for keys of both sides."""

    @abstractmethod
    def joined(self, mine: pa.RecordBatch, theirs: pa.RecordBatch) -> Iterator[Applied]:
        """Yield what becomes of the rows of a part: `mine` and all of `theirs` they can match."""

    def looks_up(self) -> int | None:
        return self.other.input

    def partitions(self, units: int, total_bytes: int) -> int:
        return parts_for(units, total_bytes)

    def levels(self, partitions: int) -> tuple[int, ...]:
        return ()

    def units_behind(self, units: int, partitions: int) -> int:
        return partitions

    @contextmanager
    def leave(self, desk: Desk, unit: int) -> Iterator[Leaving]:
        theirs = _is_theirs(desk, unit)
        divider = _Divider(self, desk, unit, self.other.schema if theirs else desk.schema, theirs)
        yield divider
        divider.end()

    def work(self, desk: Desk, level: int, task: int) -> int:
        raise IndexError(f"{self.NAME} has no tasks.")

    def rows(self, desk: Desk, unit: int) -> Iterator[Applied]:
        mine = [pa.RecordBatch.from_pylist([], desk.schema)]
        theirs = [pa.RecordBatch.from_pylist([], self.other.schema)]
        for run in runs_left(desk):
            side = theirs if _is_theirs(desk, run.unit) else mine
            side.append(read_batch(desk.scratch.source(_key(desk, run)), unit))
        yield from self.joined(concat_batches(mine), concat_batches(theirs))

    def alone(
        self, batch: pa.RecordBatch, beside: Iterable[pa.RecordBatch] = ()
    ) -> tuple[Applied, npt.NDArray[np.int64]]:
        heads = self.heads(batch, theirs=False)
        met = [pa.RecordBatch.from_pylist([], self.other.schema)]
        for rows in beside:
            met.append(rows.filter(pa.array(np.isin(self.heads(rows, theirs=True), heads))))
        return self.matched(batch, concat_batches(met)), np.arange(batch.num_rows)

    @abstractmethod
    def matched(self, mine: pa.RecordBatch, theirs: pa.RecordBatch) -> Applied:
        """Return what `joined` yields as one, with the reason of each row that is dropped."""


def _is_theirs(desk: Desk, unit: int) -> bool:
    return unit >= desk.units - desk.beside


def _key(desk: Desk, run: Run) -> str:
    return desk.notes_key(run.unit, f"parts-{run.number:03d}")


@dataclass
class _Divider:
    """Holds rows of a unit until they are worth writing, then writes each part of them."""

    step: Joining
    desk: Desk
    unit: int
    schema: pa.Schema
    theirs: bool
    batches: list[pa.RecordBatch] = field(default_factory=list)
    bytes: int = 0
    counts: list[int] = field(default_factory=list)

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.bytes += batch.nbytes
        if self.bytes >= RUN_BYTES:
            self._write_run()

    def _write_run(self) -> None:
        rows = concat_batches(self.batches)
        self.batches, self.bytes = [], 0
        run = Run(self.unit, len(self.counts), rows.num_rows)
        heads = self.step.heads(rows, self.theirs)
        key = _key(self.desk, run)
        with batch_writer(self.desk.scratch, key, self.schema, compress=True) as writer:
            for part in by_partition(rows, heads, self.desk.partitions):
                writer.write_batch(part)
        self.counts.append(run.rows)

    def end(self) -> None:
        """Write what is held, and how many runs there are."""
        if self.batches:
            self._write_run()
        note_runs(self.desk, self.unit, self.counts)
