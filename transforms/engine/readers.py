"""Reading an input file, or a piece of one, as record batches of one schema."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import zstandard

from core.errors import Invalid
from transforms.engine.magic import MEDIA_SUFFIXES
from transforms.engine.reading import columnar, csv, jsonl, webdataset, whole_files
from transforms.engine.reading.columnar import COLUMNAR, ColumnarFormat
from transforms.engine.reading.records import BadRow, Read, RecordTooLong, pieces, read_piece
from transforms.engine.sources import READ_BYTES, ByteSource, OpenInput, RangedFile

__all__ = ["BadRow", "Piece", "Read", "infer_schema", "open_stream", "read"]

Format = Literal["jsonl", "csv", "parquet", "arrow", "orc", "webdataset", "files"]
Compression = Literal["none", "gzip", "zstd"]
SAMPLE_BYTES = 1024 * 1024

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".orc": "orc",
    ".tar": "webdataset",
    **{f".{suffix}": "files" for suffix in MEDIA_SUFFIXES},
}
_DAMAGED = (OSError, EOFError, zlib.error, zstandard.ZstdError, tarfile.TarError, RecordTooLong)
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an input file: bytes [start, end), for columnar formats units [start, end).

    A line belongs to the piece in which its first byte lies, so pieces may be cut anywhere.
    """

    path: str
    format: Format
    compression: Compression
    start: int
    end: int


def kind_of(path: str, declared: str) -> tuple[Format, Compression]:
    """Return format and compression by name; raises Invalid when the format cannot be told."""
    compression: Compression = "none"
    name = path.lower()
    for suffix, found in _COMPRESSIONS.items():
        if name.endswith(suffix):
            name, compression = name.removesuffix(suffix), found
    if declared != "auto":
        return cast(Format, declared), compression
    for suffix, known in _FORMATS.items():
        if name.endswith(suffix):
            return known, compression
    raise Invalid(f"The format of {path!r} cannot be told from its name; declare it.", path=path)


def read(
    piece: Piece, source: ByteSource, schema: pa.Schema, piece_bytes: int = READ_BYTES
) -> Iterator[Read]:
    """Yield the rows of `piece` in order, in batches of about `piece_bytes` of input.

    Raises Invalid when the file as a whole is damaged; a bad record is no reason to.
    """
    if piece.format in COLUMNAR:
        kind, units = cast(ColumnarFormat, piece.format), range(piece.start, piece.end)
        for batch in columnar.batches_of(kind, source, piece.path, units, schema):
            yield Read(batch, (), batch.num_rows)
        return
    with _open(piece, source) as (base, stream):
        try:
            if piece.format == "jsonl":
                fmt = jsonl.JsonLines(schema)
                for offset, data in pieces(stream, fmt, piece_bytes):
                    yield read_piece(fmt, piece.path, base + offset, data)
            elif piece.format == "csv":
                yield from _read_csv(piece, stream, schema, piece_bytes)
            elif piece.format == "webdataset":
                yield from webdataset.read_samples(piece.path, stream, schema)
            else:
                yield from whole_files.read_whole(piece.path, stream, schema)
        except _DAMAGED as error:
            raise Invalid(f"{piece.path} is damaged: {error}", path=piece.path) from error


def read_pieces(parts: Iterable[Piece], open_input: OpenInput, schema: pa.Schema) -> Iterator[Read]:
    """Yield the rows of pieces in order, as `read` does; files that are rows come many at once."""
    for whole, some in itertools.groupby(parts, lambda piece: piece.format == "files"):
        rows = (found for piece in some for found in read(piece, open_input(piece.path), schema))
        yield from whole_files.together(rows) if whole else rows


def _read_csv(
    piece: Piece, stream: BinaryIO, schema: pa.Schema, piece_bytes: int
) -> Iterator[Read]:
    fmt = csv.Csv(schema, ())
    for offset, data in pieces(stream, fmt, piece_bytes):
        skip = 0
        if not fmt.header:
            header, skip = csv.header_of(data, piece.path)
            if missing := [name for name in schema.names if name not in header]:
                raise Invalid(
                    f"{piece.path} lacks the columns {', '.join(missing)}.", path=piece.path
                )
            fmt = csv.Csv(schema, header)
        yield read_piece(fmt, piece.path, offset + skip, data[skip:])


@contextmanager
def open_stream(path: str, compression: Compression, source: ByteSource) -> Iterator[BinaryIO]:
    """Give all bytes of a file, decompressed, as one stream."""
    with _open(Piece(path, "csv", compression, 0, source.size), source) as (_, stream):
        yield stream


class _open:  # noqa: N801 - used as a function
    """A context: (offset of the first byte, the decompressed stream of the piece)."""

    def __init__(self, piece: Piece, source: ByteSource) -> None:
        self._streams: list[BinaryIO] = []
        self._piece, self._source = piece, source

    def __enter__(self) -> tuple[int, BinaryIO]:
        piece, source = self._piece, self._source
        if piece.compression == "none" and piece.format == "jsonl":
            start = jsonl.next_line(source, piece.start)
            end = jsonl.next_line(source, piece.end) if piece.end < source.size else source.size
            ranged = RangedFile(_Window(source, start, max(start, end)))
            return start, cast(BinaryIO, ranged)
        raw = source.open()
        self._streams.append(raw)
        if piece.compression == "gzip":
            self._streams.append(cast(BinaryIO, gzip.GzipFile(fileobj=raw)))
        elif piece.compression == "zstd":
            reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            self._streams.append(cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, reader))))
        return 0, self._streams[-1]

    def __exit__(self, *_: object) -> None:
        for stream in reversed(self._streams):
            stream.close()


@dataclass(frozen=True, slots=True)
class _Window:
    """The bytes [start, end) of a source, as a source."""

    whole: ByteSource
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    def read_range(self, offset: int, length: int) -> bytes:
        return self.whole.read_range(self.start + offset, min(length, self.size - offset))

    def open(self) -> BinaryIO:
        return cast(BinaryIO, RangedFile(self))


def infer_schema(piece: Piece, source: ByteSource) -> pa.Schema:
    """Return the schema of a file: what it declares, else inferred from its first MiB.

    Times and dates in text stay text, and a column without a value is text, because a wrong guess
    would quarantine good rows. Raises pa.ArrowInvalid when the values of a column are of mixed
    types.
    """
    if piece.format == "files":
        return whole_files.SCHEMA
    if piece.format in COLUMNAR:
        return columnar.schema_of(cast(ColumnarFormat, piece.format), source, piece.path)
    if piece.format == "webdataset":
        return _infer_webdataset(piece, source)
    with _open(piece, source) as (_, stream):
        sample = stream.read(SAMPLE_BYTES)
    end = csv.complete(sample) if piece.format == "csv" else jsonl.complete(sample)
    sample = sample[: end or None]
    found = csv.infer(sample, piece.path) if piece.format == "csv" else jsonl.infer(sample)
    return pa.schema([pa.field(field.name, _as_text(field.type)) for field in found])


def _infer_webdataset(piece: Piece, source: ByteSource) -> pa.Schema:
    with _open(piece, source) as (_, stream):
        try:
            return webdataset.infer(stream, piece.path, SAMPLE_BYTES)
        except _DAMAGED as error:
            raise Invalid(f"{piece.path} is damaged: {error}", path=piece.path) from error


def cut(
    path: str, size: int, declared: str, open_input: OpenInput, piece_bytes: int
) -> Iterator[tuple[Piece, int]]:
    """Yield the pieces of a file of `size` bytes, with their own sizes.

    Opens columnar files alone; raises Invalid when one is damaged.
    """
    found, compression = kind_of(path, declared)
    if found in COLUMNAR:
        sizes = columnar.unit_bytes(cast(ColumnarFormat, found), open_input(path), path)
        for start, end, held in _runs(sizes, 0 if found == "parquet" else piece_bytes):
            yield Piece(path, found, compression, start, end), held
    elif found == "jsonl" and compression == "none":
        for start, end in _evenly(size, piece_bytes):
            yield Piece(path, found, compression, start, end), end - start
    else:
        yield Piece(path, found, compression, 0, size), size


def _evenly(size: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield equal stretches of at most `most` bytes: an even number of them, or one.

    So two workers, the fewest that there are in earnest, end at the same time.
    """
    count = -(-size // most)
    count += count % 2 if count > 1 else 0
    for at in range(count):
        yield at * size // count, (at + 1) * size // count


def _runs(sizes: list[int], most: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, bytes) of neighbouring units of at most `most` bytes, at least one."""
    start = held = 0
    for unit, size in enumerate(sizes):
        if unit > start and held + size > most:
            yield start, unit, held
            start, held = unit, 0
        held += size
    if sizes:
        yield start, len(sizes), held


def _as_text(found: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(found) or pa.types.is_null(found):
        return pa.string()
    if pa.types.is_list(found):
        return pa.list_(_as_text(found.value_type))
    if pa.types.is_struct(found):
        members = [found.field(position) for position in range(found.num_fields)]
        return pa.struct([pa.field(each.name, _as_text(each.type)) for each in members])
    return found
