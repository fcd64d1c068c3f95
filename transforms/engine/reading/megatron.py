"""Pairs of Megatron: an index tells where the token ids of each document lie in the file beside it.

A row is a document, of one sequence or several. The layout is that of `writing/megatron.py`.
Source: Megatron-LM's `indexed_dataset.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column
from transforms.engine.reading.binary import (
    MOST_RECORD_BYTES,
    Record,
    read_records,
    spread,
)
from transforms.engine.reading.child import damaged
from transforms.engine.reading.records import Read
from transforms.engine.sources import READ_BYTES, ByteSource
from transforms.engine.writing.megatron import CODES, DEFAULT_COLUMN, HEAD, MAGIC, VERSION

_IDS, _INDEX = ".bin", ".idx"
_DTYPES = {code: np.dtype(name).newbyteorder("<") for name, code in CODES.items()}
Numbers = npt.NDArray[np.int64]


def pairs(paths: Iterable[str]) -> Mapping[str, str]:
    """Return, by index, the file of token ids beside it, of those among `paths` that have both."""
    there = frozenset(paths)
    beside = {path: path.removesuffix(_INDEX) + _IDS for path in there if path.endswith(_INDEX)}
    return {index: ids for index, ids in beside.items() if ids in there}


@dataclass(frozen=True, slots=True)
class Documents:
    """Neighbouring documents of an index: those of i are sequences [borders[i], borders[i + 1])."""

    borders: Numbers
    starts: Numbers
    """In which byte of the file of ids each sequence begins."""
    sizes: Numbers
    """The bytes of each sequence."""

    @property
    def bytes(self) -> Numbers:
        """The bytes of each document."""
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes)])
        return np.diff(ends[self.borders])


class Index:
    """What an index says of itself. Raises Invalid where it is none, or of ids that are not read.

    Memory: 28 bytes for each document that is asked for, and 12 for each further sequence of it.
    """

    def __init__(self, path: str, source: ByteSource) -> None:
        self._path, self._source = path, source
        head = source.read_range(0, len(MAGIC) + HEAD.size)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + HEAD.size:
            raise damaged(path, "it does not begin as an index of Megatron")
        version, code, self._sequences, borders = HEAD.unpack_from(head, len(MAGIC))
        if version != VERSION or code not in _DTYPES:
            told = f"{path} is an index of Megatron of a version or a type of ids that is not read."
            raise Invalid(told, path=path)
        self.dtype = _DTYPES[code]
        self.documents = borders - 1
        self._lengths_at = len(head)
        self._starts_at = self._lengths_at + 4 * self._sequences
        self._borders_at = self._starts_at + 8 * self._sequences
        surplus = source.size - self._borders_at - 8 * borders
        if surplus == self._sequences > 0:
            raise Invalid(f"{path} tells modes of its sequences, which is not read.", path=path)
        if surplus or self.documents < 0:
            raise damaged(path, "it is not as long as it says")

    def of(self, documents: range, size: int) -> Documents:
        """Return some documents, whose ids lie in a file of `size` bytes."""
        borders = self._numbers("<i8", self._borders_at, documents.start, documents.stop + 1)
        first, last = int(borders[0]), int(borders[-1])
        if first < 0 or last > self._sequences or (np.diff(borders) < 0).any():
            raise damaged(self._path, "a document has sequences that there are not")
        lengths = self._numbers("<i4", self._lengths_at, first, last)
        starts = self._numbers("<i8", self._starts_at, first, last)
        sizes = lengths * self.dtype.itemsize
        if (lengths < 0).any() or (starts < 0).any() or (starts > size - sizes).any():
            raise damaged(self._path, "a sequence lies where no token ids are")
        return Documents(borders - first, starts, sizes)

    def all(self, size: int) -> Documents:
        """Return all documents; raises Invalid unless they are all of a file of `size` bytes."""
        found = self.of(range(self.documents), size)
        if len(found.sizes) != self._sequences or int(found.sizes.sum()) != size:
            raise damaged(self._path, "its documents are not all that lies in the file beside it")
        return found

    def _numbers(self, kind: str, at: int, first: int, last: int) -> Numbers:
        item = np.dtype(kind).itemsize
        data = self._source.read_range(at + item * first, item * (last - first))
        return np.frombuffer(data, kind).astype(np.int64)


def cut(index: Index, size: int, most: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, bytes) of neighbouring documents of at most `most` bytes, at least one.

    `size` is that of the file of ids. Where there is no document, one piece holds nothing.
    """
    ends = np.cumsum(index.all(size).bytes)
    start = before = 0
    while start < len(ends):
        end = max(int(np.searchsorted(ends, before + most, "right")), start + 1)
        yield start, end, int(ends[end - 1]) - before
        start, before = end, int(ends[end - 1])
    if not len(ends):
        yield 0, 0, 0


def schema_of(index: Index) -> pa.Schema:
    """Return the one column that there is."""
    item = pa.from_numpy_dtype(index.dtype)
    return pa.schema([pa.field(DEFAULT_COLUMN, pa.list_(item))])


def read_documents(
    index: Index, path: str, source: ByteSource, documents: range, schema: pa.Schema
) -> Iterator[Read]:
    """Yield some documents as rows of `schema`; those whose ids do not fit it are set aside.

    `source` holds the ids, at `path`. Raises Invalid where the index tells of others, or the schema
    of other columns.
    """
    if missing := [name for name in schema.names if name != DEFAULT_COLUMN]:
        told = f"{path} has token ids alone, as {DEFAULT_COLUMN}, and not {', '.join(missing)}."
        raise Invalid(told, path=path)
    found = index.of(documents, source.size)
    return read_records(path, _records(path, source, found), _Ids(index.dtype), schema)


def _records(path: str, source: ByteSource, documents: Documents) -> Iterator[Record]:
    window = _Window(source)
    for row, size in enumerate(documents.bytes.tolist()):
        if size > MOST_RECORD_BYTES:
            told = f"{path} has a document of more than {MOST_RECORD_BYTES >> 20} MiB."
            raise Invalid(told, path=path)
        own = slice(*documents.borders[row : row + 2].tolist())
        starts, sizes = documents.starts[own].tolist(), documents.sizes[own].tolist()
        data = b"".join(map(window.bytes, starts, sizes))
        if len(data) < size:
            raise damaged(path, "it is cut off")
        yield Record(starts[0] if starts else 0, data)


class _Window:
    """Bytes of a source that are read ahead: sequences mostly follow each other."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._start, self._held = 0, b""

    def bytes(self, start: int, size: int) -> bytes:
        at = start - self._start
        if not 0 <= at <= len(self._held) - size:
            self._start, at = start, 0
            self._held = self._source.read_range(start, max(size, READ_BYTES))
        return self._held[at : at + size]


@dataclass(frozen=True, slots=True)
class _Ids:
    """Documents as lists of numbers."""

    dtype: np.dtype[np.generic]

    def decoded(self, data: bytes) -> bytes:
        return data

    def column(self, rows: Sequence[bytes], field: AnyField) -> Column:
        items = pa.array(np.frombuffer(b"".join(rows), self.dtype))
        counts = np.array([len(row) // self.dtype.itemsize for row in rows], np.int64)
        return spread(items, counts, np.zeros(len(rows), np.bool_), field)
