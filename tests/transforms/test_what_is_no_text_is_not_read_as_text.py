"""Bytes that are not UTF-8: a line is set aside, a columnar file is refused, no type changes."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import Invalid
from tests.transforms.bench import Bench

STEPS: list[dict[str, object]] = [{"select": {"columns": ["n", "text"]}}]


@pytest.mark.parametrize("bad", [b"2,\xe9\xe8", b"2,\xff,too many"])
def test_a_record_of_another_encoding_makes_no_column_bytes(bench: Bench, bad: bytes) -> None:
    bench.write("a.csv", b"n,text\n1,one\n" + bad + b"\n3,three\n")
    planned = bench.plan(STEPS)
    assert planned.schemas[0].types == [pa.int64(), pa.string()]
    report = bench.run(planned)
    assert [row["text"] for row in bench.rows(report)] == ["one", "three"]
    assert [row["raw"] for row in bench.bad_rows(report)] == [bad]


def _parquet() -> bytes:
    texts = pa.array([b"one", b"\xff\xfe"]).cast(pa.string(), safe=False)
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array([1, 2]), "text": texts}), sink)
    return sink.getvalue()


def test_a_parquet_file_whose_texts_are_none_is_refused(bench: Bench) -> None:
    bench.write("a.parquet", _parquet())
    with pytest.raises(Invalid, match=r"a\.parquet is damaged"):
        bench.run(bench.plan(STEPS))


@pytest.mark.parametrize("place", [-9, -20])
def test_a_parquet_file_whose_footer_is_damaged_is_refused(bench: Bench, place: int) -> None:
    data = bytearray(_parquet())
    data[place : place + 4] = b"\xff" * 4
    bench.write("a.parquet", bytes(data))
    with pytest.raises(Invalid, match=r"a\.parquet is (damaged|not a Parquet file)"):
        bench.plan(STEPS)
