"""rename: other names for some columns."""

from __future__ import annotations

from collections.abc import Mapping
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
class Rename(Operator):
    """Give columns other names, all at once: two may swap theirs. Every row and place stays."""

    NAME: ClassVar[str] = "rename"
    VERSION: ClassVar[int] = 1

    columns: Mapping[str, str] = field(metadata=rule("For each old name the new one."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        if not self.columns:
            problems.append(Problem("columns", "No column is named; leave the step out instead."))
        for old, new in self.columns.items():
            where = f"columns.{old}"
            try:
                require_column(schema, old, where)
            except InvalidSpec as error:
                problems.extend(problems_of(error))
            if not new:
                problems.append(Problem(where, "The new name is empty."))
            elif self._names(schema).count(new) > 1:
                problems.append(Problem(where, f"There would be two columns {new!r}."))
        if problems:
            raise refuse(problems)
        renamed = zip(schema, self._names(schema), strict=True)
        return pa.schema([each.with_name(name) for each, name in renamed])

    def _names(self, schema: pa.Schema) -> list[str]:
        return [self.columns.get(name, name) for name in schema.names]

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        pairs = zip(self._names(schema), schema.names, strict=True)
        return {new: (identity(old),) for new, old in pairs}

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        schema = self.output_schema(batch.schema)
        return Applied(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
