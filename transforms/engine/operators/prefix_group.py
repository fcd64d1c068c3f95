"""prefix_group: prompts that begin alike stand next to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Column, concat_batches, ends_of, numbers_in, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Kind,
    Operator,
    Running,
    Scope,
    Subtype,
    identity,
    transformed,
)
from transforms.engine.operators.tokenise import IDS
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_column

Bytes = npt.NDArray[np.uint8]
_ID_BYTES = 4


@dataclass(frozen=True)
class PrefixGroup(Operator):
    """Order the rows of each shard so that those whose text begins alike are neighbours.

    Then what a model keeps of a row serves the next one as far as both are the same. The column
    `shared_prefix` says how far that is: how many characters, or tokens of a column of token ids,
    a row has in common with the row before it; 0 for the first row of a shard. No other order of
    the rows has a larger sum; the run counts it as `shared_prefix`, and all that there is as
    `prefix_total`.

    Rows without a value stand last. Equal rows keep their order. For one order over all shards put
    `sort` before it. Memory: the rows of a shard, twice.
    """

    NAME: ClassVar[str] = "prefix_group"
    VERSION: ClassVar[int] = 1
    SCOPE: ClassVar[Scope] = Scope.SHARD

    column: str = field(metadata=rule("The column of prompts: text or token ids."))
    output: str = field(
        default="shared_prefix", metadata=rule("The column of what is shared with the row before.")
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        kind = require_column(schema, self.column, "column").type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == IDS):
            message = f"{self.column!r} holds {kind}, neither text nor token ids."
            raise refuse([Problem("column", message)])
        if self.output in schema.names:
            raise refuse([Problem("output", f"There is a column {self.output!r} already.")])
        return pa.schema([*schema, pa.field(self.output, pa.int32(), nullable=False)])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        cause = ColumnUse(self.column, Kind.INDIRECT, Subtype.SORT)
        kept = {name: (identity(name), cause) for name in schema.names}
        return {**kept, self.output: (transformed(self.column),)}

    def start(self, encoders: Encoders) -> Running:
        return _Grouping(self)


@dataclass
class _Grouping:
    """Holds the rows of the shard."""

    step: PrefixGroup
    held: list[pa.RecordBatch] = field(default_factory=list)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        self.held.append(batch)
        return Applied(pa.RecordBatch.from_pylist([], self.step.output_schema(batch.schema)))

    def finish(self) -> Applied | None:
        if not self.held:
            return None
        rows = concat_batches(self.held)
        keys = _keys(rows.column(self.step.column))
        order = pc.sort_indices(keys)  # stable, and nulls at the end
        ordered = keys.take(order)
        shared = _shared(ordered)
        data = numbers_in(ordered.buffers()[2], np.uint8)
        edges = ends_of(ordered)
        if rows.schema.field(self.step.column).type == IDS:
            lengths, total = shared // _ID_BYTES, len(data) // _ID_BYTES
        else:
            lengths, total = _characters(data, edges, shared), int(_is_first(data).sum())
        arrays: list[Column] = [*rows.take(order).columns, pa.array(lengths, pa.int32())]
        made = pa.RecordBatch.from_arrays(arrays, schema=self.step.output_schema(rows.schema))
        counts = {"shared_prefix": int(lengths.sum()), "prefix_total": total}
        return Applied(made, counts=counts)


def _keys(column: Column) -> pa.LargeBinaryArray:
    """Return bytes whose order is that of the texts by code point, or of the ids one by one."""
    if column.type != IDS:
        return cast("pa.LargeBinaryArray", text_of(column).cast(pa.large_binary()))
    lists = cast("pa.ListArray[pa.Int32Scalar]", column)
    ids = lists.flatten().to_numpy().astype(">i4")
    lengths = lists.value_lengths().fill_null(0).to_numpy().astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(lengths)]) * _ID_BYTES
    buffers = [pa.py_buffer(cast("memoryview", each)) for each in (ends, ids)]
    whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(lists), [None, *buffers])
    absent = pa.scalar(None, pa.large_binary())
    return cast("pa.LargeBinaryArray", pc.if_else(column.is_valid(), whole, absent))


def _shared(keys: pa.LargeBinaryArray) -> npt.NDArray[np.int64]:
    """Return how many bytes each key has in common with the one before it. Time: their bytes."""
    data, edges = numbers_in(keys.buffers()[2], np.uint8), ends_of(keys)
    shared = np.zeros(len(keys), np.int64)
    for at in range(1, len(keys)):
        length = min(edges[at] - edges[at - 1], edges[at + 1] - edges[at])
        before = data[edges[at - 1] : edges[at - 1] + length]
        differing = before != data[edges[at] : edges[at] + length]
        first = int(differing.argmax()) if length else 0
        shared[at] = first if length and differing[first] else length
    return shared


def _is_first(data: Bytes) -> npt.NDArray[np.bool_]:
    """Return which bytes of UTF-8 are the first of a character."""
    found: npt.NDArray[np.bool_] = (data & 0xC0) != 0x80
    return found


def _characters(
    data: Bytes, edges: npt.NDArray[np.int64], shared: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return how many whole characters the first `shared` bytes of each text hold."""
    firsts = np.concatenate([[0], np.cumsum(_is_first(data))])
    starts = edges[:-1]
    counts: npt.NDArray[np.int64] = firsts[starts + shared] - firsts[starts]
    inside = starts + shared < edges[1:]
    cut = np.zeros(len(shared), np.bool_)
    cut[inside] = ~_is_first(data)[(starts + shared)[inside]]
    return counts - cut
