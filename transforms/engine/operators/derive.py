"""derive: new columns by SQL expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import duckdb
import pyarrow as pa

from core.errors import Invalid, InvalidSpec
from transforms.engine.arrow import AnyField, Column
from transforms.engine.encoders import Encoders
from transforms.engine.expressions import ROW, columns_of, connect
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


@dataclass(frozen=True)
class Derive(Operator):
    """Add columns, or replace some, by SQL expressions over the columns of the same row.

    The expressions are DuckDB's and all see the columns as they came in. They reach no file, table,
    other row, clock or chance. A value that an expression cannot compute ends the run: with
    `try_cast(...)` or `try(...)` it is null instead.
    """

    NAME: ClassVar[str] = "derive"
    VERSION: ClassVar[int] = 1

    columns: Mapping[str, str] = field(
        metadata=rule("For each column an SQL expression, such as `upper(title)`.")
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        made: dict[str, AnyField] = {each.name: each for each in schema}
        if not self.columns:
            problems.append(Problem("columns", "No column is named; leave the step out instead."))
        with connect() as connection:
            for column, expression in self.columns.items():
                try:
                    kind = _kind_of(connection, expression, schema)
                    made[column] = pa.field(column, kind)
                except InvalidSpec as error:
                    at = f"columns.{column}"
                    problems.extend(problem.below(at) for problem in problems_of(error))
        if problems:
            raise refuse(problems)
        return pa.schema(list(made.values()))

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
        return _Deriving(self, connect())


def _kind_of(
    connection: duckdb.DuckDBPyConnection, expression: str, schema: pa.Schema
) -> pa.DataType:
    """Return the type of an expression's values, by having none computed."""
    nothing = pa.RecordBatch.from_pylist([], schema=schema)
    try:
        kind = _computed(connection, expression, nothing).type
    except (duckdb.Error, pa.ArrowNotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise refuse([Problem("", first)]) from error
    if pa.types.is_interval(kind) or pa.types.is_null(kind):
        message = f"The values would be {kind}, which no file can hold; cast them."
        raise refuse([Problem("", message)])
    return kind


def _computed(
    connection: duckdb.DuckDBPyConnection, expression: str, batch: pa.RecordBatch
) -> Column:
    """Return the value of an expression that `columns_of` allows for each row of `batch`."""
    names = list(columns_of(expression, batch.schema.names))
    # without a column there would be no rows; one of the batch's could be read by its table's name
    read = batch.select(names) if names else pa.record_batch({ROW: pa.nulls(batch.num_rows)})
    connection.register(ROW, pa.Table.from_batches([read]))
    try:
        found = connection.sql(f"SELECT ({expression}\n) FROM {ROW}").to_arrow_table()
    finally:
        connection.unregister(ROW)
    return cast("Column", found.column(0).combine_chunks())


@dataclass
class _Deriving:
    """Holds a database of its own; it has nothing but the batch at hand."""

    step: Derive
    connection: duckdb.DuckDBPyConnection

    def apply(self, batch: pa.RecordBatch) -> Applied:
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        made: dict[str, AnyField] = {each.name: each for each in batch.schema}
        for column, expression in self.step.columns.items():
            try:
                arrays[column] = _computed(self.connection, expression, batch)
            except duckdb.Error as error:  # its words may hold a piece of the data
                raise Invalid(
                    f"derive cannot compute {column!r} for some row ({type(error).__name__}); "
                    "with try_cast(...) or try(...) the value is null instead.",
                    column=column,
                ) from error
            made[column] = pa.field(column, arrays[column].type)
        schema = pa.schema(list(made.values()))
        return Applied(pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema))

    def finish(self) -> Applied | None:
        self.connection.close()
        return None
