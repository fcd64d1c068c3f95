"""A tabular file as a stream of record batches, whatever format it is in.

Parquet, CSV with a header and JSON lines, the latter two also under gzip and zstd. Memory is
bounded by about BATCH_BYTES of rows, whatever the size of the file. Column types are plain: no
dictionaries (which would carry values of rows that were left out), no views, no extensions.

The columns of a text file and their types are those of its first MiB; times and dates in text stay
text, and a column without a value there is text. A file, or a later part of it, that cannot be read
so raises Invalid without telling what stood there: pyarrow's own messages quote values.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.json as pc_json
import pyarrow.parquet as pq

from core.errors import Invalid
from movement.engine.inspect import HEAD_BYTES
from movement.engine.json_lines import ObjectLines, is_too_deep

BATCH_BYTES = 16 * 1024 * 1024
BATCH_ROWS = 64 * 1024
_BLOCK_BYTES = 4 * 1024 * 1024
"""The longest line that can be read, and about how much of a text makes a batch."""
_BUFFER_BYTES = 8 * 1024 * 1024

_FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A format that can be read, and how it is compressed: gzip, zstd or not at all."""

    format: str
    compression: str = ""


def kind_of(path: str) -> Kind | None:
    """Return the kind that the path's ending tells; None for what is no table."""
    head, compression = path.lower(), ""
    for suffix, found in _COMPRESSIONS.items():
        if head.endswith(suffix):
            head, compression = head.removesuffix(suffix), found
    ending = "." + head.rsplit(".", 1)[-1]
    known = _FORMATS.get(ending)
    if known is None or (known == "parquet" and compression):
        return None
    return Kind(known, compression)


@dataclass(frozen=True, slots=True)
class Source:
    """How a file is opened: to be read anywhere, or from its beginning to its end."""

    path: str
    seekable: Callable[[], BinaryIO]
    stream: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose columns are known."""

    schema: pa.Schema
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    """Yields the rows in the order of the file, with those columns in the order of the file."""


def open_table(kind: Kind, source: Source) -> Table:
    """Return the table; raise Invalid when the file cannot be read as one."""
    with _quiet(source.path):
        if kind.format == "parquet":
            return _parquet(source)
        head = _head(kind, source)
        if not head.strip():
            return Table(pa.schema([]), lambda columns: iter(()))
        if kind.format == "csv":
            return _csv(kind, source, head)
        return _jsonl(kind, source, head)


@contextmanager
def _quiet(path: str) -> Iterator[None]:
    """Turn what pyarrow says of bad data into words that quote none of it."""
    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError):
        raise Invalid(f"{path} cannot be read as a table to its end.", path=path) from None
    except OSError as error:
        if error.errno is not None:  # else it is what pyarrow says of damaged bytes
            raise
        raise Invalid(f"{path} cannot be read as a table to its end.", path=path) from None


def _reading(
    path: str, batches: Iterator[pa.RecordBatch], wanted: Sequence[str], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the batches with the wanted columns alone, of plain types."""
    needed = pa.schema([field for field in schema if field.name in set(wanted)])
    while True:
        with _quiet(path):
            batch = next(batches, None)
            if batch is None:
                return
            kept = [i for i, name in enumerate(batch.schema.names) if name in set(wanted)]
            columns = [
                batch.column(at) if batch.column(at).type == field.type else _plain_of(batch, at)
                for at, field in zip(kept, needed, strict=True)
            ]
            made = pa.RecordBatch.from_arrays(columns, schema=needed)
            made.validate(full=True)  # a text that is none would stop the stream in its middle
            yield made


def _plain_of(batch: pa.RecordBatch, at: int) -> Any:
    column: Any = batch.column(at)
    return column.cast(_plain(column.type))


# -- Parquet


def _parquet(source: Source) -> Table:
    with _parquet_file(source) as file:
        fields = [pa.field(f.name, _plain(f.type), nullable=f.nullable) for f in file.schema_arrow]

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _parquet_file(source) as file:
            names = file.schema_arrow.names
            distinct = len(set(names)) == len(names) and not any("." in name for name in names)
            found = file.iter_batches(
                batch_size=_rows_of(file),
                columns=list(wanted) if distinct else None,
                use_threads=False,
            )
            yield from _reading(source.path, found, wanted, schema)

    schema = pa.schema(fields)
    return Table(schema, batches)


def _parquet_file(source: Source) -> pq.ParquetFile:
    return pq.ParquetFile(source.seekable(), buffer_size=_BUFFER_BYTES)


def _rows_of(file: pq.ParquetFile) -> int:
    """Return how many rows make about BATCH_BYTES."""
    facts = file.metadata
    held = sum(facts.row_group(at).total_byte_size for at in range(min(facts.num_row_groups, 4)))
    rows = sum(facts.row_group(at).num_rows for at in range(min(facts.num_row_groups, 4)))
    return max(64, min(BATCH_ROWS, BATCH_BYTES * rows // max(held, 1)))


def _plain(kind: Any) -> Any:
    """Return the type without dictionaries, views and extensions, all the way down."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    if types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind):
        return pa.binary()
    if types.is_struct(kind):
        inner = [pa.field(f.name, _plain(f.type), nullable=f.nullable) for f in kind]
        return pa.struct(inner)
    if types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


# -- texts


@contextmanager
def _text(kind: Kind, source: Source) -> Iterator[Any]:
    with source.stream() as raw:
        if not kind.compression:
            yield raw
            return
        codec: Any = kind.compression
        with pa.CompressedInputStream(cast("io.IOBase", raw), codec) as opened:
            yield opened


def _head(kind: Kind, source: Source) -> bytes:
    """Return the first whole records of a text."""
    head = b""
    with _text(kind, source) as text:
        try:
            while len(head) < HEAD_BYTES and (more := text.read(HEAD_BYTES - len(head))):
                head += more
        except OSError:
            raise Invalid(f"{source.path} is damaged.", path=source.path) from None
    if len(head) < HEAD_BYTES:
        return head
    end = head.rfind(b"\n") + 1
    while kind.format == "csv" and end and head.count(b'"', 0, end) % 2:
        end = head.rfind(b"\n", 0, end - 1) + 1
    if not end:
        told = f"The first record of {source.path} is longer than {HEAD_BYTES >> 20} MiB."
        raise Invalid(told, path=source.path)
    return head[:end]


def _csv(kind: Kind, source: Source, head: bytes) -> Table:
    parse = pc_csv.ParseOptions(newlines_in_values=True)
    once = pc_csv.ReadOptions(use_threads=False, block_size=len(head) + 1)
    found = pc_csv.read_csv(io.BytesIO(head), once, parse).schema
    schema = pa.schema([pa.field(f.name, _as_text(f.type)) for f in found])
    distinct = len(set(schema.names)) == len(schema.names)

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        convert = pc_csv.ConvertOptions(
            column_types={f.name: f.type for f in schema},
            include_columns=list(wanted) if distinct else None,
        )
        options = pc_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
        with _text(kind, source) as text, _quiet(source.path):
            reader = pc_csv.open_csv(text, options, parse, convert)
            yield from _reading(source.path, iter(reader), wanted, schema)

    return Table(schema, batches)


def _jsonl(kind: Kind, source: Source, head: bytes) -> Table:
    good = b"\n".join(line for line in head.splitlines() if _is_object(line))
    if not good:
        raise Invalid(f"{source.path} holds no JSON objects, one a line.", path=source.path)
    once = pc_json.ReadOptions(use_threads=False, block_size=len(good) + 1)
    found = pc_json.read_json(io.BytesIO(good), once).schema
    schema = pa.schema([pa.field(f.name, _as_text(f.type)) for f in found])

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        options = pc_json.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
        needed = pa.schema([field for field in schema if field.name in set(wanted)])
        parse = pc_json.ParseOptions(explicit_schema=needed, unexpected_field_behavior="ignore")
        with _text(kind, source) as text, _quiet(source.path):
            reader = pc_json.open_json(cast("BinaryIO", ObjectLines(text)), options, parse)
            yield from _reading(source.path, iter(reader), wanted, schema)

    return Table(schema, batches)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict) and not is_too_deep(line)
    except (ValueError, RecursionError):
        return False


def _as_text(kind: Any) -> Any:
    """Return the type with text for what was guessed as a time, or not at all."""
    types = pa.types
    if types.is_temporal(kind) or types.is_null(kind):
        return pa.string()
    if types.is_list(kind):
        return pa.list_(_as_text(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(f.name, _as_text(f.type)) for f in kind])
    return kind
