"""mixture: sources stand in their weights to each other, by rows or by what a column says."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.barriers import passed
from tests.transforms.bench import Bench
from transforms.engine.encoders import Encoders
from transforms.engine.operators.mixture import Mixture
from transforms.engine.sample import sample

FIELDS: dict[str, pa.DataType] = {"source": pa.string(), "n": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema(FIELDS)
WEIGHTS = {"wiki": 3.0, "code": 1.0}


def batches(rows: list[dict[str, Any]], shards: int = 3) -> list[list[pa.RecordBatch]]:
    return [[pa.RecordBatch.from_pylist(rows[at::shards], SCHEMA)] for at in range(shards)]


def rows_of(source: str, count: int, length: int = 4) -> list[dict[str, Any]]:
    return [{"source": source, "n": n, "text": "x" * length} for n in range(count)]


def totals(rows: list[dict[str, Any]], measure: str | None = None) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        amount = 1 if measure is None else len(row[measure])
        found[row["source"]] = found.get(row["source"], 0) + amount
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(50, 4000), st.integers(50, 4000), st.floats(0.1, 10), st.integers(1, 3))
def test_the_result_is_the_largest_that_has_the_weights(
    wiki: int, code: int, ratio: float, repeat: int
) -> None:
    """The model: as much of each as its share of the largest whole, to within one row."""
    step = Mixture("source", {"wiki": ratio, "code": 1.0}, repeat=repeat)
    rows = rows_of("wiki", wiki) + rows_of("code", code)
    found = totals(passed(step, batches(rows), 1).rows)
    whole = min(wiki * repeat * (ratio + 1) / ratio, code * repeat * (ratio + 1))
    # two rows of one source may share a head: what is asked for is met to a row, or two of them
    assert abs(found["wiki"] - whole * ratio / (ratio + 1)) <= 2
    assert abs(found["code"] - whole / (ratio + 1)) <= 2


def test_weights_may_count_the_length_of_a_column(bench: Bench) -> None:
    step = Mixture("source", WEIGHTS, by="text")
    rows = rows_of("wiki", 2000, length=10) + rows_of("code", 9000, length=2)
    found = totals(passed(step, batches(rows), 1).rows, "text")
    assert found["wiki"] == 20_000
    assert abs(found["code"] - 20_000 / 3) <= 4


def test_every_row_that_goes_is_accounted_for_and_one_that_is_repeated_is_added(
    bench: Bench,
) -> None:
    for number, source in enumerate(("wiki", "code")):
        rows = [{"text": f"{source} {n}"} for n in range(1000 if number else 100)]
        bench.write_rows("a.jsonl", rows, number)
    bench.write_rows("a.jsonl", [{"text": "from elsewhere"}], number=2)
    step = {"mixture": {"column": "source", "weights": {"wiki": 1, "code": 2}, "repeat": 3}}
    document = {
        "version": 1,
        "inputs": [
            {"name": f"/acme/nlp/~/{name}", "mark": {"source": name}}
            for name in ("wiki", "code", "mail")
        ],
        "steps": [step, {"shuffle": {"seed": 1}}],
        "output": {"name": "/acme/nlp/~/mixed"},
    }
    planned = bench.plan_of(document, shard_bytes=4096)
    report = bench.run(planned, "one")
    assert totals(bench.rows(report, "one")) == {"wiki": 300, "code": 600}
    assert report.rows_in == 1101
    assert report.dropped == {"beyond_its_share": 400, "not_in_the_mixture": 1}
    assert report.counts["added_rows"] == 200
    texts = [row["text"] for row in bench.rows(report, "one") if row["source"] == "wiki"]
    assert {texts.count(each) for each in texts} == {3}
    bench.run(planned, "two", threads=2)
    assert bench.files("one") == bench.files("two")


def test_a_given_size_is_kept_to_and_one_out_of_reach_is_refused_with_the_most() -> None:
    rows = rows_of("wiki", 900) + rows_of("code", 900)
    found = totals(passed(Mixture("source", WEIGHTS, size=400), batches(rows), 1).rows)
    assert abs(found["wiki"] - 300) <= 2
    assert abs(found["code"] - 100) <= 2
    with pytest.raises(Invalid, match=r"needs more of 'wiki' than there is.*1200 at most"):
        passed(Mixture("source", WEIGHTS, size=4000), batches(rows), 1)


def test_a_source_that_gave_nothing_stops_the_run() -> None:
    with pytest.raises(Invalid, match="Nothing came from 'code'"):
        passed(Mixture("source", WEIGHTS), batches(rows_of("wiki", 9)), 1)


def test_another_seed_keeps_other_rows_and_the_same_seed_the_same() -> None:
    rows = rows_of("wiki", 300) + rows_of("code", 300)
    kept = [
        [row["n"] for row in passed(Mixture("source", WEIGHTS, seed=seed), batches(rows), 1).rows]
        for seed in (0, 0, 1)
    ]
    assert kept[0] == kept[1] != kept[2]


def test_every_column_depends_on_the_source_and_on_what_is_weighed() -> None:
    told = Mixture("source", WEIGHTS, by="text").column_map(SCHEMA)
    assert {name: [use.column for use in uses] for name, uses in told.items()} == {
        "source": ["source", "source", "text"],
        "n": ["n", "source", "text"],
        "text": ["text", "source", "text"],
    }


def test_a_sample_shows_the_rows_of_sources_that_are_named(bench: Bench) -> None:
    bench.write_rows("a.jsonl", rows_of("wiki", 2) + rows_of("mail", 1))
    step = {"mixture": {"column": "source", "weights": WEIGHTS}}
    found = sample(bench.plan([step]), bench.opener, Encoders(bench.resolver))
    assert [row.dropped_by for row in found.rows] == [
        None,
        None,
        "steps[0].mixture: not_in_the_mixture",
    ]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"column": "n"}, "column"),
        ({"weights": {}}, "weights"),
        ({"weights": {"wiki": 0}}, "weights.wiki"),
        ({"by": "flag"}, "by"),
        ({"size": 0}, "size"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(bench: Bench, given: Any, where: str) -> None:
    bench.write_rows("a.jsonl", [{"source": "wiki", "n": 1, "flag": True}])
    step = {"mixture": {"column": "source", "weights": WEIGHTS, **given}}
    with pytest.raises(InvalidSpec) as refused:
        bench.plan([step])
    assert refused.value.extra["errors"][0]["where"] == f"steps[0].mixture.{where}"
