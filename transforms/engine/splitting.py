"""The split: which part a row goes to, the same in every shard and in every run."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from core.errors import InvalidSpec
from transforms.engine.arrow import Column, values_of
from transforms.engine.output import Split
from transforms.engine.problems import Problem, problems_of, require_column

_PLACE = struct.Struct("<QQ")


def split_problems(split: Split, schema: pa.Schema) -> Iterator[Problem]:
    """Yield why rows of `schema` cannot be split so."""
    if split.by is None:
        return
    try:
        kind = require_column(schema, split.by, "split.by").type
    except InvalidSpec as error:
        yield from problems_of(error)
        return
    if not _is_a_key(kind):
        yield Problem("split.by", f"{split.by!r} holds {kind}; text or a number can be a key.")


def _is_a_key(kind: pa.DataType) -> bool:
    asked = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_integer,
        pa.types.is_boolean,
        pa.types.is_date,
        pa.types.is_timestamp,
    )
    return any(ask(kind) for ask in asked)


class Splitter:
    """Tells the part of each row of one shard; batches come in shard order.

    A row goes by the 64-bit XXH3 of its key, or of (shard, row) where the split has no column: the
    parts lie one after the other, in order of their names, on the range of the hash. The key of a
    value is its text in UTF-8, so 7 and "7" go together; a null counts as empty text.
    """

    def __init__(self, split: Split, shard: int) -> None:
        self.names = sorted(split.parts)
        self._split, self._shard, self._row = split, shard, 0
        shares = [Fraction(split.parts[name]) for name in self.names]
        whole = sum(shares)
        ends = [int(end * 2**64 / whole) for end in itertools.accumulate(shares)]
        self._starts = np.array(ends[:-1], np.uint64)
        """Where every part but the first begins."""

    def apply(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows of `batch` by part, in order; parts without a row are left out."""
        chosen = np.searchsorted(self._starts, self._hashes(batch), side="right")
        for at, name in enumerate(self.names):
            rows = batch.filter(pa.array(chosen == at))
            if rows.num_rows:
                yield name, rows

    def _hashes(self, batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
        first, self._row = self._row, self._row + batch.num_rows
        by, seed = self._split.by, self._split.seed
        places = range(first, self._row)
        keys = (
            [_PLACE.pack(self._shard, row) for row in places]
            if by is None
            else _keys(batch.column(by))
        )
        hashes = (xxhash.xxh3_64_intdigest(key, seed) for key in keys)
        return np.fromiter(hashes, np.uint64, batch.num_rows)


def _keys(column: Column) -> list[bytes]:
    text = column if _is_binary(column.type) else column.cast(pa.large_string())
    keys = cast("list[bytes | None]", values_of(text.cast(pa.large_binary())))
    return [b"" if key is None else key for key in keys]


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
