"""pack: documents of tokens, end to end, cut into rows of one length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import IntegrityBroken
from transforms.engine.encoders import Encoded, Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Kind,
    Operator,
    Running,
    Scope,
    Subtype,
)
from transforms.engine.operators.tokenise import IDS, ids_array
from transforms.engine.params import rule
from transforms.engine.problems import Problem, nearest, refuse, require_column

LENGTH = "length"
DOC_STARTS = "doc_starts"


@dataclass(frozen=True)
class Pack(Operator):
    """Concatenate the documents of a shard in order and cut them into rows of `length` tokens.

    No token is lost: the last row of a shard is padded, and its column `length` says how many
    tokens count (the loss mask of a row is `position < length`). `doc_starts` holds the positions
    at which a document begins, so that attention can be kept within documents. All other columns
    end here.
    """

    NAME: ClassVar[str] = "pack"
    VERSION: ClassVar[int] = 1
    SCOPE: ClassVar[Scope] = Scope.SHARD

    length: int = field(
        default=2048, metadata=rule("Tokens in a row.", minimum=1, maximum=16_777_216)
    )
    column: str = field(default="input_ids", metadata=rule("The column of token ids."))
    pad_id: int = field(
        default=0, metadata=rule("The id behind the end of the last row.", minimum=0)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        if self.column not in schema.names and not any(each.type == IDS for each in schema):
            message = "Nothing here holds token ids; put a tokenise step before."
            raise refuse([Problem("column", message, nearest(self.column, schema.names))])
        if require_column(schema, self.column, "column").type != IDS:
            message = f"{self.column!r} does not hold token ids; put a tokenise step before."
            raise refuse([Problem("column", message)])
        return pa.schema(
            [
                pa.field(self.column, IDS, nullable=False),
                pa.field(LENGTH, pa.int32(), nullable=False),
                pa.field(DOC_STARTS, IDS, nullable=False),
            ]
        )

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        packed = (ColumnUse(self.column, Kind.DIRECT, Subtype.AGGREGATION),)
        return {self.column: packed, LENGTH: packed, DOC_STARTS: packed}

    def start(self, encoders: Encoders) -> Running:
        return _Packing(self)


@dataclass
class _Packing:
    """Holds less than one row of tokens between batches."""

    step: Pack
    tokens: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Where in `tokens` documents begin."""
    taken: int = 0
    given: int = 0

    def apply(self, batch: pa.RecordBatch) -> Applied:
        documents = cast("pa.ListArray[pa.Int32Scalar]", batch.column(self.step.column))
        offsets = documents.offsets.to_numpy().astype(np.int64)
        offsets -= offsets[0]
        fresh = documents.flatten().to_numpy()
        self.taken += len(fresh)
        begun = offsets[:-1][np.diff(offsets) > 0] + len(self.tokens)
        self.starts = np.concatenate([self.starts, begun])
        self.tokens = np.concatenate([self.tokens, fresh])
        return self._give(len(self.tokens) // self.step.length)

    def finish(self) -> Applied | None:
        left = len(self.tokens)
        applied = None
        if left:
            padding = np.full(self.step.length - left, self.step.pad_id, np.int32)
            self.tokens = np.concatenate([self.tokens, padding])
            applied = self._give(1, last_length=left)
        if self.taken != self.given:
            raise IntegrityBroken(
                f"{self.taken} tokens were packed but {self.given} came out.",
                taken=self.taken,
                given=self.given,
            )
        return applied

    def _give(self, rows: int, last_length: int | None = None) -> Applied:
        """Return the first `rows` rows of what is held."""
        length = self.step.length
        cut = rows * length
        lengths = np.full(rows, length, np.int32)
        if last_length is not None:
            lengths[-1] = last_length
        inside = self.starts[self.starts < cut]
        per_row = np.bincount(inside // length, minlength=rows)
        starts = Encoded(
            (inside % length).astype(np.int32), np.concatenate([[0], np.cumsum(per_row)])
        )
        ids = Encoded(self.tokens[:cut], np.arange(rows + 1, dtype=np.int64) * length)
        self.tokens = self.tokens[cut:]
        self.starts = self.starts[self.starts >= cut] - cut
        given = int(lengths.sum())
        self.given += given
        schema = self.step.output_schema(
            pa.schema([pa.field(self.step.column, IDS, nullable=False)])
        )
        arrays = [ids_array(ids), pa.array(lengths), ids_array(starts)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        return Applied(batch, counts={"packed_tokens": given, "packed_rows": rows})
