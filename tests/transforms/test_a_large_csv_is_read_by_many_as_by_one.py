"""A CSV file that is cut gives the records that a single reader finds, or is refused."""

from __future__ import annotations

import contextlib
import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from tests.transforms.bench import Bench
from transforms.engine.reading.csv_cuts import CannotBeCut, next_record
from transforms.engine.sources import MemorySource

STEPS = [{"select": {"columns": ["a", "b"]}}]
SCHEMA = {"a": "string", "b": "string"}
PIECES = ["x", "a word", ",", "\n", '"', "\r\n", '""', ',"', '",', "1,2", 'said "so"', "", "é"]
texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)


def csv_of(rows: list[list[str]], header: tuple[str, ...] = ("a", "b"), **given: Any) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n", **given).writerows([header, *rows])
    return sink.getvalue().encode()


def rows_read(bench: Bench, data: bytes, shard_bytes: int, **given: Any) -> list[dict[str, Any]]:
    """Return the rows, and what is quarantined, of a file that is cut every `shard_bytes`."""
    bench.write("a.csv", data)
    name = f"run-{hash((data, shard_bytes, *given))}"
    report = bench.run(bench.plan(STEPS, shard_bytes, schema=SCHEMA, **given), name)
    bad = bench.bad_rows(report, name)
    assert report.rows_in == report.rows_out + len(bad)
    return bench.rows(report, name) + bad


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(texts, texts).map(list), min_size=1, max_size=25),
    shard_bytes=st.integers(3, 120),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(rows=[["x\ny", "line\n" * 9], ["1", '"'], ["", ""]] * 4, shard_bytes=11, quoting=0)
@example(rows=[["a,b\na,b\na,b\na,b\n", "x"]] * 3, shard_bytes=7, quoting=csv.QUOTE_ALL)
def test_wherever_it_is_cut_the_rows_are_those_of_one_reader_or_it_is_refused(
    bench: Bench, rows: list[list[str]], shard_bytes: int, quoting: int
) -> None:
    data = csv_of(rows, quoting=quoting)
    alone = rows_read(bench, data, 10_000_000)
    with contextlib.suppress(CannotBeCut):
        assert rows_read(bench, data, shard_bytes) == alone
    assert rows_read(bench, data, shard_bytes, cut=False) == alone


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("shard_bytes", [50_000, 99_991])
def test_texts_with_newlines_and_commas_are_cut_by_many(
    bench: Bench, quoting: int, shard_bytes: int
) -> None:
    """Prose, tables within quotes, and rows without any quote: none of it is refused."""
    prose = 'He said: "no, never".\nAnd then, after a while,\n\n"yes".\n'
    table = "a,b\n1,2\n3,4\n" * 40
    rows = [[str(n), (prose * (n % 7), table, "plain", "")[n % 4]] for n in range(3000)]
    rows += [[str(n), "no quotes here"] for n in range(9000)]
    data = csv_of(rows, quoting=quoting)
    bench.write("a.csv", data)
    planned = bench.plan(STEPS, shard_bytes, schema=SCHEMA)
    assert len(planned.shards) >= len(data) // shard_bytes
    report = bench.run(planned)
    assert [[row["a"], row["b"]] for row in bench.rows(report)] == rows
    assert report.quarantined == 0


def test_a_bad_record_is_set_aside_with_its_place_in_the_file(bench: Bench) -> None:
    lines = [b"%d,text %d" % (n, n) for n in range(400)]
    lines[50], lines[333] = b"one,two,three", b'"x"y,z'
    data = b"a,b\n" + b"\n".join(lines) + b"\n"
    bench.write("a.csv", data)
    report = bench.run(bench.plan(STEPS, 700, schema=SCHEMA))
    bad = bench.bad_rows(report)
    assert [data[row["byte_offset"] :].split(b"\n")[0] for row in bad] == [
        row["raw"] for row in bad
    ]
    assert bad[0]["raw"] == b"one,two,three"
    assert report.rows_in == 400


def test_a_quote_that_is_never_closed_is_refused_with_a_way_forward(bench: Bench) -> None:
    rows = [[str(n), f"text {n}"] for n in range(500)]
    data = csv_of(rows).replace(b"text 250\n", b'"text 250\n')
    bench.write("a.csv", data)
    with pytest.raises(Invalid, match=r"a\.csv cannot be read by several workers.*cut: false"):
        bench.run(bench.plan(STEPS, 1000, schema=SCHEMA))
    report = bench.run(bench.plan(STEPS, 1000, schema=SCHEMA, cut=False), "whole")
    assert report.rows_in == 251, "what is behind the quote is one record, as in any reader"


def test_a_cut_that_was_guessed_wrong_gives_no_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if every guess were the start of a line, no row would be made up."""
    rows = [[str(n), "first\nsecond\nthird"] for n in range(200)]
    bench.write("a.csv", csv_of(rows))

    def next_line(source: MemorySource, position: int, path: str) -> int:
        return source.read_range(0, source.size).index(b"\n", position) + 1

    monkeypatch.setattr("transforms.engine.reading.csv_cuts.next_record", next_line)
    with pytest.raises(CannotBeCut):
        bench.run(bench.plan(STEPS, 500, schema=SCHEMA))


def test_both_sides_of_a_cut_find_the_same_record() -> None:
    rows = [[str(n), f'a "word",\nand {n}'] for n in range(300)]
    data = csv_of(rows)
    source = MemorySource(data)
    starts = {0}
    at = 0
    for record in data.split(b'"\n'):
        at += len(record) + 2
        starts.add(at)
    header = data.index(b"\n") + 1
    starts |= {header, len(data)}
    found = [next_record(source, at, "a.csv") for at in range(len(data) + 1)]
    assert set(found[1:]) <= starts
    assert all(each >= at for at, each in enumerate(found))
    assert found == sorted(found)
