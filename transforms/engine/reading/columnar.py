"""Parquet, Arrow IPC and ORC: files that tell their schema and can be read in units.

A unit is a Parquet row group, a record batch of an Arrow file, or an ORC stripe; an Arrow stream
is one unit. Memory: one unit of Arrow, one batch of Parquet; ORC is read in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import Invalid
from transforms.engine.arrow import AnyField
from transforms.engine.reading import orc
from transforms.engine.sources import ByteSource, RangedFile

ColumnarFormat = Literal["parquet", "arrow", "orc"]
COLUMNAR: frozenset[str] = frozenset({"parquet", "arrow", "orc"})
BATCH_ROWS = 8192
_ARROW_FILE = b"ARROW1"
_DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)


def open_parquet(source: ByteSource, path: str) -> pq.ParquetFile:
    """Return the open file; raises Invalid when it is not Parquet, or damaged."""
    try:
        return pq.ParquetFile(_file(source))
    except pa.ArrowInvalid as error:
        raise Invalid(f"{path} is not a Parquet file: {error}", path=path) from error
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def unit_bytes(
    kind: ColumnarFormat, source: ByteSource, path: str, rows: int | None = None
) -> list[int]:
    """Return about how many bytes each unit takes; raises Invalid when the file is damaged.

    `rows` is how many a Parquet file holds, where that is known: else a footer that lost some of
    its row groups would lose their rows.
    """
    if kind == "parquet":
        with open_parquet(source, path) as parquet:
            held = parquet.metadata
            told = sum(held.row_group(each).num_rows for each in range(held.num_row_groups))
            if rows is not None and told != rows:
                message = f"{path} is damaged: it tells of {told} rows and was sealed with {rows}."
                raise Invalid(message, path=path)
            groups = range(parquet.num_row_groups)
            return [parquet.metadata.row_group(group).total_byte_size for group in groups]
    try:
        if kind == "orc":
            count, _ = orc.told_of(source, path)
        elif _is_stream(source):
            count = 1
        else:
            count = pa.ipc.open_file(_file(source)).num_record_batches
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    return [source.size // count] * count if count else []


def schema_of(kind: ColumnarFormat, source: ByteSource, path: str) -> pa.Schema:
    """Return the columns, without dictionaries and metadata; raises Invalid as `unit_bytes`."""
    try:
        if kind == "parquet":
            with open_parquet(source, path) as parquet:
                found = parquet.schema_arrow
        elif kind == "orc":
            _, found = orc.told_of(source, path)
        elif _is_stream(source):
            found = pa.ipc.open_stream(_file(source)).schema
        else:
            found = pa.ipc.open_file(_file(source)).schema
        return pa.schema([plain(field) for field in found])
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def batches_of(
    kind: ColumnarFormat, source: ByteSource, path: str, units: range, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some units as `schema` has them; raises Invalid for what is damaged.

    What an Arrow file says of its memory is checked before it is believed.
    """
    read = {"parquet": _of_parquet, "arrow": _of_arrow, "orc": orc.batches_of}[kind]
    try:
        for batch in read(source, path, units, schema.names):
            if missing := [name for name in schema.names if name not in batch.schema.names]:
                raise Invalid(f"{path} lacks the columns {', '.join(missing)}.", path=path)
            yield fitted(batch.select(schema.names), schema, path)
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def fitted(batch: pa.RecordBatch, schema: pa.Schema, path: str) -> pa.RecordBatch:
    """Return rows, which have the columns of `schema`, in its types; raises Invalid."""
    if batch.schema.equals(schema):
        return batch
    try:
        return batch.cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise Invalid(f"{path} does not hold the declared types.", path=path) from error


def _of_parquet(
    source: ByteSource, path: str, units: range, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    with open_parquet(source, path) as file:
        for batch in file.iter_batches(
            batch_size=BATCH_ROWS, row_groups=list(units), columns=list(names), use_threads=False
        ):
            batch.validate(full=True)
            yield batch


def _of_arrow(
    source: ByteSource, path: str, units: range, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    if _is_stream(source):
        with pa.ipc.open_stream(_file(source)) as stream:
            for batch in stream:
                yield from _in_pieces(batch)
        return
    with pa.ipc.open_file(_file(source)) as file:
        for unit in units:
            yield from _in_pieces(file.get_batch(unit))


def _in_pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    batch.validate(full=True)
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _file(source: ByteSource) -> pa.PythonFile:
    return pa.PythonFile(RangedFile(source), mode="r")


def _is_stream(source: ByteSource) -> bool:
    return source.read_range(0, len(_ARROW_FILE)) != _ARROW_FILE


def plain(field: AnyField) -> AnyField:
    """Return the field without dictionary encoding and without metadata."""
    found = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return pa.field(field.name, found, nullable=field.nullable)


def _damaged(path: str, error: Exception) -> Invalid:
    """The words of the error may hold a piece of the data, so they are left out."""
    return Invalid(f"{path} is damaged ({type(error).__name__}).", path=path)
