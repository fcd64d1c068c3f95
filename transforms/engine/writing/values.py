"""Rows as JSON: what stands for the values that JSON has no word for."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column, values_of

_SCALARS = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_decimal,
    pa.types.is_date,
)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def has_json(kind: pa.DataType) -> bool:
    """Return whether values of `kind` can be written as JSON."""
    if pa.types.is_timestamp(kind):
        return True
    return _has_json_within(kind)


def _has_json_within(kind: pa.DataType) -> bool:
    """Nanoseconds within a list or a struct cannot: Python has no word for them."""
    if any(ask(kind) for ask in _SCALARS):
        return True
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return str(kind.unit) != "ns"
    if any(ask(kind) for ask in _LISTS):
        return _has_json_within(cast("pa.ListType[pa.DataType]", kind).value_type)
    if pa.types.is_struct(kind):
        return all(_has_json_within(kind.field(at).type) for at in range(kind.num_fields))
    return False


def json_values(column: Column) -> list[object]:
    """Return the values of a column that `has_json`, for `dumped`.

    Raises Invalid for a date or time outside of the years 1 to 9999, which Python cannot say, and
    for a time zone that it does not know.
    """
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        times = cast("pa.TimestampArray", column)
        return values_of(pc.strftime(times, format="%Y-%m-%dT%H:%M:%S"))
    try:
        return values_of(column)
    except pa.ArrowInvalid:
        raise Invalid(
            f"The time zone of {column.type} is not known here, and JSON wants it told; cast the "
            "column, or write Parquet."
        ) from None
    except OverflowError:
        raise Invalid(
            "A date or time lies outside of the years 1 to 9999, and no JSON can say it; filter "
            "such rows out, or write Parquet."
        ) from None


def dumped(value: object) -> bytes:
    """Return a value as JSON in UTF-8: times as ISO 8601, bytes as base64, decimals as text.

    A number that is none (NaN, infinity) is null: JSON has no word for it.
    """
    try:
        return _encode(value).encode()
    except ValueError:
        return _encode(_finite(value)).encode()


def _as_json(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form.")


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_json
).encode


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_finite(member) for member in value]
    return value


def without_json(schema: pa.Schema) -> Iterator[AnyField]:
    """Yield the fields whose values JSON cannot hold."""
    return (field for field in schema if not has_json(field.type))
