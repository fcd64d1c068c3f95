"""prefix_group against plain Python: the order, what is shared, and that no order shares more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.steps import no_tokenizer, texts
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Kind
from transforms.engine.operators.prefix_group import PrefixGroup
from transforms.engine.operators.tokenise import IDS

Prompt = Sequence[Any]


def _grouped(step: PrefixGroup, *batches: pa.RecordBatch) -> tuple[list[dict[str, Any]], Any]:
    running = step.start(Encoders(no_tokenizer))
    for batch in batches:
        made = running.apply(batch).batch
        assert made.num_rows == 0
        assert made.schema.equals(step.output_schema(batch.schema))
    last = running.finish()
    if last is None:
        return [], {}
    last.batch.validate(full=True)
    assert last.batch.schema.equals(step.output_schema(batches[0].schema))
    return last.batch.to_pylist(), last.counts


def _shared(one: Prompt, other: Prompt) -> int:
    pairs = zip(one, other, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _check(made: tuple[list[dict[str, Any]], Any], values: Sequence[Prompt | None]) -> None:
    rows, counts = made
    there = [at for at, value in enumerate(values) if value is not None]
    absent = [at for at, value in enumerate(values) if value is None]
    order = sorted(there, key=lambda at: cast("Any", values[at]))
    assert [row["n"] for row in rows] == [*order, *absent]
    prompts = [values[at] or () for at in [*order, *absent]]
    shared = [_shared(*pair) for pair in itertools.pairwise(prompts)]
    assert [row["shared_prefix"] for row in rows] == [0, *shared][: len(rows)]
    assert counts == {"shared_prefix": sum(shared), "prefix_total": sum(map(len, prompts))}


TOKENS = st.lists(st.sampled_from([0, 1, 255, 256, 2**31 - 1]), max_size=5).map(tuple)
TEXTS = st.none() | st.text("aé€🦄", max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=12), st.integers(0, 12))
def test_texts_are_in_order_and_whole_characters_are_counted(
    values: list[str | None], cut: int
) -> None:
    batch = texts(*values)
    _check(_grouped(PrefixGroup("text"), batch.slice(0, cut), batch.slice(cut)), values)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | TOKENS, min_size=1, max_size=12))
def test_token_ids_are_in_order_and_counted(values: list[tuple[int, ...] | None]) -> None:
    nullable = pa.array(values, IDS)
    batch = pa.RecordBatch.from_arrays([pa.array(range(len(values))), nullable], names=["n", "ids"])
    _check(_grouped(PrefixGroup("ids"), batch.slice(0, 1), batch.slice(1)), values)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab", max_size=4), min_size=1, max_size=5))
def test_no_other_order_shares_more(values: list[str]) -> None:
    _, counts = _grouped(PrefixGroup("text"), texts(*values))
    most = max(
        sum(_shared(*pair) for pair in itertools.pairwise(order))
        for order in itertools.permutations(values)
    )
    assert counts["shared_prefix"] == most


def test_nothing_is_made_of_no_rows() -> None:
    assert _grouped(PrefixGroup("text")) == ([], {})
    assert _grouped(PrefixGroup("text"), texts())[0] == []


def test_each_shard_of_a_run_is_in_order_and_no_row_is_lost(bench: Bench) -> None:
    system = ("You are kind. " * 9, "You are short. " * 9)
    rows = [{"n": n, "text": system[n % 2] + str(n)} for n in range(100)]
    bench.write_rows("a.jsonl", rows)
    step: dict[str, object] = {"prefix_group": {"column": "text"}}
    report = bench.run(bench.plan([step], shard_bytes=5_000))
    assert len(report.outputs) > 2
    assert report.documents == report.rows_out == 100
    assert sorted(row["n"] for row in bench.rows(report)) == list(range(100))
    total = sum(len(str(row["text"])) for row in rows)
    assert report.counts["prefix_total"] == total
    assert 0.8 * total < report.counts["shared_prefix"] < total


def test_what_cannot_be_is_refused_when_planning() -> None:
    with pytest.raises(InvalidSpec, match="neither text nor token ids"):
        PrefixGroup("n").output_schema(texts().schema)
    with pytest.raises(InvalidSpec, match="column 'n' already"):
        PrefixGroup("text", output="n").output_schema(texts().schema)


def test_columns_depend_as_told() -> None:
    step = PrefixGroup("text")
    told = step.column_map(texts().schema)
    assert {use.column for use in told["n"] if use.kind is Kind.INDIRECT} == {"text"}
    before, _ = _grouped(step, texts("b", "ab", "aa"))
    numbers, _ = _grouped(step, texts("b", "ab", "aa", first=5))
    other, _ = _grouped(step, texts("a", "b", "c"))
    assert [row["n"] for row in before] != [row["n"] for row in other]
    for name in ("text", "shared_prefix"):
        assert [row[name] for row in before] == [row[name] for row in numbers]
        assert "n" not in {use.column for use in told[name]}
