"""The draft of a card, where a step made more rows than came in."""

from __future__ import annotations

from tests.transforms.bench import Bench
from transforms.engine.card import Facts, markdown
from transforms.engine.spec import read_spec

STEPS: list[dict[str, object]] = [
    {"chunk": {"column": "text", "by": "word", "size": 16}},
    {"filter": {"where": [{"column": "text", "min_chars": 9, "reason": "short"}]}},
]


def test_the_share_that_was_left_out_is_one_of_all_rows(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "a chunk is long short"}] * 4)
    report = bench.run(bench.plan(STEPS))
    assert (report.rows_in, report.dropped, report.rows_out) == (4, {"short": 4}, 4)
    kept = {
        "rows_in": report.rows_in,
        "documents": report.documents,
        "rows_out": report.rows_out,
        "dropped": report.dropped,
        "quarantined": report.quarantined,
        "counts": report.counts,
    }
    told = markdown(Facts("/acme/out", [], read_spec(bench.document(STEPS)), kept, []))
    assert "4 rows of the source and what steps made of it (50.0%) were left out" in told
    assert "| added rows | 4 |" in told
    assert "Rows that repeat each other were not looked for." in told
