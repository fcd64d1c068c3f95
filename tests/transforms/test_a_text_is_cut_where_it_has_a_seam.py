"""chunk against plain Python: where texts are cut, and the accounts of more rows."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.cutting_model import Model
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.arrow import Column
from transforms.engine.chunking import Characters, Cutter, Unit
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.operators.base import Applied
from transforms.engine.operators.chunk import Chunk
from transforms.engine.sample import sample

UNITS: list[Unit] = ["heading", "paragraph", "sentence", "word"]
GUIDE = """\
# Guide

Read this first. It is short.

## Set-up
Take the parts. Put them together.

```sh
# not a heading
run
```
## Use

It runs by itself.
"""


def _chunks(text: str, by: Unit, size: int, overlap: int = 0) -> list[str]:
    spans = Cutter(by, size, overlap).spans(text, Characters())
    return [text[start:end] for start, end in spans]


def test_a_heading_begins_a_chunk_and_fenced_code_has_none() -> None:
    expected = [
        "# Guide\n\nRead this first. It is short.",
        "## Set-up\nTake the parts. Put them together.\n\n```sh\n# not a heading\nrun\n```",
        "## Use\n\nIt runs by itself.",
    ]
    assert _chunks(GUIDE, "heading", 1000) == expected
    windows = GUIDE.replace("\n", "\r\n")
    assert [each.replace("\r", "") for each in _chunks(windows, "heading", 1000)] == expected


def test_a_heading_stays_with_what_it_is_over() -> None:
    text = "Some text that is long.\n\n# Title\n\nMore text."
    assert _chunks(text, "paragraph", 34) == ["Some text that is long.", "# Title\n\nMore text."]
    assert _chunks("# A\n## B\ntext", "heading", 100) == ["# A\n## B\ntext"]


def test_the_strongest_end_that_fits_is_taken() -> None:
    text = "One two. Three\nfour.\n\nFive six. Seven eight nine."
    paragraphs = ["One two. Three\nfour.", "Five six.", "Seven eight nine."]
    assert _chunks(text, "paragraph", 22) == paragraphs
    assert _chunks(text, "sentence", 12)[:3] == ["One two.", "Three\nfour.", "Five six."]
    assert _chunks(text, "word", 12)[-2:] == ["Seven eight", "nine."]
    assert _chunks("x" * 25, "word", 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_chinese_sentences_end_without_white_space() -> None:
    assert _chunks("你好。再见。世界。" * 2, "sentence", 7) == [
        "你好。再见。",
        "世界。你好。",
        "再见。世界。",
    ]


def test_the_next_chunk_begins_with_the_end_of_the_last() -> None:
    text = "One two three. Four five. Six seven eight. Nine ten."
    assert _chunks(text, "sentence", 28, 12) == [
        "One two three. Four five.",
        "Four five. Six seven eight.",
        "seven eight. Nine ten.",
    ]


PIECES = ["a", "bb", "ccccccc", " ", " ", "\n", "\n\n", ".", "! ", "? (", '." ', "# ", "## a",
          "\n# b\n", "\n```\n", "。", "」", "…"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.sampled_from(UNITS), st.integers(2, 24), st.integers(0, 12))
def test_cuts_are_those_of_the_model(text: str, by: Unit, size: int, overlap: int) -> None:
    overlap = min(overlap, size // 2)
    found = Cutter(by, size, overlap).spans(text, Characters())
    assert found == Model(text, by, size, overlap).spans()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=6), st.sampled_from(UNITS), st.integers(0, 8))
def test_rows_are_the_chunks_of_each_text(values: list[str | None], by: Unit, overlap: int) -> None:
    made = applied(Chunk("text", by, 16, overlap=overlap), texts(*values))
    spans = [Model(text or "", by, 16, overlap).spans() for text in values]
    assert made.batch.to_pylist() == [
        {"n": n, "text": str(text)[start:end], "chunk_index": at, "start": start, "end": end}
        for n, (text, each) in enumerate(zip(values, spans, strict=True))
        for at, (start, end) in enumerate(each)
    ]
    empty = spans.count([])
    assert made.dropped() == ({"chunk.no_text": empty} if empty else {})


@pytest.mark.parametrize("by", UNITS)
@pytest.mark.parametrize("overlap", [0, 60])
def test_chunks_of_real_documents_hold_all_that_they_hold(by: Unit, overlap: int) -> None:
    for text in documents()[::20]:
        spans = Cutter(by, 200, overlap).spans(text, Characters())
        done = 0
        for start, end in spans:
            assert start >= done - overlap
            assert not text[done:start].strip()
            assert done < end <= start + 200
            assert text[start:end] == text[start:end].strip()
            done = end
        assert not text[done:].strip()


def _applied(step: Chunk, batch: pa.RecordBatch, encoders: Encoders) -> Applied:
    made = step.start(encoders).apply(batch)
    made.batch.validate(full=True)
    assert made.batch.schema.equals(step.output_schema(batch.schema))
    dropped = sum(made.dropped().values())
    assert batch.num_rows + made.added == made.batch.num_rows + dropped
    return made


@pytest.mark.parametrize("name", ["anthropic", "deepseek"])
def test_no_chunk_has_more_tokens_than_it_may(
    name: str, resolver: Callable[[str], TokenizerFile]
) -> None:
    encoders = Encoders(resolver)
    odd = ["🦄" * 50, "naïve " * 30 + "ﷺ" * 9, "<|endoftext|>" * 9, "\x00\ufffd" * 40]
    some = [*documents()[::200], *odd]
    made = _applied(Chunk("text", size=16, tokenizer=name, overlap=5), texts(*some), encoders)
    lengths = []
    for row in made.batch.to_pylist():
        text = some[row["n"]]
        assert text[row["start"] : row["end"]] == row["text"]
        encoded = encoders.load(name, "text").reference.encode([row["text"]])
        lengths.append(len(encoded.ids))
        assert lengths[-1] <= 16 or len(row["text"]) == 1
    assert sum(lengths) / len(lengths) > 8


def test_rows_are_counted_and_others_columns_are_kept(
    resolver: Callable[[str], TokenizerFile],
) -> None:
    batch = texts("One two three four. Five six.", None, " \n", "Seven.", first=4).slice(0)
    step = Chunk("text", "sentence", 20)
    made = _applied(step, batch, Encoders(resolver))
    assert made.batch.to_pylist() == [
        {"n": 4, "text": "One two three four.", "chunk_index": 0, "start": 0, "end": 19},
        {"n": 4, "text": "Five six.", "chunk_index": 1, "start": 20, "end": 29},
        {"n": 7, "text": "Seven.", "chunk_index": 0, "start": 0, "end": 6},
    ]
    assert (made.added, made.dropped()) == (1, {"chunk.no_text": 2})
    assert step.start(Encoders(resolver)).apply(batch.slice(1, 2)).batch.num_rows == 0


STEPS: list[dict[str, object]] = [
    {"filter": {"where": [{"column": "text", "min_chars": 3, "reason": "short"}]}},
    {"chunk": {"column": "text", "by": "sentence", "size": 20}},
    {"dedup_exact": {"columns": ["text"]}},
    {"filter": {"where": [{"column": "text", "min_chars": 6, "reason": "short"}]}},
    {"shuffle": {"seed": 1}},
]


def test_a_run_with_more_rows_adds_up_through_global_steps(bench: Bench) -> None:
    rows = [{"n": n, "text": f"The same sentence. Number {n % 30} stands. Yes."} for n in range(90)]
    bench.write_rows("a.jsonl", [*rows, {"n": 90, "text": "x"}, {"n": 91, "text": "   "}])
    report = bench.run(bench.plan(STEPS, shard_bytes=1000))
    assert report.counts["added_rows"] == 2 * 90
    assert report.dropped == {
        "short": 2,
        "chunk.no_text": 1,
        "duplicate": 3 * 90 - 32,
    }
    assert report.rows_in + 180 == report.documents + sum(report.dropped.values())
    assert report.documents == report.rows_out == 31
    again = bench.run(bench.plan(STEPS, shard_bytes=1000), "again", threads=2)
    assert bench.files("again") == bench.files()
    assert again.counts == report.counts


def test_a_sample_shows_the_rows_before_they_become_several(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "One two three four. Five six."}, {"text": "x"}])
    shown = sample(bench.plan(STEPS), bench.opener, Encoders(bench.resolver))
    assert [row.dropped_by for row in shown.rows] == [None, "steps[0].filter: short"]
    assert sorted(str(row["text"]) for row in shown.output) == ["Five six.", "One two three four."]


def test_what_cannot_be_is_refused_when_planning() -> None:
    with pytest.raises(InvalidSpec, match="not text"):
        Chunk("n").output_schema(texts().schema)
    with pytest.raises(InvalidSpec, match="At most half"):
        Chunk("text", size=20, overlap=11).output_schema(texts().schema)
    taken = texts().rename_columns(["end", "text"]).schema
    with pytest.raises(InvalidSpec, match="column 'end' already"):
        Chunk("text").output_schema(taken)


def test_columns_depend_as_told() -> None:
    changed = texts("x", "Five six seven. Eight nine.", first=9)
    before = texts("One two three. Four five.", "x")
    assert_columns_depend_as_told(Chunk("text", "sentence", 16), before, changed)


def test_a_long_text_does_not_stand_beside_each_of_its_chunks() -> None:
    made = applied(Chunk("text", size=16), texts("a" * 1_000_000))  # 60 GB, else
    assert made.batch.num_rows == 62_500


def test_other_columns_that_are_too_large_beside_each_chunk_are_told() -> None:
    columns: dict[str, Column] = {
        "text": pa.array(["a" * 48_000]),
        "image": pa.array([bytes(1_000_000)], pa.binary()),
    }
    with pytest.raises(Invalid, match="too large to stand beside each"):
        applied(Chunk("text", size=16), pa.record_batch(columns))
