"""Arrow values that no Python value stands for: told as text, and the others as ever."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cells import Column, rows_of, values_of

EVER = 10**15
"""Seconds since 1970 beyond what Arrow itself writes as a date."""
ZONES = [None, "UTC", "Europe/Berlin", "Nowhere/AtAll", "+25:99"]
UNITS = ["s", "ms", "us", "ns"]


def viewed(numbers: list[int], kind: pa.DataType) -> Column:
    """Return numbers as what a file of `kind` may hold, whatever they mean there."""
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return cast("Column", cast("Any", pa.array(numbers, width)).view(kind))


def no_text() -> Column:
    """Return two texts of which the first is no UTF-8."""
    ends = pa.array([0, 2, 3], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"\xffab")])


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        (pa.timestamp("s"), EVER, "1000000000000000 s"),
        (pa.timestamp("s"), -(10**12), "-29719-04-05 22:13:20"),
        (pa.timestamp("s", "UTC"), 7 * 10**11, "24152-02-12 20:26:40Z"),
        (pa.timestamp("ms", "Nowhere/AtAll"), 5, "5 ms"),
        (pa.date32(), 2**31 - 1, "2147483647 days"),
        (pa.date64(), 86_400_000 * 10**9, "86400000000000000 ms"),
        (pa.duration("s"), 2**62, f"{2**62} s"),
    ],
)
def test_a_time_beyond_those_of_python_is_told_as_arrow_writes_it_or_by_its_number(
    kind: pa.DataType, number: int, text: str
) -> None:
    column = viewed([0, number], kind)
    with pytest.raises((OverflowError, ValueError, LookupError)):
        cast("Any", column).to_pylist()
    told = values_of(column)
    assert told[1] == text
    if "Nowhere" not in str(kind):
        assert told[0] == cast("Any", column)[0].as_py()


def test_a_text_that_is_no_utf8_is_told_with_a_mark() -> None:
    assert values_of(no_text()) == ["\ufffda", "b"]


def test_what_nests_is_told_member_by_member() -> None:
    arrow = cast("Any", pa)
    times, texts = viewed([0, EVER], pa.timestamp("s")), no_text()
    struct = arrow.StructArray.from_arrays([times, texts], ["t", "b"])
    batch = pa.record_batch(
        {
            "struct": struct,
            "list": arrow.ListArray.from_arrays([0, 1, 2], struct),
            "fixed": arrow.FixedSizeListArray.from_arrays(times, 1),
            "map": arrow.MapArray.from_arrays([0, 1, 2], texts, times),
            "dictionary": arrow.DictionaryArray.from_arrays(pa.array([0, 1]), times),
            "runs": arrow.RunEndEncodedArray.from_arrays([1, 2], times),
            "twice": arrow.StructArray.from_arrays([pa.array([1, 2]), times], ["t", "t"]),
            "plain": pa.array([1, None]),
        }
    )
    one = {"t": "1000000000000000 s", "b": "b"}
    assert rows_of(batch)[1] == {
        "struct": one,
        "list": [one],
        "fixed": ["1000000000000000 s"],
        "map": [("b", "1000000000000000 s")],
        "dictionary": "1000000000000000 s",
        "runs": "1000000000000000 s",
        "twice": {"t": "1000000000000000 s"},
        "plain": None,
    }
    table = pa.Table.from_batches([batch, batch])
    assert rows_of(table) == 2 * rows_of(batch)


KINDS = st.one_of(
    st.builds(pa.timestamp, st.sampled_from(UNITS), st.sampled_from(ZONES)),
    st.builds(pa.duration, st.sampled_from(UNITS)),
    st.sampled_from([pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us"), pa.time64("ns")]),
)


@given(KINDS, st.lists(st.integers(-(2**31), 2**31 - 1)), st.integers(0, 32))
def test_each_value_is_what_pyarrow_says_where_it_says_something(
    kind: pa.DataType, numbers: list[int], shift: int
) -> None:
    wide = [number << (0 if kind.bit_width == 32 else shift) for number in numbers]
    column = viewed(wide, kind)
    for scalar, told in zip(column, values_of(column), strict=True):
        try:
            said = cast("Any", scalar).as_py()
        except (OverflowError, ValueError, LookupError):
            assert isinstance(told, str)
            assert told
        else:
            assert told == said
