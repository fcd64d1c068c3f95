"""Every row of a file as columns of text, whatever the file is: for scans, which must miss none.

Unlike `readers`, which hold a file to one schema, this takes each block as it comes: members that
turn up late, values of mixed types and broken records are all looked at. What is no row of a
column is told under the empty name. Memory: a few blocks, whatever the size of the file.
"""

from __future__ import annotations

import codecs
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.json as pj

from core.errors import Invalid
from movement.engine.json_lines import require_objects
from transforms.engine.arrow import reader_of
from transforms.engine.blocks import LINES, Block, NotText, lines_of
from transforms.engine.readers import Compression, Format, kind_of, open_stream
from transforms.engine.reading import columnar, csv, jsonl, lance, webdataset
from transforms.engine.reading.columnar import ColumnarFormat, open_parquet
from transforms.engine.reading.records import read_piece
from transforms.engine.scanning_records import of_mds, of_tfrecord
from transforms.engine.sources import ByteSource
from transforms.engine.writing.megatron import MAGIC as MEGATRON

__all__ = ["LINES", "LONGEST_RECORD", "Block", "NotText", "blocks_of"]

BLOCK_BYTES = 4 * 1024 * 1024
LONGEST_RECORD = 16 * 1024 * 1024
"""A record that has no end until here is looked at as text, piece by piece."""
_BATCH_ROWS = 8192
_SNIFFED = 4096


def blocks_of(path: str, source: ByteSource) -> Iterator[Block]:
    """Yield all that the file holds. Raises NotText, and Invalid when it is damaged."""
    kind, compression = _kind(path)
    try:
        if kind == "parquet":
            yield from _of_parquet(path, source)
            return
        if path.lower().endswith(".lance"):
            yield from _of_lance(path, source)
            return
        if kind in {"arrow", "orc"}:
            yield from _of_columns(cast(ColumnarFormat, kind), path, source)
            return
        with open_stream(path, compression, source) as stream:
            if kind == "jsonl":
                yield from _of_jsonl(stream)
            elif kind == "csv":
                yield from _of_csv(path, stream)
            elif kind == "webdataset":
                yield from _of_tar(path, stream)
            elif kind == "tfrecord":
                yield from of_tfrecord(path, stream)
            elif kind == "mds":
                yield from of_mds(path, stream)
            else:
                yield from _of_text(path, stream)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise Invalid(f"{path} is damaged: {error}", path=path) from error
    except pa.ArrowException as error:  # its words may hold a piece of the data
        raise Invalid(f"{path} cannot be read: {type(error).__name__}.", path=path) from error


def _kind(path: str) -> tuple[Format | None, Compression]:
    try:
        return kind_of(path.lower(), "auto")
    except Invalid:
        compression = kind_of(path.lower(), "jsonl")[1]
        return None, compression


def _of_parquet(path: str, source: ByteSource) -> Iterator[Block]:
    with open_parquet(source, path) as file:
        for group in range(file.num_row_groups):
            told = file.metadata.row_group(group)
            row_bytes = max(told.total_byte_size // max(told.num_rows, 1), 1)
            rows = max(min(BLOCK_BYTES // row_bytes, _BATCH_ROWS), 1)
            for batch in file.iter_batches(rows, row_groups=[group], use_threads=False):
                yield _block(batch)


def _of_columns(kind: ColumnarFormat, path: str, source: ByteSource) -> Iterator[Block]:
    """Yield an Arrow or ORC file, in which a batch or a stripe is read at once."""
    schema = columnar.schema_of(kind, source, path)
    units = range(len(columnar.unit_bytes(kind, source, path)))
    yield from map(_block, columnar.batches_of(kind, source, path, units, schema))


def _of_lance(path: str, source: ByteSource) -> Iterator[Block]:
    """Yield a file of a data set, with the rows that are deleted there: they can be fetched."""
    if not lance.is_installed():
        raise NotText(f"The extra `lance`, which reads {path}, is not installed here.", path=path)
    yield from map(_block, lance.rows_of_file(path, source))


def _of_tar(path: str, stream: BinaryIO) -> Iterator[Block]:
    """Yield the members that are text, each a row of the column that its ending names."""
    columns: dict[str, list[str]] = {}
    found, held_bytes = False, 0
    for member, data in webdataset.members(stream):
        piece = data.read(LONGEST_RECORD)
        if not _is_text(piece[:_SNIFFED]):
            continue
        found = True
        column = webdataset.column_of(member.name.rpartition("/")[2].partition(".")[2].lower())
        while piece:
            columns.setdefault(column, []).append(piece.decode(errors="replace"))
            held_bytes += len(piece)
            if held_bytes >= BLOCK_BYTES:
                yield _texts(columns)
                columns, held_bytes = {}, 0
            piece = data.read(LONGEST_RECORD)
    if columns:
        yield _texts(columns)
    if not found:
        raise NotText(f"No member of {path} is text.", path=path)


def _texts(columns: dict[str, list[str]]) -> Block:
    arrays = ((name, pa.array(texts, pa.large_string())) for name, texts in columns.items())
    return Block(max(map(len, columns.values())), tuple(arrays))


def _block(batch: pa.RecordBatch) -> Block:
    return Block(batch.num_rows, tuple(zip(batch.schema.names, batch.columns, strict=True)))


def _cut(stream: BinaryIO, complete: Callable[[bytes], int]) -> Iterator[tuple[bytes, bool]]:
    """Yield whole records of about BLOCK_BYTES, and a record without end in pieces (False)."""
    held = b""
    while chunk := stream.read(BLOCK_BYTES):
        held += chunk
        if end := complete(held):
            yield held[:end], True
            held = held[end:]
        elif len(held) > LONGEST_RECORD:
            yield held, False
            held = b""
    if held:
        yield held, True


def _of_text(path: str, stream: BinaryIO) -> Iterator[Block]:
    first = True
    for data, _ in _cut(stream, jsonl.complete):
        if first and data.startswith(MEGATRON):
            told = f"{path} tells where the token ids in its .bin lie: numbers, and not text."
            raise NotText(told, path=path)
        if first and not _is_text(data[:_SNIFFED]):
            raise NotText(f"{path} is neither rows nor text.", path=path)
        first = False
        yield lines_of(data)


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _of_csv(path: str, stream: BinaryIO) -> Iterator[Block]:
    fmt: csv.Csv | None = None
    for data, whole in _cut(stream, csv.complete):
        rest = data
        if fmt is None:
            header, skip = _header(data, path)
            fmt = csv.Csv(pa.schema([(name, pa.string()) for name in header]), header)
            rest = data[skip:]
        if not whole or not fmt.header:
            yield lines_of(rest)
            continue
        read = read_piece(fmt, path, 0, rest)
        yield _block(read.batch)
        if read.bad:
            yield lines_of(b"\n".join(each.raw for each in read.bad))


def _header(data: bytes, path: str) -> tuple[tuple[str, ...], int]:
    """Return the column names; none when there is no usable header: the rows are lines then."""
    try:
        return csv.header_of(data, path)
    except Invalid:
        return (), 0


def _of_jsonl(stream: BinaryIO) -> Iterator[Block]:
    for data, whole in _cut(stream, jsonl.complete):
        if not whole:
            yield lines_of(data)
            continue
        try:
            require_objects(data)
            table = pj.read_json(
                reader_of(data),
                read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            ).combine_chunks()
            table.validate(full=True)
            blocks = [_block(batch) for batch in table.to_batches()]
        except (pa.ArrowInvalid, UnicodeDecodeError):
            yield from _one_by_one(data)
        else:
            yield from blocks


def _one_by_one(data: bytes) -> Iterator[Block]:
    """Read lines that do not fit one schema; each member is a text column of its own."""
    columns: dict[str, list[str]] = {}
    rest, rows = [], 0
    for line in data.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            rest.append(line)
            continue
        rows += 1
        for name, value in row.items():
            if value is not None:
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                columns.setdefault(name, []).append(text.encode(errors="replace").decode())
    arrays = ((name, pa.array(texts, pa.large_string())) for name, texts in columns.items())
    yield Block(rows, tuple(arrays))
    if rest:
        yield lines_of(b"\n".join(rest))
