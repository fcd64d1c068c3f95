"""All row and text steps in one run: real documents in, accounts that add up, equal bytes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from core.errors import Invalid
from tests.transforms.bench import Bench
from tests.transforms.documents import documents
from transforms.engine.operators.base import Kind, Subtype
from transforms.engine.operators.derive import Derive
from transforms.engine.operators.registry import OPERATORS
from transforms.engine.spec import digest, read_spec

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "pipeline.schema.json"
STEPS: list[dict[str, object]] = [
    {"rename": {"columns": {"body": "text"}}},
    {"cast": {"columns": {"number": "int64"}}},
    {"fix_encoding": {"column": "text"}},
    {"dedup_lines": {"column": "text", "min_characters": 20}},
    {"redact": {"column": "text"}},
    {"quality": {"column": "text", "rules": ["gopher_repetition", "fineweb"]}},
    {"language": {"column": "text", "keep": ["en"]}},
    {"decontaminate": {"column": "text", "texts": ["permission is hereby granted free of charge"],
                       "n": 7}},
    {"derive": {"columns": {"characters": "length(text)"}}},
    {"sample": {"share": 0.8, "by": ["text"]}},
]  # fmt: skip
TALKS: list[dict[str, object]] = [{"chat": {"column": "messages", "template": "chatml"}}]


def _rows() -> list[Mapping[str, object]]:
    some = documents()[::9]
    return [
        {"number": "?" if at % 50 == 49 else str(at), "body": f"{text}\nme@example.com"}
        for at, text in enumerate(some)
    ]


def _nothing(name: str) -> str:
    raise AssertionError(f"No step here asks for the tokenizer {name}.")


def test_every_row_is_accounted_for_and_threads_and_shards_make_no_difference(
    bench: Bench,
) -> None:
    bench.write_rows("a.jsonl", _rows())
    report = bench.run(bench.plan(STEPS, shard_bytes=200_000))
    assert report.rows_in == len(_rows()) == report.rows_out + sum(report.dropped.values())
    assert report.dropped["number.not_int64"] == len(_rows()) // 50
    assert {reason.partition(".")[0] for reason in report.dropped} >= {
        "number",
        "fineweb",
        "gopher_repetition",
        "not_sampled",
    }
    rows = bench.rows(report)
    assert rows
    for row in rows:
        assert row["language"] == "en"
        assert row["characters"] == len(row["text"])
        assert "<email>" in row["text"]
        assert "me@example.com" not in row["text"]
    again = bench.run(bench.plan(STEPS, shard_bytes=200_000), "again", threads=2)
    assert bench.files("again") == bench.files()
    assert bench.rows(bench.run(bench.plan(STEPS), "whole"), "whole") == rows
    assert again.dropped == report.dropped


def test_the_map_of_the_whole_run_says_that_the_text_is_masked(bench: Bench) -> None:
    bench.write_rows("a.jsonl", _rows()[:20])
    told = bench.plan(STEPS).column_map
    direct = [use for use in told["text"] if use.kind is Kind.DIRECT]
    assert [(use.column, use.subtype, use.masking) for use in direct] == [
        ("body", Subtype.TRANSFORMATION, True)
    ]
    assert {use.column for use in told["number"]} == {"number", "body"}


def test_conversations_in_a_file_become_text(bench: Bench) -> None:
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    bench.write_rows("a.jsonl", [{"messages": talk}, {"messages": []}])
    report = bench.run(bench.plan(TALKS))
    assert bench.rows(report) == [
        {"text": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"}
    ]
    assert report.dropped == {"chat.no_messages": 1}


@pytest.mark.parametrize("steps", [STEPS, TALKS])
def test_the_normal_form_keeps_to_the_published_schema(
    bench: Bench, steps: list[dict[str, object]]
) -> None:
    spec = read_spec(bench.document(steps))
    normal = spec.as_json()
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(normal)
    assert read_spec(normal) == spec
    assert {next(iter(step)) for step in steps} <= OPERATORS.keys()


def test_another_version_of_what_a_step_uses_is_another_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = read_spec(bench.document(STEPS))
    before = digest(spec, _nothing)
    assert digest(replace(spec), _nothing) == before
    monkeypatch.setattr(Derive, "versions", lambda step: {"duckdb": "0"})
    assert digest(spec, _nothing) != before


def test_a_step_that_cannot_go_on_ends_the_run_with_a_sentence(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "7"}, {"text": "seven"}])
    planned = bench.plan([{"derive": {"columns": {"n": "text::int"}}}])
    with pytest.raises(Invalid, match="derive cannot compute 'n'"):
        bench.run(planned)
