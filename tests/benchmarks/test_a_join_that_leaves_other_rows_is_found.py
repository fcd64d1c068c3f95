"""The benchmark of joins knows how many rows match, and compares rows whatever their order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.join import Bench, Rows, rows_in
from benchmarks.join_corpus import Size, write_join_corpus

ROWS = [
    {"id": number, "url": f"u{number}", "text": "t", "score": 2 * number, "note": "n"}
    for number in range(5)
]


def left(folder: Path, *parts: list[dict[str, object]]) -> Rows:
    """Write rows as a run leaves them, and read them as the benchmark does."""
    folder.mkdir()
    for number, rows in enumerate(parts):
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{number}.parquet")
    return rows_in(folder)


def test_rows_are_compared_whatever_their_order_and_their_files(tmp_path: Path) -> None:
    whole = left(tmp_path / "whole", ROWS)
    assert whole.count == 5
    assert left(tmp_path / "turned", ROWS[3:], ROWS[:3][::-1]) == whole


@pytest.mark.parametrize(
    "other",
    [ROWS[:4], [*ROWS[:4], ROWS[0]], [*ROWS[:4], {**ROWS[4], "score": 9}]],
    ids=["one is lacking", "one stands twice", "one has another value"],
)
def test_other_rows_are_other_rows(tmp_path: Path, other: list[dict[str, object]]) -> None:
    assert left(tmp_path / "whole", ROWS) != left(tmp_path / "other", other)


def test_the_corpus_tells_how_many_rows_match(tmp_path: Path) -> None:
    corpus = write_join_corpus(tmp_path, Size(900, 8, 300, 6))
    pages, notes = (pq.read_table(side).to_pylist() for side in (corpus.pages, corpus.notes))
    known = {row["url"] for row in notes}
    assert len(known) == len(notes) == 300
    assert len(pages) == 900
    assert corpus.matches == sum(row["url"] in known for row in pages)
    assert 500 < corpus.matches < 700


def test_a_run_that_leaves_another_number_of_rows_ends_the_benchmark(tmp_path: Path) -> None:
    corpus = write_join_corpus(tmp_path / "corpus", Size(900, 8, 300, 6))
    _, found = Bench(tmp_path, corpus).ours()
    assert found.count == corpus.matches
    with pytest.raises(SystemExit, match=f"left {found.count} rows, not {found.count + 1}"):
        Bench(tmp_path, replace(corpus, matches=found.count + 1)).ours()
