"""TFRecord as an input: an example is a row; what is none is set aside, a broken file refused."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfrecord import example_pb2
from tfrecord.writer import TFRecordWriter

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.damaged import damage
from tests.transforms.written import rows, write
from transforms.engine.output import Output
from transforms.engine.protobuf import varint
from transforms.engine.reading.tfrecord import example_of, infer, read_examples

Datum = Mapping[str, tuple[Any, str]]


def keep(*columns: str) -> list[dict[str, Any]]:
    return [{"select": {"columns": list(columns)}}]


def record(data: bytes) -> bytes:
    """Return data as a record of the library's."""
    length = struct.pack("<Q", len(data))
    crc = TFRecordWriter.masked_crc
    return bytes(length + crc(length) + data + crc(data))


def example(datum: Datum) -> bytes:
    return bytes(TFRecordWriter.serialize_tf_example(dict(datum)))


def file_of(data: Sequence[Datum]) -> bytes:
    return b"".join(record(example(each)) for each in data)


GOOD: list[Datum] = [{"n": (n, "int"), "t": (f"row {n}".encode(), "byte")} for n in range(6)]
ROWS = [{"n": n, "t": f"row {n}"} for n in range(6)]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_was_written_as_tfrecord_is_read_as_the_same_rows(
    bench: Bench, tmp_path: Path, compression: Any
) -> None:
    ids = pa.array([None if n % 2 else [n, -n] for n in range(300)], pa.list_(pa.int64()))
    table = rows(300).drop_columns(["input_ids"]).append_column("ids", ids)
    (file,) = write(
        tmp_path / "made", "tfrecord", table, output=Output("/a/~/b", "tfrecord", compression)
    )
    bench.write(file.path, (tmp_path / "made" / file.path).read_bytes())
    planned = bench.plan(keep(*table.schema.names))
    assert planned.schemas[0].field("x").type == pa.float32()
    assert bench.rows(bench.run(planned)) == table.to_pylist()


def test_types_are_told_by_the_values(bench: Bench) -> None:
    jpg = b"\xff\xd8\xff"
    data: list[Datum] = [
        {"one": ([1], "int"), "some": ([], "int"), "x": ([0.5], "float"), "jpg": (jpg, "byte")},
        {"one": ([2], "int"), "some": ([1, 2], "int"), "tags": ([b"a", b"b"], "byte")},
    ]
    bench.write("a.tfrecords", file_of(data))
    planned = bench.plan(keep("one", "some", "x", "jpg", "tags"))
    assert {field.name: str(field.type) for field in planned.inputs[0]} == {
        "jpg": "binary", "one": "int64", "some": "list<item: int64>", "tags": "list<item: string>",
        "x": "float",
    }  # fmt: skip
    assert bench.rows(bench.run(planned)) == [
        {"one": 1, "some": [], "x": 0.5, "jpg": jpg, "tags": None},
        {"one": 2, "some": [1, 2], "x": None, "jpg": None, "tags": ["a", "b"]},
    ]


def test_a_declared_type_is_kept_to(bench: Bench) -> None:
    data: list[Datum] = [
        {"n": (n, "int"), "x": (n / 2, "float"), "flag": (n % 2, "int")} for n in range(4)
    ]
    bench.write("a.tfrecord", file_of(data))
    schema = {"n": "int32", "x": "float64", "flag": "bool", "missing": "list<string>"}
    report = bench.run(bench.plan(keep(*schema), schema=schema))
    assert bench.rows(report) == [
        {"n": n, "x": n / 2, "flag": n % 2 == 1, "missing": None} for n in range(4)
    ]


SEQUENCE = bytes(
    TFRecordWriter.serialize_tf_sequence_example({"n": (1, "int")}, {"t": ([[b"a"]], "byte")})
)
TWICE = b"\x0a" + bytes([2 * len(example(GOOD[0])[2:])]) + 2 * example(GOOD[0])[2:]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no protocol buffer", "kind"),
        (SEQUENCE, "no tf.train.Example"),
        (TWICE, "comes twice"),
        (example({"n": (7, "int"), "t": (b"\xff\xfe", "byte")}), "UTF"),
        (example({"n": ([7, 8], "int"), "t": (b"x", "byte")}), "2 values where one is wanted"),
        (example({"n": (7, "int"), "t": (7.5, "float")})[:-1], "longer than its message"),
        (example({"n": ([b"seven"], "byte"), "t": (b"x", "byte")}), "seven"),
        (b"\x0a\x0c\x0a\x0a\x0a\x01n\x12\x05\x1a\x03\x0a\x01\x80", "no end"),
        (b"\x0a\x16\x0a\x14\x0a\x01n\x12\x0f\x1a\x0d\x0a\x0b" + b"\xff" * 10 + b"\1", "64 bits"),
    ],
    ids=range(9),
)
def test_a_record_that_is_no_row_is_set_aside_with_its_bytes(
    bench: Bench, data: bytes, why: str
) -> None:
    good = [record(example(each)) for each in GOOD]
    whole = b"".join([*good[:3], record(data), *good[3:]])
    bench.write("a.tfrecord", whole)
    report = bench.run(bench.plan(keep("n", "t"), schema={"n": "int64", "t": "string"}))
    assert bench.rows(report) == ROWS
    (bad,) = bench.bad_rows(report)
    assert (bad["raw"], why in bad["error"]) == (data, True), bad["error"]
    assert whole[bad["byte_offset"] :].startswith(record(data))
    assert (report.rows_in, report.rows_out, report.quarantined) == (7, 6, 1)


def test_a_record_whose_bytes_have_changed_is_set_aside(bench: Bench) -> None:
    data = bytearray(file_of(GOOD))
    place = data.index(b"row 2")
    data[place] ^= 1
    bench.write("a.tfrecord", bytes(data))
    report = bench.run(bench.plan(keep("n", "t")))
    assert bench.rows(report) == [row for row in ROWS if row["n"] != 2]
    assert ["checksum" in row["error"] for row in bench.bad_rows(report)] == [True]


def test_a_file_that_is_cut_off_stops_the_run_wherever_it_ends(bench: Bench) -> None:
    data, size = file_of(GOOD[:2]), len(file_of(GOOD[:1]))
    for end in range(1, len(data)):
        bench.write("a.tfrecord", data[:end])
        asked = bench.plan(keep("n"), schema={"n": "int64"})
        if end == size:
            assert bench.run(asked).rows_out == 1
            continue
        with pytest.raises(Invalid, match=r"a\.tfrecord is damaged"):
            bench.run(asked)


def test_where_no_record_begins_the_file_is_damaged(bench: Bench) -> None:
    data = bytearray(file_of(GOOD))
    data[len(file_of(GOOD[:2]))] ^= 1
    bench.write("a.tfrecord", bytes(data))
    with pytest.raises(Invalid, match=rf"at byte {len(file_of(GOOD[:2]))} no record"):
        bench.run(bench.plan(keep("n"), schema={"n": "int64"}))
    bench.write("a.tfrecord", b"something else, and long enough")
    with pytest.raises(Invalid, match=r"a\.tfrecord is damaged"):
        bench.plan(keep("n"))


def test_a_feature_of_several_kinds_must_be_declared(bench: Bench) -> None:
    mixed: list[Datum] = [{"x": (1, "int")}, {"x": (0.5, "float")}, {"x": (2, "int")}]
    bench.write("a.tfrecord", file_of(mixed))
    with pytest.raises(InvalidSpec) as caught:
        bench.plan(keep("x"))
    assert caught.value.extra["errors"][0]["where"] == "inputs[0].schema"
    report = bench.run(bench.plan(keep("x"), schema={"x": "float64"}))
    assert [row["x"] for row in bench.rows(report)] == [1, 0.5, 2]


def test_a_record_beyond_all_measure_is_not_held(bench: Bench) -> None:
    data = gzip.compress(record(bytes(300 * 1024 * 1024)), 1)
    bench.write("a.tfrecord.gz", data)
    with pytest.raises(Invalid, match="more than 256 MiB"):
        bench.run(bench.plan(keep("n"), schema={"n": "int64"}))


FEATURES = st.dictionaries(
    st.text(max_size=5),
    st.one_of(
        st.tuples(st.lists(st.binary(max_size=9), max_size=4), st.just("byte")),
        st.tuples(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9), st.just("int")),
        st.tuples(st.lists(st.floats(width=32, allow_nan=False), max_size=9), st.just("float")),
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(data=st.lists(FEATURES, min_size=1, max_size=5))
def test_any_examples_come_back_as_the_library_of_protocol_buffers_writes_them(
    data: list[Datum],
) -> None:
    kinds = {"byte": pa.binary(), "int": pa.int64(), "float": pa.float32()}
    told = {name: kind for each in data for name, (_, kind) in each.items()}
    data = [
        {name: value for name, value in each.items() if value[1] == told[name]} for each in data
    ]
    stream = io.BytesIO(file_of(data))
    schema = infer(stream, "a.tfrecord", 2**20)
    stream.seek(0)
    (read,) = read_examples("a.tfrecord", stream, schema)
    assert (schema.names, read.bad, read.records) == (sorted(told), (), len(data))
    for name in schema.names:
        kind = schema.field(name).type
        item = kind.value_type if pa.types.is_list(kind) else kind
        values = read.batch.column(name).to_pylist()
        for found, each in zip(values, data, strict=True):
            expected = [*each[name][0]] if name in each else None
            if expected is not None and item == pa.string():
                expected = [value.decode() for value in expected]
            elif expected is not None:
                assert item == kinds[told[name]]
            assert found == (expected if item != kind or expected is None else expected[0])


@pytest.mark.parametrize(("kind", "tag"), [("int", 0x08), ("float", 0x0D)])
def test_numbers_that_are_not_packed_are_read_too(bench: Bench, kind: str, tag: int) -> None:
    """Writers of old versions of protocol buffers put a tag before each number."""
    data = example({"n": ([1, 2, 3], kind)})
    packed = example_of(data)["n"].values[0]
    width = 4 if kind == "float" else 1
    alone = b"".join(bytes([tag]) + packed[at : at + width] for at in range(0, len(packed), width))
    feature = example_pb2.Feature.FromString(
        bytes([0x12 if kind == "float" else 0x1A, len(alone)]) + alone
    )
    whole = (feature.float_list if kind == "float" else feature.int64_list).value
    assert list(whole) == [1, 2, 3]
    size = len(alone)
    entry = b"\x0a\x01n\x12" + bytes([size + 2, 0x12 if kind == "float" else 0x1A, size]) + alone
    unpacked = b"\x0a" + bytes([len(entry) + 2, 0x0A, len(entry)]) + entry
    bench.write("a.tfrecord", record(unpacked))
    assert bench.rows(bench.run(bench.plan(keep("n")))) == [{"n": [1, 2, 3]}]


def test_numbers_of_many_digits_are_read_as_protocol_buffers_have_them() -> None:
    for number in (0, 127, 128, 2**32, 2**63, 2**64 - 1):
        message = example_pb2.Int64List(value=[np.uint64(number).view(np.int64)])
        data = message.SerializeToString()
        assert varint(data, 2, len(data)) == (number, len(data))


def test_damaged_examples_are_set_aside_or_read_as_the_library_reads_them() -> None:
    several: list[Datum] = [
        {"n": ([1, -300], "int")}, {"x": ([0.5, 2.0], "float")}, {"t": (b"text", "byte")},
    ]  # fmt: skip
    features = b"".join(example(each)[2:] for each in several)  # the library's order is any
    whole = b"\x0a" + bytes([len(features)]) + features
    kinds: list[tuple[str, pa.DataType]] = [
        ("n", pa.int64()), ("x", pa.float32()), ("t", pa.binary()),
    ]  # fmt: skip
    schema = pa.schema([(name, pa.list_(kind)) for name, kind in kinds])
    read_as_rows = 0
    for seed in range(2000):
        data = damage(Random(seed), whole)
        (read,) = read_examples("a", io.BytesIO(record(data)), schema)
        assert read.batch.num_rows + len(read.bad) == 1
        if read.bad:
            continue
        found = example_pb2.Example.FromString(data).features.feature
        expected: dict[str, Any] = {
            name: [*getattr(found[name], kind).value] if found[name].HasField(kind) else None
            for name, kind in (("n", "int64_list"), ("x", "float_list"), ("t", "bytes_list"))
        }
        (row,) = read.batch.to_pylist()
        assert repr(row) == repr(expected), seed
        read_as_rows += data != whole
    assert read_as_rows > 100
