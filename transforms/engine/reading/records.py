"""Parsing text records, and finding the bad ones by halving.

pyarrow gives up a whole block at one bad record. Here the block is halved until the bad records
stand alone; they are set aside with their offset and their bytes, and the others go on in order.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import Column
from transforms.engine.sources import RangedFile

Data = bytes | memoryview
Positions = npt.NDArray[np.int64]
MOST_RECORD_BYTES = 512 * 1024 * 1024
"""A few bytes of gzip hold a line without end."""
READ_TWICE = 16
"""At most such a part of a piece is read twice: records may be nearly as long as a piece."""


class RecordTooLong(Exception):
    """A record is longer than MOST_RECORD_BYTES."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that is not a row. `byte_offset` counts in the decompressed file."""

    source: str
    byte_offset: int
    raw: bytes
    error: str


@dataclass(frozen=True, slots=True)
class Read:
    """Some records of the input: `records` were seen, each is a row of `batch` or in `bad`."""

    batch: pa.RecordBatch
    bad: tuple[BadRow, ...]
    records: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the records of some bytes start and end, and which of them are surely no row."""

    starts: Positions
    ends: Positions
    no_row: npt.NDArray[np.bool_]


class RecordFormat(Protocol):
    """A text format whose records can be told apart without parsing them."""

    @property
    def schema(self) -> pa.Schema: ...

    def complete(self, data: bytes) -> int:
        """Return where the last whole record of `data` ends; 0 when none does."""
        ...

    def bounds(self, data: Data) -> Bounds:
        """Return the records of `data` that are not blank."""
        ...

    def parse(self, data: Data) -> pa.Table:
        """Return the rows of `data` under `schema`; raises pa.ArrowInvalid.

        It is not given a record that is surely no row.
        """
        ...


def pieces(stream: BinaryIO, fmt: RecordFormat, piece_bytes: int) -> Iterator[tuple[int, Data]]:
    """Yield (offset in the stream, whole records) of about `piece_bytes` each, to the end.

    Where the stream can be read from any place, the record that a piece cuts is read once more if
    little of it is there: that costs less than a copy of the next piece. Raises RecordTooLong
    before memory is full of one.
    """
    offset, held = 0, b""
    while chunk := stream.read(piece_bytes):
        held = held + chunk if held else chunk
        if end := fmt.complete(held):
            yield offset, memoryview(held)[:end]
            offset, held = offset + end, held[end:]
            little = 0 < len(held) <= piece_bytes // READ_TWICE
            if little and isinstance(stream, RangedFile):
                stream.seek(-len(held), io.SEEK_CUR)
                held = b""
        if len(held) > MOST_RECORD_BYTES:
            raise RecordTooLong(f"a record is longer than {MOST_RECORD_BYTES >> 20} MiB")
    if held:
        yield offset, held


def read_piece(fmt: RecordFormat, source: str, offset: int, data: Data) -> Read:
    """Return the rows and the bad records of `data`, which begins at `offset` of `source`."""
    bounds = fmt.bounds(data)
    records = len(bounds.starts)
    if not records:
        return Read(_one_batch([], fmt.schema), (), 0)
    good: list[pa.Table] = []
    bad: list[BadRow] = []
    _halve(_Piece(fmt, source, offset, data, bounds), (0, records), good, bad)
    return Read(_one_batch(good, fmt.schema), tuple(bad), records)


@dataclass(frozen=True, slots=True)
class _Piece:
    fmt: RecordFormat
    source: str
    offset: int
    data: Data
    bounds: Bounds

    def parsed(self, low: int, high: int) -> pa.Table:
        """Return the rows of some records; raises pa.ArrowInvalid."""
        if self.bounds.no_row[low:high].any():
            raise pa.ArrowInvalid("This is no row.")
        return self.fmt.parse(self.raw(low, high))

    def raw(self, low: int, high: int) -> memoryview:
        return memoryview(self.data)[self.bounds.starts[low] : self.bounds.ends[high - 1]]


def _halve(piece: _Piece, span: tuple[int, int], good: list[pa.Table], bad: list[BadRow]) -> None:
    low, high = span
    try:
        table = piece.parsed(low, high)
        if table.num_rows == high - low:
            good.append(table)
            return
        error = f"one record holds {table.num_rows} rows"
    except pa.ArrowInvalid as refusal:
        error = str(refusal).splitlines()[0]
    if high - low == 1:
        place = piece.offset + int(piece.bounds.starts[low])
        raw = bytes(piece.raw(low, high)).rstrip(b"\r\n")
        bad.append(BadRow(piece.source, place, raw, error))
        return
    middle = (low + high) // 2
    _halve(piece, (low, middle), good, bad)
    _halve(piece, (middle, high), good, bad)


def _one_batch(tables: list[pa.Table], schema: pa.Schema) -> pa.RecordBatch:
    whole = tables[0] if len(tables) == 1 else pa.concat_tables([schema.empty_table(), *tables])
    columns: list[Column] = [_one_array(column) for column in whole.columns]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _one_array(column: pa.ChunkedArray[Any]) -> Column:
    chunks: list[Column] = column.chunks or [pa.array([], column.type)]
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def bytes_of(data: Data) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)
