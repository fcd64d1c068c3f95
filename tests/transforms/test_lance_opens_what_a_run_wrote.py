"""A run in the format lance is a data set of Lance: fixed names, no clock, every row."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pytest
from lance.file import LanceFileReader
from lance.fragment import DataFile

from tests.transforms.bench import Bench
from tests.transforms.written import NAME, files_in, rows, with_nulls, write
from transforms.engine.arrow import Column
from transforms.engine.output import Output
from transforms.engine.result import result_from_json
from transforms.engine.reuse import taken_over
from transforms.engine.spec import made_with, read_spec
from transforms.engine.writing.registry import FORMATS

MANIFEST = "_versions/18446744073709551614.manifest"
STEPS: list[dict[str, Any]] = [{"select": {"columns": ["n", "text"]}}]
NESTED = pa.struct(
    [
        pa.field("who", pa.struct([("name", pa.string()), ("age", pa.int8())])),
        pa.field("many", pa.list_(pa.struct([("x", pa.float64()), ("ys", pa.list_(pa.int16()))]))),
        pa.field("by_name", pa.map_(pa.string(), pa.list_(pa.int32()))),
    ]
)


def every_type() -> pa.Table:
    """Return rows of the types that a pipeline may meet, a null in each column."""
    instant = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)
    nested = {
        "who": {"name": "Ada", "age": None},
        "many": [{"x": 0.5, "ys": [1, 2]}, None, {"x": None, "ys": None}],
        "by_name": [("a", [1]), ("b", [])],
    }
    held: list[tuple[pa.DataType, list[Any]]] = [
        (pa.bool_(), [True, None, False]),
        (pa.uint64(), [2**64 - 1, None, 0]),
        (pa.float16(), [0.5, None, 2.0]),
        (pa.date32(), [instant.date(), None, instant.date()]),
        (pa.timestamp("us", "UTC"), [instant, None, instant]),
        (pa.time64("us"), [instant.time(), None, instant.time()]),
        (pa.duration("ms"), [datetime.timedelta(1), None, datetime.timedelta(2)]),
        (pa.decimal128(9, 2), [decimal.Decimal("1.25"), None, decimal.Decimal("-3.00")]),
        (pa.large_string(), ["é" * 3000, None, ""]),
        (pa.binary(), [b"\0\xff", None, b""]),
        (pa.binary(4), [b"abcd", None, b"efgh"]),
        (pa.list_(pa.float32(), 3), [[1, 2, 3], None, [4, 5, 6]]),
        (pa.list_(pa.field("item", pa.float32(), nullable=False)), [[1.0], None, []]),
        (pa.null(), [None, None, None]),
        (NESTED, [nested, None, {"who": None, "many": [], "by_name": []}]),
    ]
    return pa.table({f"c{at}": pa.array(values, kind) for at, (kind, values) in enumerate(held)})


@pytest.mark.parametrize("table", [rows(300), with_nulls(), rows(0), every_type()])
def test_rows_come_back_as_they_were(tmp_path: Path, table: pa.Table) -> None:
    files = write(tmp_path, "lance", table)
    assert [each.rows for each in files] == [table.num_rows] * bool(table.num_rows)
    read = lance.dataset(tmp_path)
    assert (read.version, read.count_rows()) == (1, table.num_rows)
    assert read.schema == table.schema
    assert read.to_table().to_pylist() == table.to_pylist()
    if table.num_rows:
        assert read.take([2, 0]).to_pylist() == [table.to_pylist()[at] for at in (2, 0)]


def test_the_columns_of_a_file_are_where_the_library_puts_them(tmp_path: Path) -> None:
    (file,) = write(tmp_path, "lance", every_type())
    read = lance.dataset(tmp_path)
    (fragment,) = read.get_fragments()
    (said,) = fragment.metadata.files
    found = DataFile.create(read, said.path)
    assert (said.fields, said.column_indices) == (found.fields, found.column_indices)
    assert (said.file_major_version, said.file_minor_version) == (2, 2)
    told: Any = LanceFileReader(str(tmp_path / file.path)).metadata()
    assert (told.major_version, told.minor_version) == (2, 2)
    assert said.file_size_bytes == file.bytes


def test_metadata_of_columns_does_not_change_the_bytes(tmp_path: Path) -> None:
    plain = pa.table({"x": pa.array([[1], None], pa.list_(pa.int32()))})
    notes: dict[bytes | str, bytes | str] = {f"key-{at}": str(at) for at in range(9)}
    noted = pa.list_(pa.field("item", pa.int32(), metadata=notes))
    schema = pa.schema([pa.field("x", noted, metadata=notes)], metadata=notes)
    write(tmp_path / "plain", "lance", plain)
    write(tmp_path / "noted", "lance", plain.cast(schema))
    assert files_in(tmp_path / "noted") == files_in(tmp_path / "plain")


def varied(count: int = 3000) -> pa.Table:
    """Return columns of which Lance packs each in another way."""
    texts = [f"{number % 97} words " * (number % 50) for number in range(count)]
    columns: dict[str, Column] = {
        "text": pa.array(texts),
        "raw": pa.array([text.encode() for text in texts], pa.binary()),
        "few": pa.array([f"kind {number % 5}" for number in range(count)]),
        "own": pa.array([f"https://example.org/{number * 7919}" for number in range(count)]),
        "many": pa.array([texts[number : number + number % 3] for number in range(count)]),
        "inner": pa.array([{"a": {"b": text}} for text in texts]),
        "number": pa.array([number % 11 for number in range(count)]),
        "vector": pa.array(
            [[number / 7] * 16 for number in range(count)], pa.list_(pa.float32(), 16)
        ),
    }
    return pa.table(columns)


def digests_of(folder: Path, cuts: Sequence[int] = ()) -> list[str]:
    write(folder, "lance", varied(), cuts, group_rows=500)
    found = sorted(files_in(folder).items())
    return [f"{path} {hashlib.sha256(data).hexdigest()}" for path, data in found]


ANEW = """\
import pathlib, sys
from tests.transforms.test_lance_opens_what_a_run_wrote import digests_of
print("\\n".join(digests_of(pathlib.Path(sys.argv[1]), range(0, 3000, 7))))
"""


def test_every_writing_and_another_process_on_one_thread_make_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = digests_of(tmp_path / "here")
    assert [line.split()[0] for line in here] == [MANIFEST, "data/part-00000.lance"]
    assert all(digests_of(tmp_path / str(again)) == here for again in range(4))
    monkeypatch.setenv("LANCE_CPU_THREADS", "1")
    told = subprocess.run(
        [sys.executable, "-c", ANEW, str(tmp_path / "there")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split("\n")[:-1] == here


def test_nothing_of_the_moment_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "lance", rows())
    read = lance.dataset(tmp_path)
    (told,) = read.versions()
    assert told["timestamp"] == datetime.datetime(1970, 1, 1)
    assert read.get_transactions() == [None]
    assert set(files_in(tmp_path)) == {MANIFEST, "data/part-00000.lance"}
    assert capfd.readouterr().err == ""


def test_a_fetched_data_set_can_be_gone_on_with(tmp_path: Path) -> None:
    write(tmp_path, "lance", rows(50))
    lance.write_dataset(rows(9), tmp_path, mode="append")
    read = lance.dataset(tmp_path)
    assert (read.version, read.count_rows()) == (2, 59)
    assert lance.dataset(tmp_path, version=1).count_rows() == 50
    read.create_scalar_index("n", "BTREE")
    assert read.count_rows(filter="n = 0") == 2


def test_each_part_of_a_split_is_a_data_set_of_shards_that_have_rows(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": n, "text": f"row {n}"} for n in range(200)])
    split = {"by": "n", "parts": {"train": 0.97, "test": 0.03}}
    plan = bench.plan(STEPS, 600, output={"format": "lance"}, split=split)
    report = bench.run(plan)
    seen: list[Any] = []
    for name in split["parts"]:
        read = lance.dataset(bench.root / "run" / "output" / name)
        assert read.count_rows() == report.counts[f"split_{name}"]
        assert len(read.get_fragments()) == sum(
            each.path.startswith(f"{name}/data/") for each in report.outputs
        )
        seen += read.to_table()["n"].to_pylist()
    assert sorted(seen) == list(range(200))
    assert len(report.outputs) < 2 * len(plan.shards)
    assert all(each.rows for each in report.outputs)


def test_a_run_that_keeps_no_row_is_an_empty_data_set(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "text": "a"}])
    steps = [{"filter": {"where": [{"column": "text", "min_chars": 9}]}}]
    bench.run(bench.plan(steps, output={"format": "lance"}))
    read = lance.dataset(bench.root / "run" / "output")
    assert (read.count_rows(), read.schema.names) == (0, ["n", "text"])


def test_a_shard_that_is_taken_over_has_its_new_place(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": n, "text": f"row {n}"} for n in range(200)])
    plan = bench.plan(STEPS, 1000, output={"format": "lance"})
    bench.run(plan)
    (kept,) = (bench.root / "run" / "scratch" / "results").glob("00001-*")
    moved = taken_over(plan, result_from_json(json.loads(kept.read_bytes())), 3)
    assert moved is not None
    assert [each.path for each in moved.outputs] == ["data/part-00003.lance"]


@pytest.mark.parametrize(
    "column",
    [
        pa.field("_rowid", pa.int64()),
        pa.field("x", pa.decimal32(5, 2)),
        pa.field("x", pa.month_day_nano_interval()),
        pa.field("x", pa.list_(pa.struct([]))),
        pa.field("x", pa.string_view()),
    ],
)
def test_a_column_that_would_not_come_back_is_refused(column: Any) -> None:
    schema = pa.schema([column, ("n", pa.int32())])
    (found,) = FORMATS["lance"].problems(schema, Output(NAME, "lance"))
    assert repr(column.name) in found.message


def test_the_digest_covers_the_library(bench: Bench) -> None:
    spec = read_spec(bench.document(STEPS, output={"format": "lance"}))
    libraries: Any = made_with(spec, lambda name: "")["libraries"]
    assert libraries["pylance"] == lance.__version__


WITHOUT = """\
import sys
sys.modules["lance"] = None
import pyarrow as pa
from transforms.engine.output import Output
from transforms.engine.writing.registry import output_problems, writer_versions
asked = Output("/a/~/b", "lance")
print([each.message for each in output_problems(asked, pa.schema([("n", pa.int32())]))])
print(writer_versions(asked))
"""


def test_without_its_package_the_plan_names_the_extra() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "The extra `lance` is not installed here" in told.stdout, told.stderr
    assert "{}" in told.stdout


def test_whoever_writes_no_lance_does_not_load_it() -> None:
    asked = "import sys, transforms.engine.writing.registry; print('lance' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert told.stdout == "False\n"
