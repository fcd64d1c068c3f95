"""cast: other types for some columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InvalidSpec
from transforms.engine.arrow import AnyField, Column, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column

Target = Literal["string", "bool", "int32", "int64", "float32", "float64", "date", "timestamp"]
TARGETS: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_YEARS: Mapping[pa.DataType, tuple[pa.DataType, int, int]] = {
    pa.date32(): (pa.int32(), -719_162, 2_932_896),
    pa.timestamp("us"): (pa.int64(), -62_135_596_800_000_000, 253_402_300_799_999_999),
}
"""How days and moments are stored, and the first and the last of the years 1 to 9999."""
_SPELLED: Mapping[str, str] = {
    "bool": r"^(?i:true|false|0|1)$",
    "int32": r"^(?:-?[0-9]+|0[xX][0-9A-Fa-f]+)$",
    "int64": r"^(?:-?[0-9]+|0[xX][0-9A-Fa-f]+)$",
    "float32": r"^[-+]?(?:[0-9.]|(?i:inf|nan))",
    "float64": r"^[-+]?(?:[0-9.]|(?i:inf|nan))",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
"""What a text must look like to be one of these: too much passes, never too little."""


@dataclass(frozen=True)
class Cast(Operator):
    """Change the types of columns; a value that the new type does not have is bad.

    Texts are read as Arrow reads them: numbers without white space, dates as in ISO 8601. A whole
    number must fit exactly, a fraction may lose digits, and a date keeps no time of day. A null
    stays null and is never bad.
    """

    NAME: ClassVar[str] = "cast"
    VERSION: ClassVar[int] = 1

    columns: Mapping[str, Target] = field(metadata=rule("For each column its new type."))
    bad: Literal["drop", "null"] = field(
        default="drop",
        metadata=rule("Rows with a bad value: drop, as `column.not_type`, or make the value null."),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        if not self.columns:
            problems.append(Problem("columns", "No column is named; leave the step out instead."))
        for column, target in self.columns.items():
            where = f"columns.{column}"
            try:
                found = require_column(schema, column, where).type
                pa.array([], found).cast(TARGETS[target])
            except InvalidSpec as error:
                problems.extend(problems_of(error))
            except pa.ArrowNotImplementedError:
                message = f"{column!r} holds {found}, which cannot become {target}."
                problems.append(Problem(where, message))
        if problems:
            raise refuse(problems)
        return pa.schema([self._field(each) for each in schema])

    def _field(self, found: AnyField) -> AnyField:
        if found.name not in self.columns:
            return found
        nullable = found.nullable or self.bad == "null"
        return pa.field(found.name, TARGETS[self.columns[found.name]], nullable)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {
            name: transformed(name) if name in self.columns else identity(name)
            for name in schema.names
        }
        causes = tuple(self.columns) if self.bad == "drop" else ()
        return filtered_by(causes, kept)

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        schema = self.output_schema(batch.schema)
        failed: npt.NDArray[np.int64] = np.full(batch.num_rows, -1, dtype=np.int64)
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        nulled: dict[str, int] = {}
        reasons = tuple(f"{column}.not_{target}" for column, target in self.columns.items())
        for position, (column, target) in enumerate(self.columns.items()):
            arrays[column], bad = converted(arrays[column], target)
            failed[(failed < 0) & bad] = position
            if self.bad == "null" and bad.any():
                nulled[f"nulled.{reasons[position]}"] = int(bad.sum())
        made = pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema)
        if self.bad == "null":
            return Applied(made, counts=nulled)
        return keep_rows(made, failed, reasons)


def converted(values: Column, target: str) -> tuple[Column, npt.NDArray[np.bool_]]:
    """Return `values` as `target`, null where they are bad, and which of them are bad.

    Cost: one kernel for a column without bad values. Texts that do not look right are found by one
    RE2 pass, whole numbers that do not fit by casting them back; each other bad value takes about
    log2(rows) more kernels.
    """
    kind = TARGETS[target]
    bad = np.zeros(len(values), np.bool_)
    try:
        made = values.cast(kind)
    except pa.ArrowInvalid:
        bad |= _suspicious(values, target)
        _search(_without(values, bad), kind, 0, bad)
        made = _without(values, bad).cast(kind)
    overflowed = _overflowed(values, made)
    return (_without(made, overflowed) if overflowed.any() else made), bad | overflowed


def _overflowed(values: Column, made: Column) -> npt.NDArray[np.bool_]:
    """Return which values became infinite without having been so, or a day of no year that is."""
    if made.type in _YEARS and made.type != values.type:
        return _of_no_year(made)
    if not pa.types.is_floating(made.type) or made.type == values.type:
        return np.zeros(len(values), np.bool_)
    infinite = pc.is_inf(cast("pa.DoubleArray", made))
    if pa.types.is_floating(values.type):
        before = pc.is_inf(cast("pa.DoubleArray", values))
    elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        before = pc.match_substring_regex(text_of(values), "(?i)^[-+]?inf")
    else:
        return np.zeros(len(values), np.bool_)
    found: npt.NDArray[np.bool_] = (
        pc.and_not(infinite, before).fill_null(False).to_numpy(zero_copy_only=False)
    )
    return found


def _of_no_year(made: Column) -> npt.NDArray[np.bool_]:
    """Return which days and moments lie outside of the years 1 to 9999, which few can write."""
    kind, first, last = _YEARS[made.type]
    numbers = cast("pa.Int64Array", made.view(kind).cast(pa.int64()))
    outside = pc.or_(
        pc.less(numbers, pa.scalar(first, pa.int64())),
        pc.greater(numbers, pa.scalar(last, pa.int64())),
    )
    found: npt.NDArray[np.bool_] = outside.fill_null(False).to_numpy(zero_copy_only=False)
    return found


def _suspicious(values: Column, target: str) -> npt.NDArray[np.bool_]:
    """Return which values are surely bad."""
    found, kind = values.type, TARGETS[target]
    if (pa.types.is_string(found) or pa.types.is_large_string(found)) and target in _SPELLED:
        right = pc.match_substring_regex(text_of(values), _SPELLED[target])
    elif pa.types.is_integer(kind) and (pa.types.is_integer(found) or pa.types.is_floating(found)):
        back = values.cast(kind, safe=False).cast(found, safe=False)
        right = pc.equal(values, back)
    else:
        return np.zeros(len(values), np.bool_)
    return ~cast("npt.NDArray[np.bool_]", right.fill_null(True).to_numpy(zero_copy_only=False))


def _without(values: Column, bad: npt.NDArray[np.bool_]) -> Column:
    return cast("Column", pc.if_else(pa.array(bad), pa.scalar(None, values.type), values))


def _search(values: Column, kind: pa.DataType, start: int, bad: npt.NDArray[np.bool_]) -> None:
    """Mark in `bad`, from `start` on, each of `values` that cannot be `kind`, by halving."""
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        if len(values) == 1:
            bad[start] = True
            return
        half = len(values) // 2
        _search(values.slice(0, half), kind, start, bad)
        _search(values.slice(half), kind, start + half, bad)
