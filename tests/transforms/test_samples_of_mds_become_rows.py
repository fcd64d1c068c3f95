"""MDS as an input: a sample is a row, whatever its encodings; what is none is set aside."""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard

from core.errors import Invalid
from tests.transforms.bench import Bench
from tests.transforms.damaged import damage
from tests.transforms.written import JPG, rows, write
from transforms.engine.reading.mds import infer, read_samples

Columns = Mapping[str, tuple[str, int | None]]
"""The encoding of each column, and how many bytes a value has where all have the same."""


def keep(*columns: str) -> list[dict[str, Any]]:
    return [{"select": {"columns": list(columns)}}]


def shard(columns: Columns, samples: Sequence[bytes], **other: object) -> bytes:
    """Return a shard as the documentation of the format lays one out."""
    told = {
        "version": 2, "format": "mds", "compression": None, "hashes": [], "size_limit": 1 << 26,
        "column_names": list(columns),
        "column_encodings": [encoding for encoding, _ in columns.values()],
        "column_sizes": [size for _, size in columns.values()],
    }  # fmt: skip
    config = json.dumps(told | other).encode()
    ends = np.cumsum([8 + 4 * len(samples) + len(config), *map(len, samples)])
    head = struct.pack("<I", len(samples)) + ends.astype("<u4").tobytes()
    return head + config + b"".join(samples)


def sample(columns: Columns, *values: bytes) -> bytes:
    sized = [
        len(value)
        for value, (_, size) in zip(values, columns.values(), strict=True)
        if size is None
    ]
    return struct.pack(f"<{len(sized)}I", *sized) + b"".join(values)


def test_what_was_written_as_mds_is_read_as_the_same_rows(bench: Bench, tmp_path: Path) -> None:
    table = rows(30).append_column("flag", pa.array([None, True, False] * 10))
    (file,) = write(tmp_path / "made", "mds", table)
    for path in (file.path, "index.json"):
        bench.write(path, (tmp_path / "made" / path).read_bytes())
    report = bench.run(bench.plan(keep(*table.schema.names)))
    assert bench.rows(report) == table.to_pylist()
    assert (report.rows_in, report.quarantined) == (30, 0)
    planned = bench.plan(keep("n"))
    assert {str(planned.inputs[0].field(name).type) for name in ("x", "input_ids", "flag")} == {
        "float", "list<item: int32>", "bool",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "pack"), [(".zstd", zstandard.compress), (".gz", gzip.compress)]
)
def test_a_compressed_shard_is_read(bench: Bench, ending: str, pack: Any) -> None:
    columns: Columns = {"t": ("str", None)}
    data = shard(columns, [sample(columns, b"one")], compression=ending[1:])
    bench.write(f"shard.00000.mds{ending}", pack(data))
    assert bench.rows(bench.run(bench.plan(keep("t")))) == [{"t": "one"}]


def array(values: object, kind: str) -> bytes:
    """Return an array with its shape before it, each size in 16 bits."""
    given = np.array(values, kind)
    shape = bytes([given.ndim << 2 | 1]) + np.array(given.shape, "<u2").tobytes()
    return shape + given.tobytes()


ENCODINGS: list[tuple[str, int | None, bytes, object, str]] = [
    ("str", None, "é".encode(), "é", "string"),
    ("bytes", None, b"\0\xff", b"\0\xff", "binary"),
    ("jpeg:90", None, JPG, JPG, "binary"),
    ("int", 8, struct.pack("<q", -5), -5, "int64"),
    ("uint16", 2, b"\xff\xff", 65535, "uint16"),
    ("float16", 2, np.float16(0.5).tobytes(), 0.5, "halffloat"),
    ("str_int", None, b"-12", -12, "int64"),
    ("str_float", None, b"0.25", 0.25, "double"),
    ("str_decimal", None, b"1.10", "1.10", "string"),
    ("json", None, b'["a", "b"]', ["a", "b"], "list<item: string>"),
    ("json", None, b'{"a": [1]}', '{"a": [1]}', "string"),
    ("json", None, b"null", None, "string"),
    ("ndarray:int16", None, array([1, -2], "<i2"), [1, -2], "list<item: int16>"),
    ("ndarray", None, b"\x22" + array([0.5], "<f4"), [0.5], "list<item: float>"),
    ("ndarray:uint8:2,3", 6, bytes(range(6)), [[0, 1, 2], [3, 4, 5]],
     "list<item: list<item: uint8>>"),
    ("ndarray:uint8", None, array([[[1], [2]]], "<u1"), [[[1], [2]]],
     "list<item: list<item: list<item: uint8>>>"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "size", "raw", "value", "kind"), ENCODINGS)
def test_each_encoding_is_read(
    bench: Bench, encoding: str, size: int | None, raw: bytes, value: object, kind: str
) -> None:
    columns: Columns = {"first": ("str", None), "v": (encoding, size), "n": ("int64", 8)}
    data = [sample(columns, b"a" * n, raw, struct.pack("<q", n)) for n in range(3)]
    bench.write("shard.00000.mds", shard(columns, data))
    planned = bench.plan(keep("first", "v", "n"))
    assert str(planned.inputs[0].field("v").type) == kind
    assert bench.rows(bench.run(planned)) == [
        {"first": "a" * n, "v": value, "n": n} for n in range(3)
    ]


def test_arrays_of_several_lengths_keep_their_shapes(bench: Bench) -> None:
    columns: Columns = {"v": ("ndarray:int8", None)}
    values: list[Any] = [[[1, 2], [3, 4], [5, 6]], [[7]], [[8, 9, 10]]]
    data = [sample(columns, array(value, "<i1")) for value in values]
    bench.write("shard.00000.mds", shard(columns, data))
    assert [row["v"] for row in bench.rows(bench.run(bench.plan(keep("v"))))] == values


@pytest.mark.parametrize("encoding", ["pkl", "pil", "of tomorrow"])
def test_a_column_that_is_not_read_is_refused_unless_left_out(bench: Bench, encoding: str) -> None:
    columns: Columns = {"n": ("int32", 4), "v": (encoding, None)}
    data = shard(columns, [sample(columns, struct.pack("<i", 7), b"cos\nsystem\n(S'exit 1'\ntR.")])
    bench.write("shard.00000.mds", data)
    with pytest.raises(Invalid, match=f"keeps the column 'v' as '{encoding}'"):
        bench.plan(keep("n"))
    with pytest.raises(Invalid, match=f"keeps the column 'v' as '{encoding}'"):
        bench.run(bench.plan(keep("v"), schema={"v": "binary"}))
    assert bench.rows(bench.run(bench.plan(keep("n"), schema={"n": "int32"}), "good"), "good") == [
        {"n": 7}
    ]


TEXT_AND_NUMBERS: Columns = {
    "t": ("str", None), "n": ("str_int", None), "j": ("json", None), "a": ("ndarray:int16", None),
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((b"\xff", b"2", b"3", array([1], "<i2")), "UTF"),
        ((b"t", b"two", b"3", array([1], "<i2")), "two"),
        ((b"t", b"2", b"{", array([1], "<i2")), "Expecting"),
        ((b"t", b"2", b'"3"x', array([1], "<i2")), "Extra data"),
        ((b"t", b"2", b"[" * 100_000, array([1], "<i2")), "recursion"),
        ((b"t", b"2", b"3", array([1], "<i2")[:-1]), "another size"),
        ((b"t", b"2", b"3", b""), "does not say what it is"),
        ((b"t", b"2", b"3", array([[1]], "<i2")), "list"),
    ],
)
def test_a_sample_that_is_no_row_is_set_aside_with_its_bytes(
    bench: Bench, values: tuple[bytes, ...], why: str
) -> None:
    good = [
        sample(TEXT_AND_NUMBERS, b"row", str(n).encode(), b"0.5", array([n], "<i2"))
        for n in range(6)
    ]
    bad = sample(TEXT_AND_NUMBERS, *values)
    whole = shard(TEXT_AND_NUMBERS, [*good[:4], bad, *good[4:]])
    bench.write("shard.00000.mds", whole)
    report = bench.run(bench.plan(keep("t", "n", "j", "a")))
    assert [row["n"] for row in bench.rows(report)] == list(range(6))
    (row,) = bench.bad_rows(report)
    assert (row["raw"], why in row["error"]) == (bad, True), row["error"]
    assert whole[row["byte_offset"] :].startswith(bad)
    assert (report.rows_in, report.rows_out, report.quarantined) == (7, 6, 1)


def test_a_sample_with_other_sizes_than_it_says_is_set_aside(bench: Bench) -> None:
    columns: Columns = {"t": ("str", None)}
    data = [sample(columns, b"one"), struct.pack("<I", 9) + b"two", b"\1", sample(columns, b"x")]
    bench.write("shard.00000.mds", shard(columns, data))
    report = bench.run(bench.plan(keep("t")))
    assert bench.rows(report) == [{"t": "one"}, {"t": "x"}]
    assert [row["raw"] for row in bench.bad_rows(report)] == data[1:3]


def test_a_shard_that_is_cut_off_or_goes_on_stops_the_run(bench: Bench) -> None:
    columns: Columns = {"t": ("str", None)}
    data = shard(columns, [sample(columns, b"one"), sample(columns, b"two")])
    for spoiled in [*(data[:end] for end in range(len(data))), data + b"\0"]:
        bench.write("shard.00000.mds", spoiled)
        asked = bench.plan(keep("t"), schema={"t": "string"})
        with pytest.raises(Invalid, match=r"shard\.00000\.mds is damaged"):
            bench.run(asked)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff" + bytes(100),
        struct.pack("<3I", 1, 4, 4),
        shard({}, [b""], column_names=5),
        shard({"a": ("str", None)}, [b""], column_sizes=[]),
        shard({"a": ("str", -1)}, [b""]),
        shard({"a": ("str", None)}, [b""], column_names=[None]),
        shard({"a": ("str", None)}, [b""], column_names=["\ud800"]),
        struct.pack("<3I", 1, 14, 14) + b"[]",
    ],
)
def test_what_does_not_begin_as_a_shard_is_refused_by_name(bench: Bench, data: bytes) -> None:
    bench.write("shard.00000.mds", data)
    with pytest.raises(Invalid, match=r"shard\.00000\.mds is damaged"):
        bench.plan(keep("a"))


def test_a_declared_column_must_be_there(bench: Bench) -> None:
    bench.write("shard.00000.mds", shard({"a": ("str", None)}, []))
    with pytest.raises(Invalid, match="lacks the columns b"):
        bench.run(bench.plan(keep("b"), schema={"b": "string"}))


def test_an_index_of_other_files_is_no_data(bench: Bench) -> None:
    columns: Columns = {"t": ("str", None)}
    bench.write("train/shard.00000.mds", shard(columns, [sample(columns, b"one")]))
    bench.write("train/index.json", b'{"shards": []}\n')
    assert bench.run(bench.plan(keep("t"))).rows_in == 1
    bench.write("index.json", b'{"t": "a row of its own"}\n')
    assert bench.run(bench.plan(keep("t")), "above").rows_in == 1
    bench.write("other/index.json", b'{"t": "a row of its own"}\n')
    report = bench.run(bench.plan(keep("t"), files="other/*"), "other")
    assert bench.rows(report, "other") == [{"t": "a row of its own"}]


def test_a_saved_data_set_of_hugging_face_is_read_without_what_tells_of_it(
    bench: Bench, tmp_path: Path
) -> None:
    write(tmp_path / "made", "huggingface", rows(30))
    for path in (tmp_path / "made").rglob("*.*"):
        bench.write(str(path.relative_to(tmp_path / "made")), path.read_bytes())
    report = bench.run(bench.plan(keep(*rows().schema.names)))
    assert bench.rows(report) == rows(30).to_pylist()
    assert (report.rows_in, report.quarantined) == (30, 0)


def test_damaged_samples_are_rows_or_set_aside() -> None:
    columns: Columns = {f"c{at}": each[:2] for at, each in enumerate(ENCODINGS)}
    whole = sample(columns, *(each[2] for each in ENCODINGS))
    sound = shard(columns, [whole])
    schema = infer(io.BytesIO(sound), "a", 2**20)
    ends: Counter[str] = Counter()
    for seed in range(500):
        data = shard(columns, [whole, damage(Random(seed), whole), whole])
        (read,) = read_samples("a", io.BytesIO(data), schema)
        assert read.batch.num_rows + len(read.bad) == 3
        read.batch.validate(full=True)
        found = read.batch.to_pylist()
        assert repr(found[0]) == repr(found[-1])
        ends["bad" if read.bad else "row"] += 1
    assert min(ends.values()) > 20, ends
