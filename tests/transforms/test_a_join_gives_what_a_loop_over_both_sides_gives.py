"""join: every row meets all rows of the other input with its key, whatever the shards."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine import matching
from transforms.engine.barriers import joining
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Kind
from transforms.engine.operators.join import Join
from transforms.engine.plan import Plan, from_json
from transforms.engine.sample import sample

Row = dict[str, Any]
KEY = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "é", ""]))
MINE = st.lists(st.fixed_dictionaries({"id": KEY, "n": st.integers(0, 99)}), max_size=12)
THEIRS = st.lists(st.fixed_dictionaries({"id": KEY, "score": st.integers(0, 9)}), max_size=12)
HOW = st.sampled_from(["inner", "left", "semi", "anti"])
SCHEMAS = ({"id": "string", "n": "int64"}, {"id": "string", "score": "int64"})


def document(*steps: Row, schemas: tuple[Row, Row] = SCHEMAS, **second: Any) -> Row:
    return {
        "version": 1,
        "inputs": [
            {"name": "/acme/web/~/pages", "schema": schemas[0]},
            {"name": "/acme/web/~/scores", "alias": "scores", "schema": schemas[1], **second},
        ],
        "steps": list(steps),
        "output": {"name": "/acme/web/~/scored"},
    }


def join(**given: Any) -> Row:
    return {"join": {"input": "scores", "keys": ["id"], **given}}


def written(bench: Bench, mine: list[Row], theirs: list[Row], files: int = 2) -> None:
    for number, rows in enumerate((mine, theirs)):
        for file in range(files):
            bench.write_rows(f"part-{file}.jsonl", rows[file::files], number)


def looped(mine: list[Row], theirs: list[Row], how: str) -> list[Row]:
    """Return what the definition says."""
    found: list[Row] = []
    for row in mine:
        met = [each for each in theirs if row["id"] is not None and each["id"] == row["id"]]
        if how == "inner" or (how == "left" and met):
            found += [{**row, "score": each["score"]} for each in met]
        elif how == "left":
            found.append({**row, "score": None})
        elif bool(met) == (how == "semi"):
            found.append(row)
    return found


def counted(rows: list[Row]) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)


@settings(max_examples=25, deadline=None)
@given(MINE, THEIRS, HOW, st.booleans())
def test_a_join_is_what_a_loop_over_both_sides_gives(
    tmp_path_factory: pytest.TempPathFactory,
    mine: list[Row],
    theirs: list[Row],
    how: str,
    small_runs: bool,
) -> None:
    bench = Bench(tmp_path_factory.mktemp("join"), lambda name: pytest.fail(name))
    written(bench, mine, theirs)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(joining, "RUN_BYTES", 1 if small_runs else 2**28)
        planned = bench.plan_of(document(join(how=how)), shard_bytes=64)
        assert isinstance(planned.spec.steps[0], Join)
        report = bench.run(planned)
    wanted = looped(mine, theirs, how)
    assert counted(bench.rows(report)) == counted(wanted)
    kept = sum(1 for row in mine if looped([row], theirs, how))
    reason = "matched" if how == "anti" else "unmatched"
    assert report.dropped == ({reason: len(mine) - kept} if kept < len(mine) else {})
    assert report.counts.get("added_rows", 0) == len(wanted) - kept
    assert (report.rows_in, report.beside["rows_in"]) == (len(mine), len(theirs))


def many(bench: Bench) -> Plan:
    mine = [{"id": f"k{n % 700}", "n": n} for n in range(3000)]
    theirs = [{"id": f"k{n}", "score": n % 10} for n in range(0, 1000, 2)]
    written(bench, mine, theirs, files=5)
    return bench.plan_of(document(join()), shard_bytes=8192)


def test_the_bytes_are_the_same_from_one_worker_and_two_and_by_a_stored_plan(bench: Bench) -> None:
    planned = many(bench)
    assert len(planned.shards) > 2
    assert len(planned.beside) > 1
    bench.run(planned, "one")
    bench.run(from_json(planned.to_json()), "two", threads=2)
    assert bench.files("one") == bench.files("two")
    assert len(bench.files("one")) == planned.stages[0].partitions > 2


def test_another_looked_up_input_is_another_run(bench: Bench) -> None:
    before = many(bench)
    bench.write_rows("more.jsonl", [{"id": "k1", "score": 0}], number=1)
    after = bench.plan_of(document(join()), shard_bytes=8192)
    assert before.run_digest != after.run_digest
    assert [each.digest for each in before.shards] == [each.digest for each in after.shards]


def test_a_row_of_the_other_input_that_cannot_be_read_is_set_aside(bench: Bench) -> None:
    written(bench, [{"id": "a", "n": 1}], [{"id": "a", "score": 1}], files=1)
    bench.write("bad.jsonl", b'{"id": "a", "score": "much"}\n', number=1)
    report = bench.run(bench.plan_of(document(join())))
    assert report.beside == {"rows_in": 2, "quarantined": 1}
    assert (report.quarantined, report.rows_out) == (0, 1)
    assert [row["source"] for row in bench.bad_rows(report)] == ["bad.jsonl"]


def test_steps_before_and_behind_a_join_see_its_rows_as_they_should(bench: Bench) -> None:
    written(bench, [{"id": str(n), "n": n} for n in range(50)], [])
    bench.write_rows("s.jsonl", [{"key": str(n), "score": n % 3} for n in range(50)], number=1)
    steps = [
        {"filter": {"where": [{"column": "n", "max": 29}]}},
        join(their_keys=["key"], columns=["score"], prefix="their_"),
        {"filter": {"where": [{"column": "their_score", "max": 0}]}},
        {"sort": {"columns": ["n"]}},
    ]
    schemas = (SCHEMAS[0], {"key": "string", "score": "int64"})
    report = bench.run(bench.plan_of(document(*steps, schemas=schemas), shard_bytes=128))
    assert [row["n"] for row in bench.rows(report)] == list(range(0, 30, 3))
    assert {row["their_score"] for row in bench.rows(report)} == {0}


def test_columns_tell_from_which_input_they_come(bench: Bench) -> None:
    written(bench, [{"id": "a", "n": 1}], [{"id": "a", "score": 1}])
    told = bench.plan_of(document(join(), mark={"origin": "survey"})).column_map
    direct = {
        name: [(use.column, use.input) for use in uses if use.kind is Kind.DIRECT]
        for name, uses in told.items()
    }
    assert direct == {"id": [("id", 0)], "n": [("n", 0)], "score": [("score", 1)], "origin": []}
    causes = {(use.column, use.input) for use in told["n"] if use.kind is Kind.INDIRECT}
    assert causes == {("id", 0), ("id", 1)}


def test_a_sample_looks_the_other_input_up(bench: Bench) -> None:
    written(bench, [{"id": "a", "n": 1}, {"id": "b", "n": 2}], [{"id": "b", "score": 5}], files=1)
    found = sample(bench.plan_of(document(join())), bench.opener, Encoders(bench.resolver))
    first, second = found.rows
    assert first.dropped_by == "steps[0].join: unmatched"
    assert second.after == {"id": "b", "n": 2, "score": 5}
    assert found.output == ({"id": "b", "n": 2, "score": 5},)


@pytest.mark.parametrize(
    ("step", "second", "where", "says"),
    [
        (join(input="score"), {}, "steps[0].join.input", "No input has the alias 'score'."),
        (join(keys=["key"]), {}, "steps[0].join.keys[0]", "There is no column 'key' here"),
        (
            join(keys=["n"], their_keys=["id"]),
            {},
            "steps[0].join.their_keys[0]",
            "holds string, 'n' int",
        ),
        (
            join(their_keys=["nr"]),
            {},
            "steps[0].join.their_keys[0]",
            "In 'scores': There is no column",
        ),
        (
            join(keys=["id", "n"], their_keys=["id"]),
            {},
            "steps[0].join.their_keys",
            "Name 2 columns",
        ),
        (join(how="semi", columns=["score"]), {}, "steps[0].join.columns", "adds no columns"),
        (join(columns=["scores"]), {}, "steps[0].join.columns[0]", "has no column 'scores'"),
        (join(columns=["id"]), {}, "steps[0].join.columns[0]", "set a prefix"),
        (join(), {"mark": {"score": "x"}}, "inputs[1].mark.score", "has a column 'score' already"),
        (join(), {"files": "none*"}, "inputs[1].files", "No file matches"),
    ],
)
def test_a_join_that_cannot_be_is_refused_where_it_stands(
    bench: Bench, step: Row, second: Row, where: str, says: str
) -> None:
    written(bench, [{"id": "a", "n": 1}], [{"id": "a", "score": 1}])
    with pytest.raises(InvalidSpec) as refused:
        bench.plan_of(document(step, **second))
    (problem, *_) = refused.value.extra["errors"]
    assert problem["where"] == where
    assert says in problem["message"]


def test_a_key_that_is_none_is_told_before_it_fills_the_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "MOST_PAIRS", 99)
    rows = [{"id": "same", "n": n} for n in range(10)]
    written(bench, rows, [{"id": "same", "score": n} for n in range(9)], files=1)
    assert bench.run(bench.plan_of(document(join())), "fits").rows_out == 90
    bench.write_rows("more.jsonl", [{"id": "same", "score": 9}], number=1)
    with pytest.raises(Invalid, match="would give 100 rows, and one key alone 100; at most 99"):
        bench.run(bench.plan_of(document(join())), "too many")


def test_the_first_input_and_a_second_join_of_one_input_are_refused(bench: Bench) -> None:
    wanted = document(join(), join(prefix="again_"))
    with pytest.raises(InvalidSpec, match="joined already"):
        bench.plan_of(wanted)
    wanted = document({"join": {"input": "pages", "keys": ["id"]}})
    wanted["inputs"][0]["alias"] = "pages"
    with pytest.raises(InvalidSpec, match="The first input gives the rows"):
        bench.plan_of(wanted)
