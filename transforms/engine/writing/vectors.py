"""Indexes of vectors: beside each part files of usearch, which answer with the numbers of its rows.

An index is a graph (HNSW, source: arXiv 1603.09320) built by one thread in the order of the rows,
so that the same rows give the same bytes. What it holds are the vectors of one column of the part
and nothing else: whoever may not see the column may not have the index either.
"""

from __future__ import annotations

import importlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid, InvalidSpec
from core.manifest import FileEntry
from transforms.engine.output import VectorIndex
from transforms.engine.problems import Problem, problems_of, require_column
from transforms.engine.sources import ByteSource
from transforms.engine.writing.base import Part, PartWriter, Whole
from transforms.engine.writing.files import VECTORS_MEDIA_TYPE

ENDING = ".usearch"
SUMMARY = "vectors.json"
INDEX_BYTES = 64 * 1024 * 1024
"""How much of vectors one file holds at most."""
VERSION = 1
"""Rises whenever the same rows would give other bytes."""
_MODULE = "usearch.index"
_HEAD = struct.Struct("<II")
"""A file begins with the number of its vectors and the bytes of each."""
_WIDTHS = {"f32": 4, "f16": 2}


def is_installed() -> bool:
    return find_spec("usearch") is not None


def versions() -> Mapping[str, str]:
    """Return what beside the rows decides the bytes of an index."""
    found = {"usearch": version("usearch")} if is_installed() else {}
    return {"vector-index": str(VERSION), **found}


def problems(asked: VectorIndex, schema: pa.Schema) -> Iterator[Problem]:
    """Yield why the column cannot be indexed."""
    if not is_installed():
        message = "The extra `vectors` is not installed here; it brings usearch."
        yield Problem("output.index", message)
    try:
        kind = require_column(schema, asked.column, "output.index.column").type
    except InvalidSpec as error:
        yield from problems_of(error)
        return
    if not _holds_vectors(kind):
        message = (
            f"{asked.column!r} holds {kind}, not lists of floating-point numbers; put an embed "
            "step before, or name another column."
        )
        yield Problem("output.index.column", message)


def _holds_vectors(kind: pa.DataType) -> bool:
    asked = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(ask(kind) for ask in asked):
        return False
    return pa.types.is_floating(cast("pa.ListType[pa.DataType]", kind).value_type)


class VectorIndexPart(PartWriter):
    """The index of one part, in files of INDEX_BYTES of vectors.

    A row without a vector is not in it. Memory: twice one file, and its graph, which takes some
    8 bytes for each neighbour.
    """

    def __init__(self, part: Part, asked: VectorIndex) -> None:
        super().__init__(part)
        self._asked = asked
        self._graph: Any = None
        self._dimensions = self._most = self._held = self._files = 0
        self._vectors = self._nulls = 0

    def add(self, batch: pa.RecordBatch) -> None:
        column = batch.column(batch.schema.get_field_index(self._asked.column))
        present = column.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(present) + (self.rows - batch.num_rows)
        self._nulls += batch.num_rows - len(rows)
        if not len(rows):
            return
        vectors = self._matrix(column.drop_null())
        start = 0
        while start < len(rows):
            end = start + min(self._most - self._held, len(rows) - start)
            self._hold(rows[start:end], vectors[start:end])
            start = end

    def _matrix(self, lists: Any) -> npt.NDArray[np.float32]:
        """Return vectors of one length; raises Invalid, which tells no value."""
        lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
        if not self._dimensions:
            self._dimensions = int(lengths[0])
            row_bytes = self._dimensions * _WIDTHS[self._asked.dtype]
            self._most = max(1, INDEX_BYTES // max(1, row_bytes))
        name, numbers = self._asked.column, lists.flatten()
        if not self._dimensions or (lengths != self._dimensions).any():
            raise Invalid(
                f"The vectors of {name!r} are not of one length, or empty, and such ones cannot "
                "be compared: filter them out, or write no index."
            )
        with np.errstate(over="ignore"):
            found = numbers.to_numpy(zero_copy_only=False).astype(np.float32)
        limit = np.finfo(self._asked.dtype.replace("f", "float")).max
        if not (np.abs(found) <= limit).all():
            raise Invalid(
                f"A vector of {name!r} holds a null, no number, or one that {self._asked.dtype} "
                "cannot hold: filter such rows out, or write no index."
            )
        matrix: npt.NDArray[np.float32] = found.reshape(-1, self._dimensions)
        return matrix

    def _hold(self, rows: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        if self._graph is None:
            self._graph = importlib.import_module(_MODULE).Index(
                ndim=self._dimensions,
                metric=self._asked.metric,
                dtype=self._asked.dtype,
                connectivity=self._asked.connectivity,
                expansion_add=self._asked.expansion,
                enable_key_lookups=False,
            )
        self._graph.add(rows.astype(np.uint64), vectors, threads=1)
        self._held += len(rows)
        if self._held == self._most:
            self._write()

    def _write(self) -> None:
        file = self.begin(f".{self._files:05d}{ENDING}", VECTORS_MEDIA_TYPE)
        file.write(self._graph.save())
        self.finish(file, rows=0)
        self._vectors += self._held
        self._files += 1
        self._graph, self._held = None, 0

    def end(self) -> None:
        if self._held:
            self._write()

    def counts(self) -> Mapping[str, int]:
        return {"index_vectors": self._vectors, "index_nulls": self._nulls}


def summaries(whole: Whole, open_file: Callable[[str], ByteSource]) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the bytes of what says of each folder which index belongs to which part.

    Reads 8 bytes of each index. Raises Invalid when parts have vectors of several lengths.
    """
    asked = whole.output.index
    if asked is None:
        return
    for name in whole.parts:
        folder = f"{name}/" if name else ""
        told, widths = _told_parts(whole.files_of(name), folder, open_file)
        if len(widths) > 1:
            raise Invalid(
                f"The vectors of {asked.column!r} are of one length in each part, but not in all "
                "of them, so no index can be made over them."
            )
        summary = {
            "version": VERSION,
            "column": asked.column,
            "metric": asked.metric,
            "dtype": asked.dtype,
            "dimensions": widths.pop() // _WIDTHS[asked.dtype] if widths else None,
            "connectivity": asked.connectivity,
            "expansion": asked.expansion,
            "rows": sum(each.rows for each in told),
            "vectors": sum(index.vectors for each in told for index in each.indexes),
            "parts": [asdict(each) for each in told],
        }
        yield f"{folder}{SUMMARY}", json.dumps(summary, indent=2, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Index:
    path: str
    vectors: int


@dataclass(slots=True)
class _ToldPart:
    path: str
    rows: int
    indexes: list[_Index] = field(default_factory=list)


def _told_parts(
    files: Sequence[FileEntry], folder: str, open_file: Callable[[str], ByteSource]
) -> tuple[list[_ToldPart], set[int]]:
    """Return the parts, each with its indexes, which come behind it, and the widths of vectors."""
    told: list[_ToldPart] = []
    widths: set[int] = set()
    for file in files:
        path = file.path.removeprefix(folder)
        if not path.endswith(ENDING):
            told.append(_ToldPart(path, file.rows or 0))
            continue
        count, width = _HEAD.unpack(open_file(file.path).read_range(0, _HEAD.size))
        told[-1].indexes.append(_Index(path, count))
        widths.add(width)
    return told, widths
