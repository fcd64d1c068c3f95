"""select: keep some columns, in a given order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from core.errors import InvalidSpec
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    identity,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column


@dataclass(frozen=True)
class Select(Operator):
    """Keep the named columns, in the order named; every row stays."""

    NAME: ClassVar[str] = "select"
    VERSION: ClassVar[int] = 1

    columns: tuple[str, ...] = field(
        metadata=rule("The columns to keep, in output order.", min_items=1)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        for position, column in enumerate(self.columns):
            where = f"columns[{position}]"
            if column in self.columns[:position]:
                problems.append(Problem(where, f"{column!r} stands twice."))
            try:
                require_column(schema, column, where)
            except InvalidSpec as error:
                problems.extend(problems_of(error))
        if problems:
            raise refuse(problems)
        return pa.schema([schema.field(column) for column in self.columns])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return {column: (identity(column),) for column in self.columns}

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        return Applied(batch.select(list(self.columns)))
