"""What the join benchmark reads: pages, and what is said of some of them, as Parquet.

Pages name an address each, some addresses several times; in the other input an address stands once.
Two in three pages have a match. Texts are hexadecimal digits of random bytes: zstd halves them, so
that a file is about half as large as its rows are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

FILES = 4
_CHUNK_ROWS = 50_000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """Rows of both inputs, and characters of text in each row."""

    pages: int
    page_text: int
    notes: int
    note_text: int


@dataclass(frozen=True)
class Corpus:
    """Two folders that hold Parquet files and nothing else."""

    pages: Path
    notes: Path
    matches: int
    """Rows of the inner join."""

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for side in (self.pages, self.notes) for path in files(side))


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def write_join_corpus(root: Path, size: Size) -> Corpus:
    """Write both inputs below `root`; the same size gives the same bytes. Memory: a chunk."""
    chance = np.random.default_rng(7)
    addresses = chance.integers(0, size.notes * 3 // 2, size.pages)
    corpus = Corpus(root / "pages", root / "notes", int((addresses < size.notes).sum()))
    _write(corpus.pages, addresses, size.page_text, chance, ("id", "url", "text"))
    order = chance.permutation(size.notes)
    _write(corpus.notes, order, size.note_text, chance, ("score", "url", "note"))
    return corpus


def _write(
    folder: Path,
    addresses: Numbers,
    characters: int,
    chance: np.random.Generator,
    names: tuple[str, str, str],
) -> None:
    folder.mkdir(parents=True)
    numbers = np.arange(len(addresses))
    for part, picked in enumerate(np.array_split(numbers, FILES)):
        batches = _batches(picked, addresses, characters, chance, names)
        first = next(batches)
        with pq.ParquetWriter(folder / f"{part}.parquet", first.schema, compression="zstd") as made:
            made.write_batch(first)
            for batch in batches:
                made.write_batch(batch)


def _batches(
    picked: Numbers,
    addresses: Numbers,
    characters: int,
    chance: np.random.Generator,
    names: tuple[str, str, str],
) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(picked), _CHUNK_ROWS):
        numbers = picked[start : start + _CHUNK_ROWS]
        urls = pa.array([f"https://example.org/{each}" for each in addresses[numbers].tolist()])
        columns: list[pa.Array[Any]] = [
            pa.array(numbers),
            urls,
            _texts(chance, len(numbers), characters),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=list(names))


def _texts(chance: np.random.Generator, count: int, characters: int) -> pa.StringArray:
    data = chance.bytes(count * characters // 2).hex().encode()
    offsets = cast("memoryview", np.arange(count + 1, dtype=np.int32) * characters)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
