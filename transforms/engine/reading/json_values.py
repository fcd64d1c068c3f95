"""Single values that are written as JSON: what a column of a type holds for one, and its type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

import pyarrow as pa

from transforms.engine.arrow import array_of

WRONG = (ValueError, TypeError, OverflowError, RecursionError, pa.ArrowException)
"""What is raised for a value that is no JSON, or none of a type."""
NO_JSON = object()


def json_value(text: str, kind: pa.DataType) -> object:
    """Return what a column of `kind` holds for a value; raises one of `WRONG`.

    In a column of text, text is itself, and all else stays JSON.
    """
    value = json.loads(text)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        if not isinstance(value, str):
            return text
        value.encode()  # raises where JSON spelled half of a character
        return value
    scalar = pa.scalar(value).cast(kind) if isinstance(value, str) else pa.scalar(value, kind)
    return scalar.as_py()


def parsed(data: bytes) -> object:
    """Return the value, or NO_JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return NO_JSON


def json_type(values: Sequence[object]) -> pa.DataType:
    """Return the type of what was parsed: numbers, truth values, text or lists of them.

    Text where they are not of one such kind.
    """
    if any(value is NO_JSON or _holds_objects(value) for value in values):
        return pa.string()
    try:
        found = array_of(values).type
    except WRONG:
        return pa.string()
    innermost: pa.DataType = found
    while pa.types.is_list(innermost):
        innermost = cast("pa.ListType[pa.DataType]", innermost).value_type
    return pa.string() if pa.types.is_null(innermost) else found


def _holds_objects(value: object) -> bool:
    if isinstance(value, list):
        return any(_holds_objects(each) for each in value)
    return isinstance(value, Mapping)
