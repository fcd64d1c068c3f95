"""derive: new columns by SQL expressions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import duckdb
import pyarrow as pa

from core.errors import Invalid, InvalidSpec
from transforms.engine import derive_child
from transforms.engine.arrow import AnyField, Column
from transforms.engine.derive_child import ASKED
from transforms.engine.encoders import Encoders
from transforms.engine.expressions import columns_of
from transforms.engine.module_process import SECONDS, ModuleProcess, Raised
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    Running,
    identity,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse

_PLANNING_SECONDS = 10.0


@dataclass(frozen=True)
class Derive(Operator):
    """Add columns, or replace some, by SQL expressions over the columns of the same row.

    The expressions are DuckDB's and all see the columns as they came in. They reach no file, table,
    other row, clock or chance. A value that an expression cannot compute ends the run: with
    `try_cast(...)` or `try(...)` it is null instead. They are computed in a process of its own,
    with 4 GiB and 120 seconds for a batch.
    """

    NAME: ClassVar[str] = "derive"
    VERSION: ClassVar[int] = 1

    columns: Mapping[str, str] = field(
        metadata=rule("For each column an SQL expression, such as `upper(title)`.")
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        if not self.columns:
            message = "No column is named; leave the step out instead."
            raise refuse([Problem("columns", message)])
        return _planned(tuple(self.columns.items()), schema)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {name: (identity(name),) for name in schema.names}
        made = {
            column: tuple(map(transformed, columns_of(expression, schema.names)))
            for column, expression in self.columns.items()
        }
        return {**kept, **made}

    def versions(self) -> Mapping[str, str]:
        return {"duckdb": duckdb.__version__}

    def start(self, encoders: Encoders) -> Running:
        return _Deriving(self, _process(SECONDS))


def _process(seconds: float) -> ModuleProcess:
    code = Path(derive_child.__file__).read_text(encoding="utf-8")
    return ModuleProcess("derive", code, {}, seconds, known_as="The step derive")


@lru_cache(maxsize=256)
def _planned(columns: tuple[tuple[str, str], ...], schema: pa.Schema) -> pa.Schema:
    """Return the schema with the columns that are made, by having none of their values computed."""
    problems: list[Problem] = []
    made: dict[str, AnyField] = {each.name: each for each in schema}
    process = _process(_PLANNING_SECONDS)
    try:
        for column, expression in columns:
            try:
                made[column] = pa.field(column, _kind_of(process, expression, schema))
            except InvalidSpec as error:
                at = f"columns.{column}"
                problems.extend(problem.below(at) for problem in problems_of(error))
    finally:
        process.close()
    if problems:
        raise refuse(problems)
    return pa.schema(list(made.values()))


def _kind_of(process: ModuleProcess, expression: str, schema: pa.Schema) -> pa.DataType:
    nothing = pa.RecordBatch.from_pylist([], schema=schema)
    try:
        (values,) = _computed(process, [expression], nothing)
    except Raised as error:
        raise refuse([Problem("", error.words.partition("\n")[0] or error.kind)]) from error
    kind = values.type
    if pa.types.is_interval(kind) or pa.types.is_null(kind):
        message = f"The values would be {kind}, which no file can hold; cast them."
        raise refuse([Problem("", message)])
    return kind


def _computed(
    process: ModuleProcess, expressions: Iterable[str], batch: pa.RecordBatch
) -> list[Column]:
    """Return the values of expressions for each row of `batch`; raises InvalidSpec and Raised."""
    asked = [(each, columns_of(each, batch.schema.names)) for each in expressions]
    names = list(dict.fromkeys(name for _, read in asked for name in read))
    # a batch without columns has no rows, so one goes along that no expression is given
    read = batch.select(names or batch.schema.names[:1])
    told = read.replace_schema_metadata({ASKED: json.dumps(asked).encode()})
    return process.apply(told).columns


@dataclass
class _Deriving:
    """Has a process of its own, with a database that has nothing but the batch at hand."""

    step: Derive
    process: ModuleProcess

    def apply(self, batch: pa.RecordBatch) -> Applied:
        schema = self.step.output_schema(batch.schema)
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        try:
            made = _computed(self.process, self.step.columns.values(), batch)
        except Raised as error:
            raise self._refused(batch, error) from None
        arrays.update(zip(self.step.columns, made, strict=True))
        return Applied(pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema))

    def _refused(self, batch: pa.RecordBatch, error: Raised) -> Invalid:
        """Return what went wrong, without its words: they may hold a piece of the data."""
        column = next(
            name for name, expression in self.step.columns.items() if self._fails(expression, batch)
        )
        self.process.close()
        return Invalid(
            f"derive cannot compute {column!r} for some row ({error.kind}); "
            "with try_cast(...) or try(...) the value is null instead.",
            column=column,
        )

    def _fails(self, expression: str, batch: pa.RecordBatch) -> bool:
        try:
            _computed(self.process, [expression], batch)
        except Raised:
            return True
        return False

    def finish(self) -> Applied | None:
        self.process.close()
        return None
