"""The texts of an Arrow column: nested values are opened, numbers that may be keys are spelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc

from core import cells

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
Lists: TypeAlias = "pa.Array[pa.ListScalar[pa.DataType]]"
MAX_DEPTH = 12
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def texts_in(column: Column, depth: int = 0) -> Iterator[Column]:
    """Yield text arrays that hold every value of `column`, whatever its type nests.

    A column of structs gives one array a member. Floats, truth values, dates and NULL columns
    hold no text. Bytes that are UTF-8 are taken as text, others left out. Deeper than MAX_DEPTH
    the values are taken as Arrow writes them.
    """
    kind = column.type
    if isinstance(column, pa.DictionaryArray):
        yield from texts_in(column.dictionary_decode(), depth)
    elif isinstance(column, pa.ExtensionArray):
        yield from texts_in(column.storage, depth)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield column
    elif pa.types.is_string_view(kind):
        yield column.cast(pa.large_string())
    elif pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        yield column.cast(pa.string())
    elif pa.types.is_struct(kind):
        for member in cast(pa.StructArray, column).flatten():
            yield from _inner(member, depth)
    elif pa.types.is_map(kind):
        whole = cast(pa.MapArray, column)  # type: ignore[type-arg]  # any map
        yield from _inner(whole.keys, depth)
        yield from _inner(whole.items, depth)
    elif any(is_kind(kind) for is_kind in _LISTS):
        yield from _inner(pc.list_flatten(cast("Lists", column)), depth)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield _decoded(column)


def _inner(column: Column, depth: int) -> Iterator[Column]:
    if depth < MAX_DEPTH:
        yield from texts_in(column, depth + 1)
    else:
        yield pa.array(
            [None if v is None else str(v) for v in cells.values_of(column)], pa.string()
        )


def _decoded(column: Column) -> Column:
    def text(value: object) -> str | None:
        try:
            return value.decode() if isinstance(value, bytes) else None
        except UnicodeDecodeError:
            return None

    return pa.array([text(value) for value in values_of(column)], pa.large_string())


def strings(texts: Column) -> Sequence[str]:
    """Return the values; bytes that are no UTF-8, which a file may hold as text, are replaced."""
    try:
        return cast("Sequence[str]", values_of(texts))
    except UnicodeDecodeError:
        raw = cast("Sequence[bytes]", values_of(texts.cast(pa.large_binary())))
        return [value.decode(errors="replace") for value in raw]


def values_of(column: Column) -> Sequence[object]:
    """Return the values as Python has them; the stubs know it of some types only."""
    return cast("pa.StringArray", column).to_pylist()
