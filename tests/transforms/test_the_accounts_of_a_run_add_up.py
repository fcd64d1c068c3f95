"""Rows and tokens: what came in is what went out, was dropped by name, or stands in quarantine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tokenizers

from core.errors import IntegrityBroken
from tests.transforms.bench import Bench
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.result import result_from_json
from transforms.engine.shard import run_map_shard

STEPS: list[dict[str, object]] = [
    {"normalise": {"column": "text"}},
    {"filter": {"where": [{"column": "text", "min_chars": 5, "reason": "short"}]}},
    {"dedup_exact": {"columns": ["text"]}},
    {"tokenise": {"column": "text", "tokenizer": "anthropic"}},
    {"pack": {"length": 16}},
]


def _documents() -> list[dict[str, object]]:
    texts = [f"document number {n % 40}, with naïve words" for n in range(100)]
    return [{"id": n, "text": text} for n, text in enumerate([*texts, "tiny", "one", ""])]


def test_every_row_and_every_token_is_accounted_for(
    bench: Bench, resolver: Callable[[str], TokenizerFile]
) -> None:
    bench.write_rows("a.jsonl", _documents())
    bench.write("b.jsonl", b'{"id": 1, "text": "a good line of text"}\n{"id": oops}\n\n')
    report = bench.run(bench.plan(STEPS, shard_bytes=1000))

    assert report.rows_in == 105
    assert report.dropped == {"duplicate": 60, "short": 3}
    assert report.quarantined == 1
    assert report.documents == 41

    reference = tokenizers.Tokenizer.from_buffer(resolver("anthropic").data)
    kept = sorted({text for row in _documents() if len(text := str(row["text"])) >= 5})
    expected = sum(len(reference.encode(text).ids) for text in [*kept, "a good line of text"])
    assert report.counts["tokens"] == expected
    assert report.counts["eos"] == 41
    rows = bench.rows(report)
    assert sum(row["length"] for row in rows) == expected + 41 == report.counts["packed_tokens"]
    assert sum(len(row["doc_starts"]) for row in rows) == 41
    assert report.rows_out == len(rows)


def test_a_result_that_does_not_add_up_cannot_be_made(bench: Bench) -> None:
    bench.write_rows("a.jsonl", _documents())
    planned = bench.plan(STEPS[:2])
    result = run_map_shard(planned, 0, 0, bench.workspace(), Encoders(bench.resolver))
    document = result.to_json()
    assert result_from_json(document) == result
    with pytest.raises(IntegrityBroken, match="103 rows came in"):
        result_from_json({**document, "dropped": {"short": 2}})
