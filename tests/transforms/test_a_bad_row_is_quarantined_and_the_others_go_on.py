"""A line that is no row stands in the quarantine with its place, its bytes and the reason."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine.reading import records

STEPS = [{"select": {"columns": ["n", "text"]}}]
SCHEMA = {"n": "int64", "text": "string"}
BAD = [
    b'{"n": 1, "text": "cut off',
    b"not json at all",
    b'{"n": "a word", "text": ""}',
    b'{"n": 1, "n": 2}',
    b"[1, 2]",
    b'{"n": 1} {"n": 2}',
    b'{"text": "\xff\xfe"}',
    b"}{",
]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(st.one_of(st.integers(0, 99), st.sampled_from(BAD)), min_size=1, max_size=40),
    shard_bytes=st.integers(20, 400),
    blank=st.sampled_from([b"", b"\n", b"  \n", b"\r\n"]),
)
def test_bad_lines_anywhere_and_cut_anywhere(
    bench: Bench, lines: list[int | bytes], shard_bytes: int, blank: bytes
) -> None:
    data, offsets = b"", []
    for line in lines:
        if isinstance(line, bytes):
            offsets.append(len(data))
            data += line + b"\n" + blank
        else:
            data += b'{"n": %d, "text": "row %d"}\n' % (line, line) + blank
    bench.write("a.jsonl", data)
    name = f"run-{hash((data, shard_bytes))}"
    report = bench.run(bench.plan(STEPS, shard_bytes=shard_bytes, schema=SCHEMA), name)

    good = [line for line in lines if isinstance(line, int)]
    assert bench.rows(report, name) == [{"n": n, "text": f"row {n}"} for n in good]
    bad = bench.bad_rows(report, name)
    assert [row["byte_offset"] for row in bad] == offsets
    assert [row["raw"] for row in bad] == [line for line in lines if isinstance(line, bytes)]
    assert all(row["source"] == "a.jsonl" and row["error"] for row in bad)
    assert report.quarantined == len(bad)


def test_a_csv_record_of_the_wrong_shape_or_type_is_set_aside(bench: Bench) -> None:
    data = b'n,text\n1,"a\nb, ""c"""\n2,x,y\nthree,z\n4,\n'
    bench.write("a.csv", data)
    report = bench.run(bench.plan(STEPS, schema=SCHEMA))
    assert bench.rows(report) == [{"n": 1, "text": 'a\nb, "c"'}, {"n": 4, "text": ""}]
    bad = bench.bad_rows(report)
    assert [row["raw"] for row in bad] == [b"2,x,y", b"three,z"]
    assert [data[row["byte_offset"] :][:3] for row in bad] == [b"2,x", b"thr"]
    assert report.rows_in == 4


def test_a_file_that_is_damaged_as_a_whole_stops_the_run(bench: Bench) -> None:
    whole = gzip.compress(b'{"n": 1, "text": "a"}\n' * 1000)
    bench.write("a.jsonl.gz", whole[: len(whole) // 2])
    with pytest.raises(Invalid, match=r"a\.jsonl\.gz is damaged"):
        bench.run(bench.plan(STEPS, schema=SCHEMA))


def test_a_line_without_end_stops_the_run_before_memory_is_full(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", 3 * 1024 * 1024)
    bench.write("a.jsonl.gz", gzip.compress(b'{"text": "' + b" " * 9_000_000))
    with pytest.raises(Invalid, match=r"a\.jsonl\.gz is damaged: a record is longer than 3 MiB"):
        bench.run(bench.plan(STEPS, schema=SCHEMA))


def test_a_line_that_python_cannot_read_tells_nothing_of_the_columns(bench: Bench) -> None:
    deep = b'{"n": ' + b"[" * 9999 + b"]" * 9999 + b"}"
    bench.write("a.jsonl", b'{"n": 1, "text": "a"}\n' + deep + b"\n")
    report = bench.run(bench.plan(STEPS))
    assert (bench.rows(report), report.quarantined) == ([{"n": 1, "text": "a"}], 1)


def test_an_input_without_columns_is_refused(bench: Bench) -> None:
    bench.write("a.jsonl", b"{}\n{}\n")
    with pytest.raises(InvalidSpec, match="no columns"):
        bench.plan([{"shuffle": {}}])
