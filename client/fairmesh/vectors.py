"""The nearest rows of a fetched version, by the index that its pipeline wrote beside the parts.

Works off-line on a folder that `get` filled and verified: an index file is mapped into memory as it
is, so search only what was verified. Needs the extra `vectors`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import nsmallest
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from fairmesh.errors import UsageError
from fairmesh.transport import Json

SUMMARY = "vectors.json"
_KNOWN = 1
Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row by its part and its number there, and how far its vector is from the one asked for."""

    part: str
    row: int
    distance: float


@dataclass(frozen=True)
class Vectors:
    """The index of a folder, as its `vectors.json` describes it."""

    folder: Path
    told: Json

    @classmethod
    def of(cls, folder: Path) -> Vectors:
        """Return the index of a fetched version, or of one part of its split.

        Raises UsageError when there is none, or one of a later release.
        """
        try:
            told = json.loads((folder / SUMMARY).read_bytes())
        except FileNotFoundError:
            raise UsageError(
                f"{folder} has no {SUMMARY}: name the folder of a fetched version, or of a part of "
                "its split, that was written with an index."
            ) from None
        except ValueError:
            raise UsageError(f"{folder / SUMMARY} is not JSON.") from None
        if not isinstance(told, dict) or told.get("version") != _KNOWN:
            raise UsageError(f"{folder / SUMMARY} is of a release that is not known here.")
        return cls(folder, told)

    @property
    def column(self) -> str:
        return str(self.told["column"])

    def nearest(
        self, queries: Sequence[Vector], count: int = 10, expansion: int = 256
    ) -> list[list[Neighbour]]:
        """Return for each query its `count` nearest rows, the nearest first.

        They are found, not proved: a row may be missed, and fewer are with a larger `expansion`,
        the candidates looked at in each file. Distances: cosine and inner product as 1 minus it,
        `l2sq` squared. Memory: one index file, mapped. Raises UsageError for a query of another
        length.
        """
        usearch, numpy = _libraries()
        asked = [self._checked(numpy.array(query, dtype=numpy.float32)) for query in queries]
        found: list[list[Neighbour]] = [[] for _ in asked]
        for part, index in self._indexes():
            graph = usearch.Index.restore(str(self._file(index)), view=True)
            graph.expansion_search = max(expansion, count)
            for query, held in zip(asked, found, strict=True):
                matches = graph.search(query, count, threads=1)
                pairs = zip(matches.keys.tolist(), matches.distances.tolist(), strict=True)
                held += [Neighbour(part, row, distance) for row, distance in pairs]
        # parts are told in order, so of rows equally far the first stays the first
        return [nsmallest(count, held, key=lambda each: each.distance) for held in found]

    def rows(self, found: Sequence[Neighbour], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the rows of neighbours in their order; by default without their vectors.

        Reads those parts from their beginning, a batch at a time. Raises UsageError for a column
        that is not there.
        """
        by_part: dict[str, list[int]] = {}
        for each in found:
            by_part.setdefault(each.part, []).append(each.row)
        read = {part: self._read(part, numbers, columns) for part, numbers in by_part.items()}
        return [read[each.part][each.row] for each in found]

    def _read(
        self, part: str, numbers: Sequence[int], columns: Sequence[str]
    ) -> dict[int, dict[str, Any]]:
        """Return rows of a part by their numbers."""
        found: dict[int, dict[str, Any]] = {}
        left = sorted(set(numbers), reverse=True)
        start = 0
        with _open(self._file(part)) as (known, batches):
            wanted = columns or [name for name in known if name != self.column] or known
            if missing := [name for name in wanted if name not in known]:
                raise UsageError(f"{part} has no column {missing[0]!r}, only {', '.join(known)}.")
            for batch in batches(list(wanted)):
                while left and left[-1] < start + batch.num_rows:
                    number = left.pop()
                    (found[number],) = batch.slice(number - start, 1).to_pylist()
                start += batch.num_rows
                if not left:
                    break
        return found

    def _checked(self, query: Any) -> Any:
        dimensions = self.told["dimensions"]
        if query.shape != (dimensions,) and dimensions is not None:
            raise UsageError(
                f"A query is {dimensions} numbers, as the vectors of {self.column!r} are; found "
                f"{' x '.join(map(str, query.shape))}."
            )
        return query

    def _indexes(self) -> list[tuple[str, str]]:
        parts = cast("list[Json]", self.told["parts"])
        return [(part["path"], index["path"]) for part in parts for index in part["indexes"]]

    def _file(self, path: str) -> Path:
        """Return where a file lies; raise when a path would lead out of the folder."""
        file = self.folder / path
        if not file.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(f"{path} leads out of {self.folder}.")
        if not file.is_file():
            raise UsageError(f"{path} is not in {self.folder}: fetch the whole version.")
        return file


Batches = Callable[[list[str]], Iterator[pa.RecordBatch]]


@contextmanager
def _open(path: Path) -> Iterator[tuple[list[str], Batches]]:
    """Give the columns of a part and what yields its rows, in this thread.

    A command that ends while Arrow's own threads still run is aborted.
    """
    with pa.memory_map(str(path)) as file:
        if path.suffix == ".arrow":
            arrow = pa.ipc.open_file(file)
            places = range(arrow.num_record_batches)
            yield (
                arrow.schema.names,
                lambda names: (arrow.get_batch(at).select(names) for at in places),
            )
            return
        parquet = pq.ParquetFile(file, pre_buffer=False)
        yield (
            parquet.schema_arrow.names,
            lambda names: parquet.iter_batches(columns=names, use_threads=False),
        )


def _libraries() -> tuple[Any, Any]:
    if find_spec("usearch") is None:
        raise UsageError("The extra `vectors` is not installed: pip install 'fairmesh[vectors]'.")
    return importlib.import_module("usearch.index"), importlib.import_module("numpy")
