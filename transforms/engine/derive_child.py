"""Computes SQL expressions in the process of `module_child`, which can be stopped.

An expression that is allowed may still ask for a text of 2 GB or a loop of hours, and DuckDB looks
up from neither. This file is that process's module: it is read there as text, and imports nothing
of the platform.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TypeAlias, cast

import duckdb
import pyarrow as pa

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
ASKED = b"asked"
"""Where in the metadata of a batch stands what is asked, in JSON: expressions and their columns."""
TABLE = "one_row"
"""What the rows are called."""
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_LOCKED = (
    "SET temp_directory=''",
    "SET TimeZone='UTC'",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty database that reaches no file and no network and cannot be opened up."""
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    for setting in _LOCKED:
        connection.execute(setting)
    return connection


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return connect()


def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the values of each expression, in a column of its number; raises what DuckDB does.

    An expression sees the columns that are named with it, and no other.
    """
    asked = json.loads((batch.schema.metadata or {})[ASKED])
    return pa.record_batch(
        {
            str(at): _computed(expression, batch, names)
            for at, (expression, names) in enumerate(asked)
        }
    )


def _computed(expression: str, batch: pa.RecordBatch, names: list[str]) -> Column:
    # without a column there would be no rows; one of the batch's could be read by the table's name
    read = batch.select(names) if names else pa.record_batch({TABLE: pa.nulls(batch.num_rows)})
    database = _database()
    database.register(TABLE, pa.Table.from_batches([read]))
    try:
        found = database.sql(f"SELECT ({expression}\n) FROM {TABLE}").to_arrow_table()
    finally:
        database.unregister(TABLE)
    return cast("Column", found.column(0).combine_chunks())
