"""Which rows of two tables have equal keys, answered by DuckDB in a database of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias, cast

import duckdb
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column

Pair: TypeAlias = "tuple[pa.Int64Array, pa.Int64Array]"
How = Literal["inner", "left", "semi", "anti"]
_JOIN = {"inner": "JOIN", "left": "LEFT JOIN", "semi": "SEMI JOIN", "anti": "ANTI JOIN"}
_SIDES = ("mine", "theirs")
MOST_PAIRS = 50_000_000
"""In one call: beyond it a key that is no key would fill the disk."""
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def matches(
    mine: Sequence[Column], theirs: Sequence[Column], how: How, rows: int
) -> Iterator[Pair]:
    """Yield the numbers of rows of `mine` and of `theirs` whose keys are equal, `rows` at a time.

    In the order of `mine`, then of `theirs`. With `left`, a row without a match stands once beside
    a null; with `semi` and `anti` the second numbers are null throughout. A null equals nothing.
    What does not fit into 1 GB of memory goes to a folder that is removed.

    Raises Invalid where there are more than MOST_PAIRS of them.
    """
    on = " AND ".join(f"mine.k{at} = theirs.k{at}" for at in range(len(mine)))
    second = "theirs.row" if how in ("inner", "left") else "NULL::BIGINT"
    with (
        tempfile.TemporaryDirectory(prefix="fairmesh-join-") as folder,
        duckdb.connect(":memory:", config={**_SETTINGS, "temp_directory": folder}) as database,
    ):
        database.register("mine", _table(mine))
        database.register("theirs", _table(theirs))
        if how in ("inner", "left"):
            _check_pairs(database, ", ".join(f"k{at}" for at in range(len(mine))), on)
        asked = f"SELECT mine.row, {second} FROM mine {_JOIN[how]} theirs ON {on} ORDER BY 1, 2"
        found = cast("pa.RecordBatchReader", database.sql(asked).to_arrow_reader(rows))
        for batch in found:
            yield cast("Pair", tuple(batch.columns))


def _check_pairs(database: duckdb.DuckDBPyConnection, keys: str, on: str) -> None:
    mine, theirs = (f"(SELECT {keys}, count(*) n FROM {side} GROUP BY ALL)" for side in _SIDES)
    counted = f"SELECT mine.n * theirs.n AS pairs FROM {mine} mine JOIN {theirs} theirs ON {on}"
    asked = f"SELECT coalesce(sum(pairs), 0), coalesce(max(pairs), 0) FROM ({counted})"
    ((pairs, most),) = database.sql(asked).fetchall()
    if pairs > MOST_PAIRS:
        raise Invalid(
            f"One part of the join would give {int(pairs):,} rows, and one key alone {most:,}; at "
            f"most {MOST_PAIRS:,} are made. Leave out the commonest keys, or what repeats them, "
            "before the join."
        )


def _table(keys: Sequence[Column]) -> pa.Table:
    columns = {f"k{at}": key for at, key in enumerate(keys)}
    return pa.table({**columns, "row": pa.array(range(len(keys[0])), pa.int64())})
