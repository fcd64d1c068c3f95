"""Inputs that no step looks up give their rows one after the other, in one schema."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine.encoders import Encoders
from transforms.engine.plan import from_json
from transforms.engine.sample import sample

KEEP = {"filter": {"where": [{"column": "text", "min_chars": 1}]}}


def document(*inputs: dict[str, Any], steps: tuple[Any, ...] = (KEEP,)) -> dict[str, Any]:
    names = ("wiki", "code", "mail")
    return {
        "version": 1,
        "inputs": [
            {"name": f"/acme/nlp/~/{name}", **given}
            for name, given in zip(names, inputs, strict=False)
        ],
        "steps": list(steps),
        "output": {"name": "/acme/nlp/~/all"},
    }


def test_rows_come_in_the_order_of_the_inputs_with_null_for_what_one_lacks(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one", "lang": "en"}])
    bench.write_rows("a.jsonl", [{"text": "two", "stars": 3}], number=1)
    wanted = document({"mark": {"source": "wiki"}}, {"mark": {"source": "code"}})
    report = bench.run(bench.plan_of(wanted))
    assert bench.rows(report) == [
        {"text": "one", "lang": "en", "source": "wiki", "stars": None},
        {"text": "two", "lang": None, "source": "code", "stars": 3},
    ]
    assert report.rows_in == 2


def test_whole_numbers_and_others_come_together_as_others(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one", "n": 1}])
    bench.write_rows("a.jsonl", [{"text": "two", "n": 2.5}], number=1)
    assert [row["n"] for row in bench.rows(bench.run(bench.plan_of(document({}, {}))))] == [1, 2.5]


def test_a_number_that_the_common_type_cannot_hold_stops_the_run(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one", "n": 2**53 + 1}])
    bench.write_rows("a.jsonl", [{"text": "two", "n": 2.5}], number=1)
    with pytest.raises(Invalid, match="A value of 'n' is no double"):
        bench.run(bench.plan_of(document({}, {})))


def test_types_that_do_not_fit_are_refused_with_the_input(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one"}])
    bench.write_rows("a.jsonl", [{"text": 7}], number=1)
    with pytest.raises(InvalidSpec) as refused:
        bench.plan_of(document({}, {}))
    assert refused.value.extra["errors"][0]["where"] == "inputs[1].schema"


def test_one_more_input_leaves_the_shards_of_the_first_as_they_were(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one"}])
    bench.write_rows("a.jsonl", [{"text": "one"}], number=1)
    bench.write_rows("a.jsonl", [{"text": "one"}], number=2)
    three = bench.plan_of(document({}, {}, {}))
    assert [shard.input for shard in three.shards] == [0, 1, 2]
    assert len({shard.digest for shard in three.shards}) == 3
    assert from_json(three.to_json()) == three


def test_a_sample_shows_rows_of_every_input(bench: Bench) -> None:
    for number in range(3):
        rows = [{"text": f"{number}-{at}"} for at in range(50)]
        bench.write_rows("a.jsonl", rows, number=number)
    found = sample(bench.plan_of(document({}, {}, {})), bench.opener, Encoders(bench.resolver), 7)
    assert [str(row.before["text"])[0] for row in found.rows] == list("0011222")


def test_two_inputs_of_one_alias_and_a_mark_over_a_column_are_refused(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one"}])
    bench.write_rows("a.jsonl", [{"text": "one"}], number=1)
    with pytest.raises(InvalidSpec, match="called 'x' already"):
        bench.plan_of(document({"alias": "x"}, {"alias": "x"}))
    with pytest.raises(InvalidSpec, match="has a column 'text' already"):
        bench.plan_of(document({"mark": {"text": "x"}}, {}))
