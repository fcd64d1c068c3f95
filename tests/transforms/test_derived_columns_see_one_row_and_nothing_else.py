"""derive: what its expressions give, and all that they must not reach."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.derive_child import TABLE, connect
from transforms.engine.expressions import columns_of
from transforms.engine.operators import derive
from transforms.engine.operators.base import transformed
from transforms.engine.operators.derive import Derive

NAMES = ("n", "text", "Tags")


@settings(max_examples=8, deadline=None)
@given(st.lists(st.none() | st.text("abc ", max_size=5), max_size=9))
def test_values_are_those_of_plain_python(values: list[str | None]) -> None:
    step = Derive({"size": "length(text) * 2", "n": "n + 1", "long": "length(text) > 2"})
    made = applied(step, texts(*values)).batch
    assert made.to_pylist() == [
        {
            "n": number + 1,
            "text": text,
            "size": None if text is None else len(text) * 2,
            "long": None if text is None else len(text) > 2,
        }
        for number, text in enumerate(values)
    ]


def test_expressions_all_see_the_columns_as_they_came_in() -> None:
    step = Derive({"n": "n + 10", "m": "n + 1"})
    assert applied(step, texts("a")).batch["m"].to_pylist() == [1]


def test_lists_and_structs_can_be_looked_into() -> None:
    batch = pa.record_batch({"tags": pa.array([["a", "b"], []]), "doc": pa.array([{"x": 1}] * 2)})
    step = Derive(
        {
            "first": "list_transform(tags, lambda t: upper(t))[1]",
            "part": "split_part(doc.x || '-y', '-', 2)",
            "made": "{'k': len(tags)}",
        }
    )
    assert applied(step, batch).batch.select(["first", "part", "made"]).to_pylist() == [
        {"first": "A", "part": "y", "made": {"k": 2}},
        {"first": None, "part": "y", "made": {"k": 0}},
    ]


def test_a_constant_has_a_row_for_each_row() -> None:
    step = Derive({"source": "'web'"})
    made = applied(step, texts("a", "b")).batch
    assert made["source"].to_pylist() == ["web", "web"]
    assert step.column_map(texts("a").schema)["source"] == ()


REFUSED = {
    "sum(n)": "looks at many rows",
    "row_number() over ()": "window looks at other rows",
    "(select 1)": "subquery cannot be used",
    "*": r"\* cannot be used",
    "random()": "does not always give the same",
    "now()": "does not always give the same",
    "ago(interval 1 day)": "does not always give the same",
    "current_date": "no column 'current_date'",
    "nextval('s')": "does not always give the same",
    "current_setting('threads')": "does not always give the same",
    "read_text('/etc/passwd')": "gives rows",
    "unnest(Tags)": "gives rows",
    "getenv('HOME')": "no function 'getenv'",
    "txet": "no column 'txet'",
    "n) FROM read_csv('/etc/passwd') --": "Not an SQL expression|nothing around it",
    "n), (text": "nothing around it",
    "n) WHERE (n > 1": "nothing around it",
    "n) UNION SELECT (1": "nothing around it",
    "n); DROP TABLE x; SELECT (1": "Not an SQL expression|nothing around it",
    "n +": "Not an SQL expression",
    "$1": "cannot be used here",
    "n + text": "cannot be|could not|Could not|No function",
    "interval 1 day": "no file can hold",
    "union_value(a := n)": "union",
    "json_serialize_plan('select current_setting(''threads'')')": "looks into the database",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_more_than_a_row_is_refused_when_planning(expression: str) -> None:
    schema = texts().schema.append(pa.field("Tags", pa.list_(pa.string())))
    with pytest.raises(InvalidSpec, match=REFUSED[expression]) as refused:
        Derive({"x": expression}).output_schema(schema)
    assert refused.value.extra["errors"][0]["where"] == "columns.x"


def test_the_database_itself_reaches_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with connect() as connection:
        for query in (
            f"SELECT * FROM read_text('{tmp_path}/secret.txt')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "SET enable_external_access=true",
            f"ATTACH '{tmp_path}/x.db'",
        ):
            with pytest.raises(Exception, match=r"(?i)permission|locked|disabled"):
                connection.execute(query)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("TEXT || 'x'", ("text",)),
        ("case when n > 1 then text end", ("n", "text")),
        ("list_transform(tags, lambda text: text || n)", ("Tags", "n")),
        ('"n"', ("n",)),
        ("1", ()),
    ],
)
def test_the_columns_that_are_read_are_known(expression: str, read: tuple[str, ...]) -> None:
    assert set(columns_of(expression, NAMES)) == set(read)


@pytest.mark.parametrize("name", ["text", "n"])
def test_the_table_of_the_row_is_no_way_to_columns_that_are_not_told(name: str) -> None:
    expression = f"list_transform([1], lambda {TABLE}: try_cast({TABLE}.{name} as text))"
    assert columns_of(expression, NAMES) == ()
    batch = texts("secret").select([name])
    made = applied(Derive({"x": expression}), batch).batch
    assert made["x"].to_pylist() == [[None]]


def test_each_column_depends_on_what_is_told() -> None:
    step = Derive({"n": "n * 2", "mix": "text || n", "size": "length(text)"})
    batch = texts("a", "b", None)
    assert_columns_depend_as_told(step, batch, texts("ccc", "dd", "e", first=5))
    assert step.column_map(batch.schema)["size"] == (transformed("text"),)


@pytest.mark.parametrize(
    "expression",
    [
        "length(lpad('x', 2000000000, 'y'))",
        "list_sum(list_transform(range(n + 999999), lambda i: length(repeat('x', 99999 + i))))",
    ],
)
def test_an_expression_without_end_is_stopped(
    monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    monkeypatch.setattr(derive, "_PLANNING_SECONDS", 2.0)
    monkeypatch.setattr(derive, "SECONDS", 2.0)
    with pytest.raises(Invalid, match=r"derive took more than 2 seconds"):
        applied(Derive({"x": expression}), texts("a"))


def test_the_column_that_cannot_be_computed_is_named() -> None:
    step = Derive({"fine": "n", "wrong": "text::int"})
    with pytest.raises(Invalid, match="cannot compute 'wrong'"):
        applied(step, texts("a"))


def test_a_value_that_cannot_be_computed_ends_the_run_and_is_not_told() -> None:
    with pytest.raises(Invalid, match=r"try_cast") as refused:
        applied(Derive({"x": "text::int"}), texts("1", "my secret"))
    assert "secret" not in str(refused.value)
    step = Derive({"x": "try_cast(text as int)"})
    assert applied(step, texts("1", "my secret")).batch["x"].to_pylist() == [1, None]
