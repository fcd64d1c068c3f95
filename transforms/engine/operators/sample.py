"""sample: keep a share of the rows, always the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from transforms.engine.arrow import Column
from transforms.engine.encoders import Encoders
from transforms.engine.hashing import mixed
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
)
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.params import rule
from transforms.engine.row_hashes import Hashes, plain, row_hashes

REASON = "not_sampled"
_VIEWS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


@dataclass(frozen=True)
class Sample(Operator):
    """Keep a share of the rows, chosen by a hash of some columns or of the whole row.

    Which rows stay depends on their content and `seed` alone, not on their place: rows with equal
    columns stay or go together, and a larger share keeps all that a smaller one keeps. Nulls are
    equal to each other.
    """

    NAME: ClassVar[str] = "sample"
    VERSION: ClassVar[int] = 1

    share: float = field(
        metadata=rule("The share of the hash's values that stay.", minimum=0, maximum=1)
    )
    by: tuple[str, ...] = field(
        default=(), metadata=rule("The columns that are hashed; by default all.")
    )
    seed: int = field(
        default=0, metadata=rule("Another number chooses other rows.", minimum=0, maximum=2**32 - 1)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        whole = [each.with_type(_viewed(each.type)) for each in schema]
        DedupExact(self._keys(schema)).output_schema(pa.schema(whole))
        return schema

    def _keys(self, schema: pa.Schema) -> tuple[str, ...]:
        return self.by or tuple(schema.names)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return filtered_by(self._keys(schema), {name: identity(name) for name in schema.names})

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        names = self._keys(batch.schema)
        hashes = row_hashes([_as_bits(batch.column(name)) for name in names], plain())
        places = _places(hashes, self.seed)
        limit = round(self.share * 2**64)
        out = places >= np.uint64(limit) if limit < 2**64 else np.zeros(len(places), np.bool_)
        return keep_rows(batch, np.where(out, 0, -1), (REASON,))


def _viewed(kind: pa.DataType) -> pa.DataType:
    return _VIEWS[kind.bit_width] if pa.types.is_floating(kind) else kind


def _as_bits(values: Column) -> Column:
    """Return fractions as the whole numbers that their bits spell, others as they are."""
    return values.view(_viewed(values.type)) if pa.types.is_floating(values.type) else values


def _places(hashes: Hashes, seed: int) -> npt.NDArray[np.uint64]:
    """Return a number below 2^64 for each hash, another one for each seed."""
    salt = np.uint64(xxhash.xxh3_64_intdigest(str(seed).encode()))
    return mixed(np.ascontiguousarray(hashes).view(np.uint64)[:, 0] ^ salt)
