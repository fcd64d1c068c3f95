"""rename and cast against plain Python."""

from __future__ import annotations

import math
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.arrow import Column
from transforms.engine.operators.cast import TARGETS, Cast, Target
from transforms.engine.operators.rename import Rename

QUICK = settings(max_examples=80, deadline=None)
NAMES = ("a", "b", "c")
BATCH = pa.record_batch({name: pa.array([name, None]) for name in NAMES})


@QUICK
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from("abcdef"), min_size=1))
def test_rename(columns: dict[str, str]) -> None:
    expected = [columns.get(name, name) for name in NAMES]
    if len(set(expected)) < len(expected):
        with pytest.raises(InvalidSpec, match="two columns"):
            Rename(columns).output_schema(BATCH.schema)
        return
    made = applied(Rename(columns), BATCH).batch
    assert made.to_pylist() == [
        dict(zip(expected, NAMES, strict=True)),
        dict.fromkeys(expected, None),
    ]


def test_rename_says_what_it_cannot_find() -> None:
    with pytest.raises(InvalidSpec, match=r"columns\.aa: There is no column 'aa'"):
        Rename({"aa": "x"}).output_schema(BATCH.schema)
    with pytest.raises(InvalidSpec, match="leave the step out"):
        Rename({}).output_schema(BATCH.schema)


def test_rename_keeps_each_column_apart() -> None:
    changed = pa.record_batch({name: pa.array(["x", "y"]) for name in NAMES})
    assert_columns_depend_as_told(Rename({"a": "b", "b": "a"}), BATCH, changed)


def _one_by_one(values: Column, target: str) -> list[object]:
    """Cast each value alone; what cannot be is the word "bad"."""
    made: list[object] = []
    for value in values:
        try:
            cast = value.cast(TARGETS[target]).as_py()
            infinite = isinstance(cast, float) and math.isinf(cast)
            made.append("bad" if infinite and "inf" not in str(value).lower() else cast)
        except (pa.ArrowInvalid, OverflowError, ValueError):  # the last two: no such year in Python
            made.append("bad")
    return made


SPELLINGS = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.integers(-(2**65), 2**65).map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(
        [
            "true",
            "FALSE",
            "1",
            "0",
            "0x1F",
            "+1",
            " 1",
            "1e3",
            "Infinity",
            "-nan",
            "",
            "1e400",
            "-1e39",
        ]
    ),
)
VALUES = st.one_of(
    st.tuples(st.just(pa.string()), st.lists(SPELLINGS, max_size=20)),
    st.tuples(
        st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=20)
    ),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats(), max_size=20)),
    st.tuples(st.just(pa.timestamp("us")), st.lists(st.none() | st.datetimes(), max_size=9)),
)


@settings(max_examples=400, deadline=None)
@given(VALUES, st.sampled_from(get_args(Target)), st.booleans())
def test_cast_finds_each_bad_value(
    given_values: tuple[pa.DataType, list[object]], target: Target, null: bool
) -> None:
    kind, raw = given_values
    batch = pa.record_batch({"v": pa.array(raw, kind)})
    step = Cast({"v": target}, bad="null" if null else "drop")
    try:
        step.output_schema(batch.schema)
    except InvalidSpec:
        with pytest.raises(pa.ArrowNotImplementedError):
            pa.array([], kind).cast(TARGETS[target])
        return
    expected = _one_by_one(batch["v"], target)
    made = applied(step, batch)
    bad = expected.count("bad") if target != "string" else 0
    if null:
        wanted = [None if value == "bad" else value for value in expected]
        assert made.counts == ({f"nulled.v.not_{target}": bad} if bad else {})
    else:
        wanted = [value for value in expected if value != "bad"]
        assert made.dropped() == ({f"v.not_{target}": bad} if bad else {})
    assert list(map(repr, made.batch["v"].to_pylist())) == list(map(repr, wanted))


@pytest.mark.parametrize(
    ("target", "kind", "first", "last"),
    [
        ("date", pa.int32(), -719_162, 2_932_896),
        ("timestamp", pa.int64(), -62_135_596_800_000_000, 253_402_300_799_999_999),
    ],
)
def test_cast_makes_no_day_of_a_year_that_nobody_can_write(
    target: Target, kind: pa.DataType, first: int, last: int
) -> None:
    batch = pa.record_batch({"v": pa.array([first - 1, first, None, last, last + 1], kind)})
    made = applied(Cast({"v": target}), batch)
    assert [None if day is None else day.year for day in made.batch["v"].to_pylist()] == [
        1,
        None,
        9999,
    ]
    assert made.dropped() == {f"v.not_{target}": 2}


def test_cast_reads_numbers_as_people_write_them() -> None:
    made = applied(Cast({"text": "int32"}), texts("7", "-3", None, "x", "2147483648", "1.5"))
    assert made.batch["text"].to_pylist() == [7, -3, None]
    assert made.dropped() == {"text.not_int32": 3}


def test_cast_counts_a_row_under_its_first_bad_column() -> None:
    batch = pa.record_batch({"a": pa.array(["x", "x", "1"]), "b": pa.array(["y", "1", "y"])})
    made = applied(Cast({"a": "int64", "b": "int64"}), batch)
    assert made.dropped() == {"a.not_int64": 2, "b.not_int64": 1}


def test_cast_refuses_what_has_no_meaning() -> None:
    lists = pa.schema([("l", pa.list_(pa.int64()))])
    with pytest.raises(InvalidSpec, match="cannot become date"):
        Cast({"l": "date"}).output_schema(lists)
    with pytest.raises(InvalidSpec, match="There is no column"):
        Cast({"x": "date"}).output_schema(lists)


@pytest.mark.parametrize("bad", ["drop", "null"])
def test_cast_depends_on_what_it_tells(bad: str) -> None:
    step = Cast({"text": "int64"}, bad=bad)  # type: ignore[arg-type]
    assert_columns_depend_as_told(step, texts("1", "2", "x"), texts("4", "x", "6", first=7))
