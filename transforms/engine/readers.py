"""Reading an input file, or a piece of one, as record batches of one schema."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import file_of
from transforms.engine.magic import MEDIA_SUFFIXES
from transforms.engine.reading import (
    columnar,
    csv,
    csv_cuts,
    jsonl,
    lance,
    mds,
    megatron,
    tfrecord,
    webdataset,
    whole_files,
)
from transforms.engine.reading.columnar import COLUMNAR, ColumnarFormat
from transforms.engine.reading.inferring import spelled
from transforms.engine.reading.records import BadRow, Data, Read, RecordTooLong, pieces, read_piece
from transforms.engine.sources import READ_BYTES, ByteSource, OpenInput, RangedFile

__all__ = ["BadRow", "Piece", "Read", "infer_schema", "open_stream", "read"]

Format = Literal[
    "jsonl", "csv", "parquet", "arrow", "orc", "webdataset", "tfrecord", "mds", "lance",
    "megatron", "files",
]  # fmt: skip
Compression = Literal["none", "gzip", "zstd"]
SAMPLE_BYTES = 1024 * 1024
CUT_BY_BYTES = frozenset({"jsonl", "csv"})
"""Formats of which a file that is not compressed is cut into stretches of bytes."""

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
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
    ".tfrec": "tfrecord",
    ".mds": "mds",
    **{f".{suffix}": "files" for suffix in MEDIA_SUFFIXES},
}
_DAMAGED = (OSError, EOFError, zlib.error, tarfile.TarError, RecordTooLong)
_OF_LANCE = ".lance"
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}

_IN_ORDER: Mapping[str, Callable[[str, BinaryIO, pa.Schema], Iterator[Read]]] = {
    "webdataset": webdataset.read_samples,
    "tfrecord": tfrecord.read_examples,
    "mds": mds.read_samples,
    "files": whole_files.read_whole,
}
"""Formats whose files are read from their beginning to their end."""
_INFERRED: Mapping[str, Callable[[BinaryIO, str, int], pa.Schema]] = {
    "webdataset": webdataset.infer,
    "tfrecord": tfrecord.infer,
    "mds": mds.infer,
}


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
    beside: tuple[str, ...] = ()
    """Further files that it is read from: of a data set of Lance, `path` is the manifest, and of
    a pair of Megatron the index."""

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.beside)


def kind_of(path: str, declared: str) -> tuple[Format, Compression]:
    """Return format and compression by name; raises Invalid when the format cannot be told."""
    compression: Compression = "none"
    name = path.lower()
    for suffix, found in _COMPRESSIONS.items():
        if name.endswith(suffix):
            name, compression = name.removesuffix(suffix), found
    if declared == "lance" or (declared == "auto" and name.endswith(_OF_LANCE)):
        told = f"{path!r} is of no data set of Lance whose _versions/ is there, too."
        raise Invalid(told, path=path)
    if declared == "megatron":
        told = f"{path!r} is none of a pair of Megatron, an .idx and the .bin of its name."
        raise Invalid(told, path=path)
    if declared != "auto":
        return cast(Format, declared), compression
    for suffix, known in _FORMATS.items():
        if name.endswith(suffix):
            return known, compression
    raise Invalid(f"The format of {path!r} cannot be told from its name; declare it.", path=path)


def read(
    piece: Piece, open_input: OpenInput, schema: pa.Schema, piece_bytes: int = READ_BYTES
) -> Iterator[Read]:
    """Yield the rows of `piece` in order, in batches of about `piece_bytes` of input.

    Raises Invalid when the file as a whole is damaged; a bad record is no reason to.
    """
    units = range(piece.start, piece.end)
    if piece.format == "lance":
        for batch in lance.batches_of(piece.path, piece.beside, units, open_input, schema):
            yield Read(batch, (), batch.num_rows)
        return
    source = open_input(piece.path)
    if piece.format == "megatron":
        (ids,) = piece.beside
        index = megatron.Index(piece.path, source)
        yield from megatron.read_documents(index, ids, open_input(ids), units, schema)
        return
    if piece.format in COLUMNAR:
        kind = cast(ColumnarFormat, piece.format)
        for batch in columnar.batches_of(kind, source, piece.path, units, schema):
            yield Read(batch, (), batch.num_rows)
        return
    with _open(piece, source) as (base, stream), _damage_named(piece.path):
        if piece.format == "jsonl":
            fmt = jsonl.JsonLines(schema)
            for offset, data in pieces(stream, fmt, piece_bytes):
                yield read_piece(fmt, piece.path, base + offset, data)
        elif piece.format == "csv":
            yield from _read_csv(piece, source, (base, stream), schema, piece_bytes)
        else:
            yield from _IN_ORDER[piece.format](piece.path, stream, schema)


@contextmanager
def _damage_named(path: str) -> Iterator[None]:
    """Turn what damaged bytes raise into Invalid."""
    try:
        yield
    except _DAMAGED as error:
        raise Invalid(f"{path} is damaged: {error}", path=path) from error


def read_pieces(
    parts: Iterable[Piece], open_input: OpenInput, schema: pa.Schema, piece_bytes: int = READ_BYTES
) -> Iterator[Read]:
    """Yield the rows of pieces in order, as `read` does; files that are rows come many at once."""
    for whole, some in itertools.groupby(parts, lambda piece: piece.format == "files"):
        rows = (found for piece in some for found in read(piece, open_input, schema, piece_bytes))
        yield from whole_files.together(rows) if whole else rows


def _read_csv(
    piece: Piece,
    source: ByteSource,
    opened: tuple[int, BinaryIO],
    schema: pa.Schema,
    piece_bytes: int,
) -> Iterator[Read]:
    base, stream = opened
    fmt, quotes = csv.Csv(schema, ()), 0
    if base:
        fmt, _ = _csv_of(source.read_range(0, csv_cuts.HEADER_BYTES), piece.path, schema)
    for offset, data in pieces(stream, fmt, piece_bytes):
        quotes += csv.quotes_in(data)
        skip = 0
        if not fmt.header:
            fmt, skip = _csv_of(data, piece.path, schema)
        yield read_piece(fmt, piece.path, base + offset + skip, data[skip:])
    if piece.end < source.size:
        csv_cuts.check_even(quotes, piece.end, piece.path)


def _csv_of(data: Data, path: str, schema: pa.Schema) -> tuple[csv.Csv, int]:
    """Return how the records below a header are read, and where they begin."""
    header, end = csv.header_of(data, path)
    if missing := [name for name in schema.names if name not in header]:
        raise Invalid(f"{path} lacks the columns {', '.join(missing)}.", path=path)
    return csv.Csv(schema, header), end


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
        if piece.compression == "none" and piece.format in CUT_BY_BYTES:
            start, end = (_next_start(piece, source, at) for at in (piece.start, piece.end))
            ranged = RangedFile(_Window(source, start, max(start, end)))
            return start, cast(BinaryIO, ranged)
        raw = source.open()
        self._streams.append(raw)
        if piece.compression == "gzip":
            self._streams.append(cast(BinaryIO, gzip.GzipFile(fileobj=raw)))
        elif piece.compression == "zstd":
            # Arrow's reader, and not zstandard's, says so when the file is cut off; buffered, since
            # what it was to read into is lost when it raises
            reader = pa.CompressedInputStream(pa.PythonFile(file_of(raw), mode="r"), "zstd")
            self._streams.append(cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, reader))))
        return 0, self._streams[-1]

    def __exit__(self, *_: object) -> None:
        for stream in reversed(self._streams):
            stream.close()


def _next_start(piece: Piece, source: ByteSource, position: int) -> int:
    """Return where the first record begins at or behind a byte of the file."""
    if position >= source.size:
        return source.size
    if piece.format == "jsonl":
        return jsonl.next_line(source, position)
    return csv_cuts.next_record(source, position, piece.path)


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


def infer_schema(piece: Piece, open_input: OpenInput) -> pa.Schema:
    """Return the schema of a file: what it declares, else inferred from its first MiB.

    Times and dates in text stay text, and a column without a value is text, because a wrong guess
    would quarantine good rows. Raises Invalid when the file is damaged, and pa.ArrowInvalid when
    the values of a column are of mixed types.
    """
    if piece.format == "files":
        return whole_files.SCHEMA
    if piece.format == "lance":
        return lance.schema_of(piece.path, open_input)
    source = open_input(piece.path)
    if piece.format == "megatron":
        return megatron.schema_of(megatron.Index(piece.path, source))
    if piece.format in COLUMNAR:
        return columnar.schema_of(cast(ColumnarFormat, piece.format), source, piece.path)
    with _open(piece, source) as (_, stream), _damage_named(piece.path):
        if piece.format in _INFERRED:
            return _INFERRED[piece.format](stream, piece.path, SAMPLE_BYTES)
        sample = stream.read(SAMPLE_BYTES)
    end = csv.complete(sample) if piece.format == "csv" else jsonl.complete(sample)
    sample = sample[: end or None]
    found = csv.infer(sample, piece.path) if piece.format == "csv" else jsonl.infer(sample)
    return pa.schema([pa.field(each.name, spelled(each.type, nulls=True)) for each in found])


def cut(
    path: str,
    size: int,
    declared: str,
    open_input: OpenInput,
    piece_bytes: int,
    rows: int | None = None,
) -> Iterator[tuple[Piece, int]]:
    """Yield the pieces of a file of `size` bytes, with their own sizes: one if it holds nothing.

    Opens columnar files alone; raises Invalid when one is damaged, or does not tell of `rows`.
    """
    found, compression = kind_of(path, declared)
    if found in COLUMNAR:
        sizes = columnar.unit_bytes(cast(ColumnarFormat, found), open_input(path), path, rows)
        for start, end, held in _runs(sizes, 0 if found == "parquet" else piece_bytes):
            yield Piece(path, found, compression, start, end), held
    elif compression == "none" and found in CUT_BY_BYTES:
        for start, end in _evenly(size, piece_bytes):
            yield Piece(path, found, compression, start, end), end - start
    else:
        yield Piece(path, found, compression, 0, size), size


def cut_data_set(
    main: str, sizes: Mapping[str, int], open_input: OpenInput, piece_bytes: int
) -> Iterator[tuple[Piece, int]]:
    """Yield the pieces of files that are read together, as `cut` does.

    `main` is the manifest of a data set of Lance, or the index of a pair of Megatron; `sizes` are
    those of all files.
    """
    if (ids := megatron.pairs(sizes).get(main)) is not None:
        index = megatron.Index(main, open_input(main))
        for start, end, size in megatron.cut(index, sizes[ids], piece_bytes):
            yield Piece(main, "megatron", "none", start, end, (ids,)), size
        return
    fragments = lance.fragments_of(main, sizes, open_input)
    held = [sum(sizes[path] for path in each.files) for each in fragments]
    for start, end, size in _runs(held, piece_bytes):
        needed = tuple(path for each in fragments[start:end] for path in each.files)
        yield Piece(main, "lance", "none", start, end, needed), size


def _evenly(size: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield equal stretches of at most `most` bytes: an even number of them, or one.

    So two workers, the fewest that there are in earnest, end at the same time.
    """
    count = max(-(-size // most), 1)
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
    yield start, len(sizes), held
