"""Records of binary formats as rows: those that fit no column are found by halving, as of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import AnyField, Column, concat_batches
from transforms.engine.reading.json_values import WRONG
from transforms.engine.reading.records import BadRow, Read

Row = TypeVar("Row")
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
MOST_RECORD_BYTES = 256 * 1024 * 1024
"""A few kilobytes that are compressed may hold any number."""
SAMPLED_ROWS = 1000
_BATCH_ROWS, _BATCH_BYTES = 1024, 4 * 1024 * 1024
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


class NotARow(ValueError):
    """Why the bytes of a record are no row."""


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes of a record, and where they lie; `error` says why they are surely no row."""

    offset: int
    data: bytes
    error: str = ""


class RowFormat(Protocol[Row]):
    """How the bytes of a record become a row, and many rows columns."""

    def decoded(self, data: bytes) -> Row:
        """Return a record as a row; raises ValueError where it is none."""
        ...

    def column(self, rows: Sequence[Row], field: AnyField) -> Column:
        """Return a column of some rows; raises one of `WRONG` where they do not fit together.

        Of a single row that means: it does not fit the column.
        """
        ...


def read_records(
    path: str, records: Iterable[Record], fmt: RowFormat[Row], schema: pa.Schema
) -> Iterator[Read]:
    """Yield records as rows of `schema`, some at a time; what is no row is set aside."""
    for some in some_at_once(records):
        yield _read(path, some, fmt, schema)


def some_at_once(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield the records in their order, 4 MiB at a time, or a larger one alone with some before."""
    held: list[Record] = []
    held_bytes = 0
    for record in records:
        held.append(record)
        held_bytes += len(record.data)
        if len(held) == _BATCH_ROWS or held_bytes >= _BATCH_BYTES:
            yield held
            held, held_bytes = [], 0
    if held:
        yield held


def _read(path: str, held: Sequence[Record], fmt: RowFormat[Row], schema: pa.Schema) -> Read:
    sorted_out = _Sorted(path, fmt, schema)
    rows: list[tuple[Record, Row]] = []
    for record in held:
        try:
            if record.error:
                raise NotARow(record.error)
            rows.append((record, fmt.decoded(record.data)))
        except ValueError as error:
            sorted_out.set_aside(record, error)
    sorted_out.halve(rows)
    bad = sorted(sorted_out.bad, key=lambda each: each.byte_offset)
    return Read(concat_batches(sorted_out.good), tuple(bad), len(held))


class _Sorted(Generic[Row]):
    """What became of some records: rows in their order, and those set aside."""

    def __init__(self, path: str, fmt: RowFormat[Row], schema: pa.Schema) -> None:
        self._path, self._fmt, self._schema = path, fmt, schema
        self.good = [pa.RecordBatch.from_pylist([], schema)]
        self.bad: list[BadRow] = []

    def set_aside(self, record: Record, error: Exception) -> None:
        told = next(iter(str(error).splitlines()), type(error).__name__)
        self.bad.append(BadRow(self._path, record.offset, record.data, told))

    def halve(self, rows: Sequence[tuple[Record, Row]]) -> None:
        """Turn rows into columns; where that fails their halves, down to the one that fails."""
        if not rows:
            return
        try:
            values = [row for _, row in rows]
            columns = [self._fmt.column(values, field) for field in self._schema]
            self.good.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        except WRONG as error:
            if len(rows) == 1:
                self.set_aside(rows[0][0], error)
                return
            middle = len(rows) // 2
            self.halve(rows[:middle])
            self.halve(rows[middle:])


def spread(items: Column, counts: Counts, absent: Flags, field: AnyField) -> Column:
    """Return a column of which each row has so many of the items, or is null where it is absent.

    A row without an item is null where the column holds one value a row, and else an empty list.
    Raises NotARow where a row has several and the column holds one, and pa.ArrowException where
    values do not fit its type.
    """
    kind = field.type
    if _is_listed(kind):
        ends = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), pa.int32())
        within = items.cast(cast("pa.ListType[pa.DataType]", kind).value_type)
        lists = pa.ListArray.from_arrays(ends, within, mask=pa.array(absent))
        return cast("Column", lists).cast(kind)
    if (counts > 1).any():
        raise NotARow(f"{field.name!r} holds {counts.max()} values where one is wanted")
    place = pa.array(np.cumsum(counts) - 1, pa.int64(), mask=counts == 0)
    return items.take(place).cast(kind)


def _is_listed(kind: pa.DataType) -> bool:
    return any(ask(kind) for ask in _LISTS)
