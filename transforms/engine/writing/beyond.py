"""Values that the types of a column allow and a format does not: dates and times far away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid

Write = Callable[[pa.Table, pa.BufferOutputStream], object]
_NO_TEXT = "<value out of range"
"""What Arrow writes in the place of a time that it cannot spell."""


def refused(name: str, rows: pa.Table, write: Write) -> Invalid:
    """Return what is wrong with rows that the writer of a format has refused.

    The words of the writer quote the value, so each column is tried by itself.
    """
    return _beyond(name, [each for each in rows.schema.names if _refuses(write, rows, each)])


def _refuses(write: Write, rows: pa.Table, column: str) -> bool:
    try:
        write(rows.select([column]), pa.BufferOutputStream())
    except pa.ArrowInvalid:
        return True
    return False


def require_spelled(name: str, rows: pa.Table) -> None:
    """Raise Invalid for a date or time that has no text."""
    if columns := list(_unspelled(rows)):
        raise _beyond(name, columns)


def _unspelled(rows: pa.Table) -> Iterator[str]:
    for field, column in zip(rows.schema, rows.columns, strict=True):
        if pa.types.is_temporal(field.type):
            texts = column.cast(pa.string())
            if pc.any(pc.starts_with(texts, _NO_TEXT)).as_py():
                yield field.name


def _beyond(name: str, columns: list[str]) -> Invalid:
    where = f"Some of {', '.join(map(repr, columns))}" if columns else "Some value"
    return Invalid(
        f"{where} lies beyond what {name} can hold, as dates and times far away do; filter such "
        "rows out, or cast the column to text.",
        columns=columns,
    )
