"""join: the rows of another input whose keys are equal, or whether there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import duckdb
import numpy as np
import pyarrow as pa

from core.errors import InvalidSpec
from transforms.engine.arrow import Column
from transforms.engine.barriers.joining import Beside, Joining
from transforms.engine.matching import How, Pair, matches
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Kind,
    Subtype,
    identity,
)
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.params import NO_PARAMETER, rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column
from transforms.engine.row_hashes import Heads, heads_of, plain, row_hashes

_CHUNK_BYTES, _CHUNK_ROWS = 64 * 1024 * 1024, 8192


@dataclass(frozen=True)
class Join(Joining):
    """Give each row the columns of the rows of another input that have the same key.

    `inner` drops rows without a match, `left` keeps them with nulls; a row with several matches
    becomes several. `semi` keeps the rows that have a match and `anti` those that have none, as
    they are. A null matches nothing. Rows move between shards.
    """

    NAME: ClassVar[str] = "join"
    VERSION: ClassVar[int] = 1

    input: str = field(metadata=rule("The alias of the input that is looked up."))
    keys: tuple[str, ...] = field(
        metadata=rule("The columns that are equal in rows that match.", min_items=1)
    )
    their_keys: tuple[str, ...] = field(
        default=(), metadata=rule("Their names in the other input; by default the same.")
    )
    how: How = field(default="inner", metadata=rule("Which rows stay, and with what."))
    columns: tuple[str, ...] | None = field(
        default=None,
        metadata=rule("The columns to take from the other input; by default all but its keys."),
    )
    prefix: str = field(default="", metadata=rule("Goes before the names of its columns."))
    beside: Beside | None = field(default=None, metadata=NO_PARAMETER)

    @property
    def other(self) -> Beside:
        assert self.beside is not None, "a join is planned before anything is asked of it"
        return self.beside

    def versions(self) -> dict[str, str]:
        return {"duckdb": duckdb.__version__}

    @property
    def _their_keys(self) -> tuple[str, ...]:
        return self.their_keys or self.keys

    def _taken(self) -> tuple[str, ...]:
        """Return the columns of the other input that are added."""
        if self.how in ("semi", "anti"):
            return ()
        if self.columns is not None:
            return self.columns
        return tuple(name for name in self.other.schema.names if name not in self._their_keys)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems = [*self._key_problems(schema), *self._column_problems(schema)]
        if problems:
            raise refuse(problems)
        theirs = self.other.schema
        added = [
            theirs.field(name).with_name(self.prefix + name).with_nullable(True)
            for name in self._taken()
        ]
        return pa.schema([*schema, *added])

    def _key_problems(self, schema: pa.Schema) -> Iterator[Problem]:
        if len(self._their_keys) != len(self.keys):
            yield Problem("their_keys", f"Name {len(self.keys)} columns, as many as in `keys`.")
            return
        try:
            DedupExact(self.keys).output_schema(schema)
        except InvalidSpec as error:
            for each in problems_of(error):
                yield Problem(each.where.replace("columns", "keys"), each.message, each.suggestion)
            return
        for at, (mine, theirs) in enumerate(zip(self.keys, self._their_keys, strict=True)):
            where = f"their_keys[{at}]" if self.their_keys else f"keys[{at}]"
            try:
                found = require_column(self.other.schema, theirs, where).type
            except InvalidSpec as error:
                for each in problems_of(error):
                    message = f"In {self.input!r}: {each.message}"
                    yield Problem(where, message, each.suggestion)
                continue
            wanted = schema.field(mine).type
            if found != wanted:
                message = (
                    f"{theirs!r} of {self.input!r} holds {found}, {mine!r} {wanted}; cast one."
                )
                yield Problem(where, message)

    def _column_problems(self, schema: pa.Schema) -> Iterator[Problem]:
        if self.how in ("semi", "anti") and self.columns:
            yield Problem("columns", f"{self.how!r} only looks for a match; it adds no columns.")
            return
        for at, name in enumerate(self._taken()):
            where = "prefix" if self.columns is None else f"columns[{at}]"
            if self.other.schema.get_field_index(name) < 0:
                known = ", ".join(self.other.schema.names)
                yield Problem(where, f"{self.input!r} has no column {name!r}, but: {known}.")
            elif self.prefix + name in schema.names or name in self._taken()[:at]:
                message = f"There is a column {self.prefix + name!r} already; set a prefix."
                yield Problem(where, message)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        number = self.other.input
        sides = [(name, 0) for name in self.keys] + [(name, number) for name in self._their_keys]
        causes = tuple(
            ColumnUse(name, Kind.INDIRECT, Subtype.JOIN, input=side)
            for name, side in dict.fromkeys(sides)
            if not (side and name in self.other.marks)
        )
        mine = {name: (identity(name), *causes) for name in schema.names}
        theirs = {
            self.prefix + name: (
                *(() if name in self.other.marks else (identity(name, number),)),
                *causes,
            )
            for name in self._taken()
        }
        return {**mine, **theirs}

    def heads(self, batch: pa.RecordBatch, theirs: bool) -> Heads:
        names = self._their_keys if theirs else self.keys
        return heads_of(row_hashes([batch.column(name) for name in names], plain()))

    def joined(self, mine: pa.RecordBatch, theirs: pa.RecordBatch) -> Iterator[Applied]:
        last, kept = -1, 0
        for left, right in self._matches(mine, theirs):
            numbers = left.to_numpy()
            first = int((np.diff(numbers, prepend=last) != 0).sum())
            last, kept = int(numbers[-1]), kept + first
            yield Applied(self._rows(mine, theirs, left, right), added=len(left) - first)
        if gone := mine.num_rows - kept:
            nothing = self._rows(mine, theirs, _NONE, _NONE)
            yield Applied(nothing, pa.array([self._reason] * gone, pa.string()))

    def matched(self, mine: pa.RecordBatch, theirs: pa.RecordBatch) -> Applied:
        pairs = list(self._matches(mine, theirs))
        left = pa.concat_arrays([_NONE, *(each for each, _ in pairs)])
        right = pa.concat_arrays([_NONE, *(each for _, each in pairs)])
        kept = np.zeros(mine.num_rows, np.bool_)
        kept[left.to_numpy()] = True
        reasons = pa.array(np.full(len(kept), self._reason), pa.string(), mask=kept)
        added = len(left) - int(kept.sum())
        return Applied(self._rows(mine, theirs, left, right), reasons, added=added)

    @property
    def _reason(self) -> str:
        return "matched" if self.how == "anti" else "unmatched"

    def _matches(self, mine: pa.RecordBatch, theirs: pa.RecordBatch) -> Iterator[Pair]:
        size = _row_bytes(mine) + (_row_bytes(theirs) if self._taken() else 0)
        rows = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // max(1, size)))
        my_keys: list[Column] = [mine.column(name) for name in self.keys]
        their_keys: list[Column] = [theirs.column(name) for name in self._their_keys]
        for left, right in matches(my_keys, their_keys, self.how, rows):
            if len(left):
                yield left, right

    def _rows(
        self,
        mine: pa.RecordBatch,
        theirs: pa.RecordBatch,
        left: pa.Int64Array,
        right: pa.Int64Array,
    ) -> pa.RecordBatch:
        columns = [*mine.take(left).columns]
        columns += [theirs.column(name).take(right) for name in self._taken()]
        return pa.RecordBatch.from_arrays(columns, schema=self.output_schema(mine.schema))


_NONE = pa.nulls(0, pa.int64())


def _row_bytes(rows: pa.RecordBatch) -> int:
    return rows.nbytes // max(1, rows.num_rows)
