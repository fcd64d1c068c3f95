"""sort: all rows of the run in the order of some columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from core.errors import InvalidSpec
from transforms.engine.arrow import Column
from transforms.engine.barriers.exchanging import Direction, Exchanging, SortKeys
from transforms.engine.operators.base import ColumnMap, ColumnUse, Kind, Subtype, identity
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column


@dataclass(frozen=True)
class Sort(Exchanging):
    """Put the rows of all shards in order, by the first column, then the second, and so on.

    Text is compared by its code points, false comes before true; NaN comes behind all numbers and
    null behind everything, in both directions. Rows that are equal in `columns` stay in the order
    they came in.
    """

    NAME: ClassVar[str] = "sort"
    VERSION: ClassVar[int] = 1

    columns: tuple[str, ...] = field(
        metadata=rule("The columns that decide, the weightiest first.", min_items=1)
    )
    descending: bool = field(default=False, metadata=rule("From the largest to the smallest."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        for position, column in enumerate(self.columns):
            where = f"columns[{position}]"
            try:
                found = require_column(schema, column, where).type
            except InvalidSpec as error:
                problems.extend(problems_of(error))
                continue
            if not _has_an_order(found):
                message = f"{column!r} holds {found}, which has no order."
                problems.append(Problem(where, message))
            if column in self.columns[:position]:
                problems.append(Problem(where, f"{column!r} is named twice."))
        if problems:
            raise refuse(problems)
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        causes = tuple(ColumnUse(each, Kind.INDIRECT, Subtype.SORT) for each in self.columns)
        return {name: (identity(name), *causes) for name in schema.names}

    def sort_keys(self, schema: pa.Schema) -> SortKeys:
        direction: Direction = "descending" if self.descending else "ascending"
        return [(column, direction) for column in self.columns]

    def keys(self, batch: pa.RecordBatch, unit: int, first_row: int) -> pa.RecordBatch:
        columns: dict[str, Column] = {each: batch.column(each) for each in self.columns}
        return pa.record_batch(columns)


def _has_an_order(found: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_string(found)
        or types.is_large_string(found)
        or types.is_binary(found)
        or types.is_large_binary(found)
        or types.is_integer(found)
        or types.is_float32(found)
        or types.is_float64(found)
        or types.is_decimal(found)
        or types.is_temporal(found)
        or types.is_boolean(found)
    )
