"""shuffle: all rows of the run in an order that has nothing to do with what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from transforms.engine.barriers.exchanging import Exchanging, SortKeys
from transforms.engine.hashing import place_hashes
from transforms.engine.operators.base import ColumnMap, identity
from transforms.engine.params import rule

_KEYS = pa.schema([("hash", pa.uint64())])


@dataclass(frozen=True)
class Shuffle(Exchanging):
    """Put the rows of all shards into a random order, always the same for a `seed`.

    The order is that of a 64-bit hash of the seed, the shard and the row. Rows move between shards,
    so that each part of the result is a sample of the whole.
    """

    NAME: ClassVar[str] = "shuffle"
    VERSION: ClassVar[int] = 1

    seed: int = field(
        default=0, metadata=rule("Another number, another order.", minimum=0, maximum=2**53)
    )

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return {name: (identity(name),) for name in schema.names}

    def sort_keys(self, schema: pa.Schema) -> SortKeys:
        return [("hash", "ascending")]

    def keys(self, batch: pa.RecordBatch, unit: int, first_row: int) -> pa.RecordBatch:
        hashes = place_hashes(self.seed, unit, first_row, batch.num_rows)
        return pa.RecordBatch.from_arrays([pa.array(hashes)], schema=_KEYS)
