"""pack: documents of tokens in rows of one length, end to end or each where it fits best."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import IntegrityBroken
from transforms.engine.arrow import AnyField, Column
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
LOSS_MASK = "loss_mask"
Tokens = npt.NDArray[np.int32]
_MASK = pa.list_(pa.field("item", pa.bool_(), nullable=False))


@dataclass(frozen=True)
class Pack(Operator):
    """Put the documents of a shard into rows of `length` tokens; no token is lost.

    `concatenate` puts them end to end in their order and cuts: only the last row of a shard is
    padded. `best_fit` cuts only what is longer than a row, and puts each document, or the rest of a
    cut one, whole into the fullest row that has room for it, the longest first
    ([Ding 2024](https://arxiv.org/abs/2404.10830)): rows may be padded, documents are not torn.

    The column `length` says how many tokens of a row count (its loss mask is `position < length`).
    `doc_starts` holds the positions at which a document begins, with `best_fit` also a piece of a
    cut one, so that attention can be kept within them. All other columns end here.
    """

    NAME: ClassVar[str] = "pack"
    VERSION: ClassVar[int] = 1
    SCOPE: ClassVar[Scope] = Scope.SHARD

    length: int = field(
        default=2048, metadata=rule("Tokens in a row.", minimum=1, maximum=16_777_216)
    )
    column: str = field(default="input_ids", metadata=rule("The column of token ids."))
    pad_id: int = field(
        default=0, metadata=rule("The id behind the last token of a row.", minimum=0)
    )
    method: Literal["concatenate", "best_fit"] = field(
        default="concatenate", metadata=rule("How documents are put into rows.")
    )
    loss_mask: bool = field(
        default=False,
        metadata=rule("Add the column `loss_mask`: for each position whether it counts."),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        if self.column not in schema.names and not any(each.type == IDS for each in schema):
            message = "Nothing here holds token ids; put a tokenise step before."
            raise refuse([Problem("column", message, nearest(self.column, schema.names))])
        if require_column(schema, self.column, "column").type != IDS:
            message = f"{self.column!r} does not hold token ids; put a tokenise step before."
            raise refuse([Problem("column", message)])
        if self.loss_mask and self.column == LOSS_MASK:
            raise refuse([Problem("column", f"{LOSS_MASK!r} is the name of the mask.")])
        return self.packed_schema()

    def packed_schema(self) -> pa.Schema:
        fields: list[AnyField] = [
            pa.field(self.column, IDS, nullable=False),
            pa.field(LENGTH, pa.int32(), nullable=False),
            pa.field(DOC_STARTS, IDS, nullable=False),
        ]
        if self.loss_mask:
            fields.append(pa.field(LOSS_MASK, _MASK, nullable=False))
        return pa.schema(fields)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        packed = (ColumnUse(self.column, Kind.DIRECT, Subtype.AGGREGATION),)
        return dict.fromkeys(self.packed_schema().names, packed)

    def start(self, encoders: Encoders) -> Running:
        return _Concatenating(self) if self.method == "concatenate" else _Fitting(self)


def _documents(step: Pack, batch: pa.RecordBatch) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """Return the tokens of a batch, and where each document ends after a leading 0."""
    documents = cast("pa.ListArray[pa.Int32Scalar]", batch.column(step.column))
    offsets = documents.offsets.to_numpy().astype(np.int64)
    return documents.flatten().to_numpy(), offsets - offsets[0]


def _rows(step: Pack, tokens: Tokens, lengths: Tokens, starts: Encoded) -> Applied:
    """Return whole rows: `tokens` has `length` of them for each of `lengths`."""
    count = len(lengths)
    edges = np.arange(count + 1, dtype=np.int64) * step.length
    arrays: list[Column] = [
        ids_array(Encoded(tokens, edges)),
        pa.array(lengths),
        ids_array(starts),
    ]
    if step.loss_mask:
        mask = pa.array((np.arange(step.length) < lengths[:, None]).reshape(-1))
        arrays.append(pa.ListArray.from_arrays(pa.array(edges, pa.int32()), mask, type=_MASK))
    batch = pa.RecordBatch.from_arrays(arrays, schema=step.packed_schema())
    given = int(lengths.sum())
    return Applied(batch, counts={"packed_tokens": given, "packed_rows": count})


def _check_nothing_lost(taken: int, given: int) -> None:
    if taken != given:
        raise IntegrityBroken(
            f"{taken} tokens were packed but {given} came out.", taken=taken, given=given
        )


@dataclass
class _Concatenating:
    """Holds less than one row of tokens between batches."""

    step: Pack
    tokens: Tokens = field(default_factory=lambda: np.zeros(0, np.int32))
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Where in `tokens` documents begin."""
    taken: int = 0
    given: int = 0

    def apply(self, batch: pa.RecordBatch) -> Applied:
        fresh, offsets = _documents(self.step, batch)
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
        _check_nothing_lost(self.taken, self.given)
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
        applied = _rows(self.step, self.tokens[:cut], lengths, starts)
        self.tokens = self.tokens[cut:]
        self.starts = self.starts[self.starts >= cut] - cut
        self.given += applied.counts["packed_tokens"]
        return applied


@dataclass
class _Fitting:
    """Gives the whole rows of long documents at once, and holds what is shorter until the end."""

    step: Pack
    rests: list[Tokens] = field(default_factory=list)
    taken: int = 0
    given: int = 0

    def apply(self, batch: pa.RecordBatch) -> Applied:
        fresh, offsets = _documents(self.step, batch)
        self.taken += len(fresh)
        whole: list[Tokens] = []
        for start, end in itertools.pairwise(offsets.tolist()):
            cut = end - (end - start) % self.step.length
            if cut > start:
                whole.append(fresh[start:cut])
            if end > cut:
                self.rests.append(fresh[cut:end].copy())
        tokens = np.concatenate([np.zeros(0, np.int32), *whole])
        count = len(tokens) // self.step.length
        starts = Encoded(np.zeros(count, np.int32), np.arange(count + 1, dtype=np.int64))
        return self._give(tokens, np.full(count, self.step.length, np.int32), starts)

    def finish(self) -> Applied | None:
        rows = [
            [self.rests[at] for at in row]
            for row in best_fit([len(rest) for rest in self.rests], self.step.length)
        ]
        applied = None
        if rows:
            sizes = [[len(piece) for piece in row] for row in rows]
            begun = [list(itertools.accumulate(row[:-1], initial=0)) for row in sizes]
            starts = Encoded(
                np.array(list(itertools.chain.from_iterable(begun)), np.int32),
                np.cumsum([0, *map(len, rows)], dtype=np.int64),
            )
            lengths = np.array([sum(row) for row in sizes], np.int32)
            applied = self._give(np.concatenate(list(map(self._padded, rows))), lengths, starts)
        _check_nothing_lost(self.taken, self.given)
        return applied

    def _padded(self, pieces: Sequence[Tokens]) -> Tokens:
        left = self.step.length - sum(map(len, pieces))
        return np.concatenate([*pieces, np.full(left, self.step.pad_id, np.int32)])

    def _give(self, tokens: Tokens, lengths: Tokens, starts: Encoded) -> Applied:
        applied = _rows(self.step, tokens, lengths, starts)
        self.given += applied.counts["packed_tokens"]
        return applied


def best_fit(sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Return rows of positions in `sizes`, each row at most `capacity` in sum.

    The longest goes first, of equals the first, each into the row with the least room that is
    enough; of equal rows the one begun last. Time n log capacity.
    """
    rows: list[list[int]] = []
    with_room: dict[int, list[int]] = {}
    rooms: list[int] = []
    """The keys of `with_room`, ascending."""
    for at in sorted(range(len(sizes)), key=lambda each: -sizes[each]):
        place = bisect.bisect_left(rooms, sizes[at])
        if place == len(rooms):
            row, room = len(rows), capacity
            rows.append([])
        else:
            room = rooms[place]
            row = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], rooms[place]
        rows[row].append(at)
        left = room - sizes[at]
        if left and left not in with_room:
            bisect.insort(rooms, left)
        if left:
            with_room.setdefault(left, []).append(row)
    return rows
