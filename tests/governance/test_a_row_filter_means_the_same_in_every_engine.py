"""Arrow, DuckDB and a naive reading of a condition keep the same rows, nulls among them."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ObligationUnmet
from governance.engine.conditions import (
    All,
    Begins,
    Compares,
    Condition,
    Equals,
    Holds,
    Not,
    OneOf,
    Order,
    Some,
)
from governance.engine.rows import columns_of, kept, quoted, to_expression, to_sql

TYPES: dict[str, list[Any]] = {
    "country": [pa.string(), pa.large_string()],
    'odd "name" ?': [pa.string()],
    "age": [pa.int8(), pa.int64(), pa.uint8(), pa.uint64()],
    "open": [pa.bool_()],
}
TEXTS = st.sampled_from(["", "DE", "DEU", "D", "ü", "%", "_", "a'b", "null"])
NUMBERS = st.sampled_from([-(2**63), -129, -1, 0, 1, 7, 127, 200, 2**63 - 1])
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.booleans(),
    st.builds(Equals, st.sampled_from(["country", 'odd "name" ?']), TEXTS),
    st.builds(Begins, st.just("country"), TEXTS),
    st.builds(OneOf, st.just("country"), st.frozensets(TEXTS, max_size=3)),
    st.builds(Equals, st.just("age"), NUMBERS),
    st.builds(Compares, st.just("age"), st.sampled_from(Order), NUMBERS),
    st.builds(Equals, st.just("open"), st.booleans()),
)


def both(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(All, parts) | st.builds(Some, parts)


CONDITIONS = st.recursive(LEAVES, both, max_leaves=8)


@st.composite
def tables(draw: st.DrawFn) -> pa.RecordBatch:
    kinds = {name: draw(st.sampled_from(known)) for name, known in TYPES.items()}
    rows = draw(st.integers(0, 6))

    def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
        if pa.types.is_boolean(kind):
            return st.booleans()
        if not pa.types.is_integer(kind):
            return TEXTS
        low = 0 if pa.types.is_unsigned_integer(kind) else -(2 ** (kind.bit_width - 1))
        return st.sampled_from([low, low + kind.bit_width, 0, 7, 127])

    columns = [
        pa.array(draw(st.lists(st.none() | values(kind), min_size=rows, max_size=rows)), kind)
        for kind in kinds.values()
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(kinds))


def naive(condition: Condition, row: dict[str, Any]) -> bool | None:
    """Return the truth of a condition, None where a missing value leaves it open."""
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, Not):
        inner = naive(condition.of, row)
        return None if inner is None else not inner
    if isinstance(condition, All | Some):
        parts = [naive(part, row) for part in condition.of]
        decides = isinstance(condition, Some)
        if decides in parts:
            return decides
        return None if None in parts else not decides
    assert isinstance(condition, Equals | Compares | Begins | OneOf)
    value = row[condition.attribute]
    if value is None:
        return None
    if isinstance(condition, Begins):
        return bool(value.startswith(condition.prefix))
    if isinstance(condition, OneOf):
        return value in condition.values
    if isinstance(condition, Equals):
        return bool(value == condition.value)
    ordered: dict[Order, bool] = {
        Order.LESS: value < condition.value,
        Order.AT_MOST: value <= condition.value,
        Order.MORE: value > condition.value,
        Order.AT_LEAST: value >= condition.value,
    }
    return ordered[condition.order]


@settings(max_examples=150, deadline=None)
@given(tables(), CONDITIONS)
def test_three_engines_keep_the_same_rows(batch: pa.RecordBatch, condition: Condition) -> None:
    rows = batch.to_pylist()
    expected = [i for i, row in enumerate(rows) if naive(condition, row) is True]
    numbered = batch.append_column("n", pa.array(range(len(rows)), pa.int64()))

    shown = numbered.filter(to_expression(condition, batch.schema))
    assert shown.column("n").to_pylist() == expected
    assert kept(condition, numbered).column("n").to_pylist() == expected

    sql = to_sql(condition, batch.schema)
    with duckdb.connect() as connection:
        connection.register("t", pa.table(numbered))
        found = connection.execute(f"SELECT n FROM t WHERE {sql.text} ORDER BY n", sql.values)
        assert [row[0] for row in found.fetchall()] == expected


def test_a_null_satisfies_neither_a_comparison_nor_its_negation() -> None:
    batch = pa.record_batch({"country": ["DE", "FR", None]})
    german = Equals("country", "DE")
    for condition, expected in ((german, ["DE"]), (Not(german), ["FR"])):
        assert kept(condition, batch).column("country").to_pylist() == expected


def test_each_of_several_permits_keeps_what_it_would_keep_alone() -> None:
    batch = pa.RecordBatch.from_pydict({"country": [None, "FR"], "owner": ["ben", "ana"]})
    mine = Some((Equals("country", "DE"), Equals("owner", "ben")))
    assert kept(mine, batch).num_rows == 1


@pytest.mark.parametrize(
    ("condition", "schema"),
    [
        (Equals("country", "DE"), pa.schema([("land", pa.string())])),
        (Equals("country", "DE"), pa.schema([("country", pa.int64())])),
        (Equals("age", 1), pa.schema([("age", pa.float64())])),
        (Equals("age", 1), pa.schema([("age", pa.bool_())])),
        (Equals("open", True), pa.schema([("open", pa.int8())])),
        (Compares("age", Order.LESS, 1), pa.schema([("age", pa.string())])),
        (Begins("country", "D"), pa.schema([("country", pa.binary())])),
        (Equals("a", "x"), pa.schema([("a", pa.string()), ("a", pa.string())])),
        (Holds("tags", "x"), pa.schema([("tags", pa.list_(pa.string()))])),
    ],
)
def test_a_filter_that_cannot_be_applied_is_refused(
    condition: Condition, schema: pa.Schema
) -> None:
    for told in (condition, Not(condition), Some((condition, Equals("ok", "x")))):
        whole = schema.append(pa.field("ok", pa.string()))
        for engine in (to_expression, to_sql):
            with pytest.raises(ObligationUnmet):
                engine(told, whole)


def test_names_that_only_case_tells_apart_are_refused_where_case_is_lost() -> None:
    schema = pa.schema([("Country", pa.string()), ("country", pa.string())])
    with pytest.raises(ObligationUnmet, match="case"):
        to_sql(Equals("country", "DE"), schema)


def test_a_name_cannot_leave_its_quotes() -> None:
    assert quoted('a" OR 1=1 --') == '"a"" OR 1=1 --"'
    assert columns_of(All((Equals("a", 1), Not(Begins("b", "x"))))) == {"a", "b"}
