"""Arrow values as Python values, where Python has them.

Arrow holds times and dates beyond the years 1 to 9999, zones that this machine does not know, and
texts that a damaged file filled with any bytes; a Python value of these cannot be made. Here each
is told as text instead, and the values beside it stay as they are.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
Row = dict[str, object]
_CANNOT = (OverflowError, ValueError, LookupError)
"""What pyarrow raises for them: LookupError for zones, ValueError for texts and the year 0."""
_BEYOND = "<value out of range"
"""How Arrow's own texts begin where it has none."""


def rows_of(batch: pa.RecordBatch | pa.Table) -> list[Row]:
    """Return the rows by column; costs no more than `to_pylist` where all can be said."""
    try:
        rows: list[Row] = batch.to_pylist()
    except _CANNOT:
        whole = batch.combine_chunks() if isinstance(batch, pa.Table) else batch
        columns = [
            [each for chunk in _chunks(column) for each in values_of(chunk)]
            for column in whole.columns
        ]
        names = batch.schema.names
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return rows


def _chunks(column: Any) -> list[Column]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def values_of(column: Column) -> list[object]:
    """Return the values of a column."""
    try:
        values: list[object] = cast(
            "Any", column
        ).to_pylist()  # not known to the stubs of all types
    except _CANNOT:
        values = [_value_of(scalar) for scalar in column]
    return values


def _value_of(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except _CANNOT:
        kind = scalar.type
    if pa.types.is_struct(kind):
        return {kind.field(at).name: _value_of(scalar[at]) for at in range(kind.num_fields)}
    if pa.types.is_map(kind):
        return list(zip(*map(values_of, scalar.values.flatten()), strict=True))
    if isinstance(scalar, pa.ListScalar | pa.FixedSizeListScalar | pa.ListViewScalar):
        return values_of(cast("Column", scalar.values))
    if isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar | pa.RunEndEncodedScalar):
        return _value_of(scalar.value)
    return _text_of(scalar, kind)


def _text_of(scalar: Any, kind: Any) -> str:
    if not pa.types.is_temporal(kind):
        return bytes(pc.cast(scalar, pa.large_binary()).as_py()).decode(errors="replace")
    try:
        text = str(pc.cast(scalar, pa.string()).as_py())
    except pa.ArrowInvalid:  # a zone that Arrow does not know either
        text = _BEYOND
    if pa.types.is_duration(kind) or text.startswith(_BEYOND):
        unit = "days" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms")
        return f"{scalar.value} {unit}"
    return text
