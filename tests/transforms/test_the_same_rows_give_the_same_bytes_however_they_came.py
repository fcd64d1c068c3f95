"""A file depends on its rows alone: not on batches, on nulls' memory, on a clock or on a folder."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid, ObjectMissing
from tests.transforms.written import files_in, rows, with_nulls, write
from transforms.engine.arrow import Column
from transforms.engine.output import Output, OutputFormat
from transforms.engine.sources import LocalFolder
from transforms.engine.writing.base import Part
from transforms.engine.writing.grouped import Regrouped
from transforms.engine.writing.registry import FORMATS

ALL: tuple[OutputFormat, ...] = get_args(OutputFormat)
NULLABLE = [name for name in ALL if name not in {"mds", "megatron"}]
QUIET = [HealthCheck.function_scoped_fixture]


def table_for(name: OutputFormat) -> pa.Table:
    return rows(11).drop_columns(["image", "input_ids"]) if name == "csv" else rows(11)


def test_the_document_knows_every_format_that_is_there() -> None:
    assert set(ALL) == set(FORMATS)


@settings(max_examples=8, deadline=None, suppress_health_check=QUIET)
@given(cuts=st.lists(st.integers(0, 11), max_size=6).map(sorted))
@pytest.mark.parametrize("name", ALL)
def test_batches_may_be_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, name: OutputFormat, cuts: list[int]
) -> None:
    whole, cut = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    assert write(whole, name, table_for(name)) == write(cut, name, table_for(name), cuts)
    assert files_in(whole) == files_in(cut)


@pytest.mark.parametrize("name", ["jsonl", "csv", "webdataset", "tfrecord"])
def test_compressed_bytes_do_not_depend_on_batches(tmp_path: Path, name: OutputFormat) -> None:
    table = pa.concat_tables([table_for(name)] * 20)
    asked = Output("/a/~/b", name, "gzip")
    write(tmp_path / "one", name, table, output=asked)
    write(tmp_path / "two", name, table, range(1, 220, 7), output=asked)
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")


@pytest.mark.parametrize("name", ["parquet", "arrow", "orc", "huggingface", "jsonl", "lance"])
def test_nested_values_may_be_cut_anywhere(tmp_path: Path, name: OutputFormat) -> None:
    values = [{"a": 1, "b": None}, None, {"a": None, "b": ["x"]}, {"a": 2, "b": [None]}, None]
    table = pa.table({"s": pa.array(values * 3), "n": pa.array([None, 1, 2] * 5)})
    write(tmp_path / "one", name, table)
    write(tmp_path / "two", name, table, [1, 2, 3, 8, 13])
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")


@pytest.mark.parametrize("name", NULLABLE)
def test_what_stands_below_a_null_is_not_written(tmp_path: Path, name: OutputFormat) -> None:
    plain = with_nulls()
    texts, numbers = plain["text"].to_pylist(), plain["n"].to_pylist()
    nulls = {at: [value is None for value in plain.column(at).to_pylist()] for at in (0, 1)}
    littered = plain.set_column(
        0, "text", pa.array([text or "litter" for text in texts], mask=pa.array(nulls[0]))
    ).set_column(
        1,
        "n",
        pa.array([99 if n is None else n for n in numbers], pa.int32(), mask=pa.array(nulls[1])),
    )
    if name == "tfrecord":
        plain, littered = (each.drop_columns(["day"]) for each in (plain, littered))
    write(tmp_path / "plain", name, plain)
    write(tmp_path / "littered", name, littered)
    assert files_in(tmp_path / "plain") == files_in(tmp_path / "littered")


@given(
    lengths=st.lists(st.integers(0, 9), max_size=30),
    most_rows=st.integers(1, 7),
    most_bytes=st.integers(1, 25),
    cuts=st.lists(st.integers(0, 30), max_size=5).map(sorted),
)
def test_groups_end_where_a_naive_model_ends_them(
    lengths: list[int], most_rows: int, most_bytes: int, cuts: list[int]
) -> None:
    expected: list[list[int]] = [[]]
    for length in lengths:
        expected[-1].append(length)
        if len(expected[-1]) == most_rows or sum(expected[-1]) >= most_bytes:
            expected.append([])
    table = pa.table({"text": pa.array(["x" * length for length in lengths], pa.string())})
    groups = Regrouped(table.schema, most_rows, most_bytes)
    found: list[pa.Table] = []
    for start, end in zip([0, *cuts], [*cuts, len(lengths)], strict=True):
        for batch in table.slice(start, max(0, end - start)).to_batches():
            found += groups.add(batch)
    found += groups.rest()
    counted = [[len(text or "") for text in group["text"].to_pylist()] for group in found]
    assert counted == [group for group in expected if group]


def _begin_and_fail(folder: Path, name: OutputFormat) -> None:
    table = table_for(name)
    part = Part(LocalFolder(folder), "part-00000", 0, table.schema, 2)
    with FORMATS[name].start(part, Output("/a/~/b", name)) as writer:
        writer.write(table.to_batches()[0])
        raise ObjectMissing("the input is gone")


@pytest.mark.parametrize("name", ALL)
def test_a_part_that_is_given_up_leaves_nothing(tmp_path: Path, name: OutputFormat) -> None:
    with pytest.raises(ObjectMissing):
        _begin_and_fail(tmp_path, name)
    assert not files_in(tmp_path)


@pytest.mark.parametrize("name", ["jsonl", "mds", "webdataset"])
@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("s"), pa.date32()])
def test_a_time_that_json_cannot_say_stops_the_part(
    tmp_path: Path, name: OutputFormat, kind: pa.DataType
) -> None:
    most = 2**31 - 1 if kind == pa.date32() else 2**62
    with pytest.raises(Invalid, match="years 1 to 9999"):
        write(tmp_path, name, pa.table({"at": pa.array([0, most], kind)}))
    assert not files_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "column", "match"),
    [
        ("mds", pa.array(["a", None]), "null"),
        ("megatron", pa.array([[1], None], pa.list_(pa.int32())), "null"),
        ("megatron", pa.array([[1], [None]], pa.list_(pa.int32())), "null"),
        ("tfrecord", pa.array([[1], [None]], pa.list_(pa.int32())), "null"),
        ("webdataset", pa.array(["a", None]), "no value"),
    ],
)
def test_a_row_that_a_format_cannot_hold_stops_the_part_with_a_reason(
    tmp_path: Path, name: OutputFormat, column: Column, match: str
) -> None:
    with pytest.raises(Invalid, match=match):
        write(tmp_path, name, pa.table({"input_ids": column}))
    assert not files_in(tmp_path)


@pytest.mark.parametrize(
    "keys", [["a", "a"], ["a", "b.c"], ["a", ""], ["a", None], ["/a", "b"], ["..", "b"]]
)
def test_a_key_that_a_tar_reader_would_misread_is_refused(
    tmp_path: Path, keys: list[str | None]
) -> None:
    table = pa.table({"id": pa.array(keys, pa.string()), "txt": ["one", "two"]})
    with pytest.raises(Invalid, match="key"):
        write(tmp_path, "webdataset", table, output=Output("/a/~/b", "webdataset", key="id"))
