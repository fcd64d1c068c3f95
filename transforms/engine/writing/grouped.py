"""Rows in groups of a fixed cut, for the formats that store columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import Column, ends_of
from transforms.engine.writing.base import Part, PartWriter

GROUP_BYTES = 4 * 1024 * 1024
"""A group ends with the row that fills this many bytes of text and binary values. It bounds what a
thread holds, and costs some 2 % of a file beside groups of 32 MiB."""


class Regrouped:
    """Cuts rows into groups that depend on the rows alone, never on how they came in batches."""

    def __init__(self, schema: pa.Schema, most_rows: int, most_bytes: int = GROUP_BYTES) -> None:
        self._schema = schema
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        """Yield the groups that are full, each in one piece."""
        ends = np.cumsum(_row_bytes(batch))
        start = passed = 0
        while start < batch.num_rows:
            filled = int(np.searchsorted(ends, passed + self._most_bytes - self._bytes)) + 1
            end = min(filled, start + self._most_rows - self._rows, batch.num_rows)
            self._held.append(batch.slice(start, end - start))
            self._rows += end - start
            self._bytes += int(ends[end - 1]) - passed
            start, passed = end, int(ends[end - 1])
            if self._rows == self._most_rows or self._bytes >= self._most_bytes:
                yield from self.rest()

    def rest(self) -> Iterator[pa.Table]:
        """Yield the rows still held, if there are any."""
        if self._held:
            yield pa.Table.from_batches(self._held, self._schema).combine_chunks()
        self._held = []
        self._rows = self._bytes = 0


def _row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return the bytes of the text and binary values of each row."""
    total = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if _is_bytes(column):
            absent = column.is_null().to_numpy(zero_copy_only=False)
            total += np.where(absent, 0, np.diff(ends_of(column)))
    return total


def _is_bytes(column: Column) -> bool:
    asked = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return any(ask(column.type) for ask in asked) or pa.types.is_large_binary(column.type)


def in_normal_form(group: pa.Table) -> pa.Table:
    """Return the same values in new memory: nothing is left of what stood below a null.

    Formats that store Arrow's memory as it is would else depend on how a value came to be null.
    """
    return group.take(pa.array(np.arange(group.num_rows), pa.int64())).combine_chunks()


class GroupedWriter(PartWriter):
    """A part of whole groups."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._groups = Regrouped(part.schema, part.group_rows)

    @abstractmethod
    def write_group(self, group: pa.Table) -> None:
        """Write one group, which has at least one row."""

    @abstractmethod
    def end_file(self) -> None:
        """Write what stands behind the last group, and `finish`."""

    def add(self, batch: pa.RecordBatch) -> None:
        for group in self._groups.add(batch):
            self.write_group(group)

    def end(self) -> None:
        for group in self._groups.rest():
            self.write_group(group)
        self.end_file()
