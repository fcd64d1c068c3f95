"""Arrow, ORC, WebDataset and folders of images become rows; what is damaged is told."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.written import JPG, PNG, rows, write
from transforms.engine.output import Output
from transforms.engine.plan import InputFile, plan
from transforms.engine.readers import read_pieces
from transforms.engine.spec import read_spec

ROWS = [{"n": n, "text": f"row {n}"} for n in range(100)]


def keep(*columns: str) -> list[dict[str, Any]]:
    return [{"select": {"columns": list(columns)}}]


def arrow_file(table: pa.Table, *, stream: bool = False) -> bytes:
    sink = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    return sink.getvalue()


def orc_file(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.orc.write_table(table, sink, stripe_size=1, batch_size=10)
    return sink.getvalue().to_pybytes()


def tar(members: Sequence[tuple[str, bytes]]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in members:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return sink.getvalue()


TABLE = pa.Table.from_pylist(ROWS)


@pytest.mark.parametrize(
    ("path", "data", "units"),
    [
        ("a.arrow", arrow_file(TABLE), 10),
        ("a.arrow", arrow_file(TABLE, stream=True), 1),
        ("a.ARROW", arrow_file(TABLE.set_column(1, "text", TABLE["text"].dictionary_encode())), 10),
        ("a.orc", orc_file(TABLE), 10),
    ],
)
def test_columnar_files_are_read_in_units(bench: Bench, path: str, data: bytes, units: int) -> None:
    bench.write(path, data)
    for shard_bytes in (200, 10_000_000):
        report = bench.run(bench.plan(keep("n", "text"), shard_bytes), f"run-{shard_bytes}")
        assert bench.rows(report, f"run-{shard_bytes}") == ROWS
        assert report.rows_in == 100
    assert len(bench.plan(keep("n", "text"), 200).shards) == units


@pytest.mark.parametrize(
    ("path", "data"), [("a.arrow", arrow_file(TABLE)), ("a.orc", orc_file(TABLE))]
)
def test_a_columnar_file_that_is_damaged_stops_the_run(
    bench: Bench, path: str, data: bytes
) -> None:
    bench.write(path, data[: len(data) // 2])
    with pytest.raises(Invalid, match="damaged"):
        bench.run(bench.plan(keep("n", "text")))
    bench.write(path, data)
    planned = bench.plan(keep("n", "text"))
    middle = len(data) // 3
    bench.write(path, data[:middle] + bytes(300) + data[middle + 300 :])
    try:
        report = bench.run(planned)
    except Invalid as error:
        assert "damaged" in str(error)  # noqa: PT017 - zeros may also be good rows
    else:
        assert report.rows_in == 100


def test_an_arrow_file_that_lies_about_its_memory_is_refused(bench: Bench) -> None:
    lying = pa.StringArray.from_buffers(
        2, pa.py_buffer(b"\0\0\0\0\xff\0\0\0\x05\0\0\0"), pa.py_buffer(b"short")
    )
    bench.write("a.arrow", arrow_file(pa.table({"text": lying})))
    with pytest.raises(Invalid, match="damaged"):
        bench.run(bench.plan(keep("text")))


def test_files_with_other_columns_are_refused(bench: Bench) -> None:
    bench.write("a.arrow", arrow_file(TABLE))
    bench.write("b.arrow", arrow_file(TABLE.rename_columns(["n", "txt"])))
    with pytest.raises(Invalid, match="different columns"):
        bench.plan(keep("n"))


def test_what_was_written_as_webdataset_is_read_as_the_same_rows(
    bench: Bench, tmp_path: Path
) -> None:
    table = rows(30).rename_columns(["key", "text", "n", "x", "image", "ids"])
    for compression, name in (("none", "part-00000.tar"), ("gzip", "part-00000.tar.gz")):
        output = Output("/a/~/b", "webdataset", compression, "key")  # type: ignore[arg-type]
        write(tmp_path / "made", "webdataset", table, output=output)
        bench.write(f"{compression}/{name}", (tmp_path / "made" / name).read_bytes())
        columns = keep(*table.schema.names)
        report = bench.run(bench.plan(columns, files=f"{compression}/*"), compression)
        assert bench.rows(report, compression) == table.to_pylist()


def test_members_become_columns_by_their_endings(bench: Bench) -> None:
    members = [
        ("d/0001.JPG", JPG),
        ("d/0001.txt", "é".encode()),
        ("d/0001.json", b'{"a": [1]}'),
        ("d/0001.seg.png", PNG),
        ("d/0001.cls", b"7"),
        ("README", b"no sample"),
        ("d/0002.jpg", PNG),
        ("d/0002.score.json", b"0.5"),
    ]
    bench.write("a.tar", tar(members))
    planned = bench.plan(keep("key", "jpg", "txt", "json", "seg", "cls", "score"))
    report = bench.run(planned)
    first = {"key": "d/0001", "jpg": JPG, "txt": "é", "json": '{"a": [1]}', "seg": PNG, "cls": "7"}
    second = dict.fromkeys(first) | {"key": "d/0002", "jpg": PNG, "score": 0.5}
    assert bench.rows(report) == [{**first, "score": None}, second]


def test_endings_are_kept_where_names_alone_would_clash(bench: Bench) -> None:
    bench.write("a.tar", tar([("1.left.png", PNG), ("1.left.txt", b"door"), ("1.n.json", b"1")]))
    planned = bench.plan(keep("left.png", "left.txt", "n.json"))
    assert bench.rows(bench.run(planned)) == [{"left.png": PNG, "left.txt": "door", "n.json": 1}]


def test_a_sample_that_is_no_row_is_set_aside(bench: Bench) -> None:
    members = [
        ("1.n.json", b"1"), ("1.txt", b"one"),
        ("2.n.json", b"no json"), ("2.txt", b"two"),
        ("3.n.json", b"3"), ("3.txt", b"\xff"),
        ("4.n.json", b"4"), ("4.n.json", b"4"),
        ("5.n.json", b"5"),
    ]  # fmt: skip
    data = tar(members)
    bench.write("a.tar", data)
    report = bench.run(bench.plan(keep("n", "txt"), schema={"n": "int64", "txt": "string"}))
    assert bench.rows(report) == [{"n": 1, "txt": "one"}, {"n": 5, "txt": None}]
    bad = bench.bad_rows(report)
    assert [row["raw"] for row in bad] == [b"no json", b"\xff", b"4"]
    assert [data[row["byte_offset"] :][:1] for row in bad] == [b"2", b"3", b"4"]
    assert [row["error"][:2] for row in bad] == ["2:", "3:", "4:"]
    assert (report.rows_in, report.quarantined, report.rows_out) == (5, 3, 2)


def test_half_a_character_is_no_row_and_stops_no_other(bench: Bench) -> None:
    members = [("\udcff.t.json", b'"a"'), ("2.t.json", b'"\\ud800"'), ("3.t.json", b'"b"'),
               ("3.\udcff", b"x")]  # fmt: skip
    bench.write("a.tar", tar(members))
    report = bench.run(bench.plan(keep("t")))
    assert bench.rows(report) == [{"t": "b"}]
    assert [row["error"][:2] for row in bench.bad_rows(report)] == ["?:", "2:"]


@pytest.mark.parametrize("spoil", [lambda data: data[:700], lambda data: data[:1024]])
def test_a_tar_that_is_cut_off_stops_the_run(bench: Bench, spoil: Any) -> None:
    bench.write("a.tar", spoil(tar([("1.txt", b"one"), ("2.txt", b"two")])))
    with pytest.raises(Invalid, match=r"a\.tar is damaged"):
        bench.run(bench.plan(keep("txt"), schema={"txt": "string"}))


def test_a_header_broken_in_the_middle_is_not_taken_for_the_end(bench: Bench) -> None:
    data = bytearray(tar([("1.txt", b"one"), ("2.txt", b"two"), ("3.txt", b"three")]))
    data[1024 + 3] ^= 1
    bench.write("a.tar", bytes(data))
    with pytest.raises(Invalid, match=r"a\.tar is damaged"):
        bench.run(bench.plan(keep("txt"), schema={"txt": "string"}))


@pytest.mark.parametrize(("path", "column"), [("a.tar.gz", "txt"), ("a.bin.gz", "bytes")])
def test_what_a_few_compressed_kilobytes_hold_is_not_held(
    bench: Bench, path: str, column: str
) -> None:
    """300 MiB of zeros: refused before they are read into one row."""
    plain = bytes(300 * 1024 * 1024)
    data = gzip.compress(tar([("1.txt", plain)]) if "tar" in path else plain, 1)
    assert len(data) < 2 * 1024 * 1024
    bench.write(path, data)
    given: dict[str, Any] = (
        {"schema": {"txt": "string"}} if column == "txt" else {"format": "files"}
    )
    with pytest.raises(Invalid, match="more than 256 MiB"):
        bench.run(bench.plan(keep(column), **given))


def test_each_image_of_a_folder_is_a_row(bench: Bench) -> None:
    images = {f"images/{n:02}.png": PNG + bytes([n]) for n in range(12)}
    for path, data in images.items():
        bench.write(path, data)
    bench.write("labels.csv", b"path,label\n")
    report = bench.run(bench.plan(keep("path", "bytes"), 64, files="images/*.png"))
    assert bench.rows(report) == [{"path": path, "bytes": data} for path, data in images.items()]
    assert report.rows_in == 12
    with pytest.raises(InvalidSpec) as caught:
        bench.plan(keep("path"))
    assert caught.value.extra["errors"][0]["where"] == "inputs[0].files"


def test_small_files_come_many_at_once_and_in_order(bench: Bench) -> None:
    for n in range(50):
        bench.write(f"{n:02}.png", PNG + bytes([n]))
    bench.write("20-large.png", PNG * 700_000)
    planned = bench.plan(keep("path", "bytes"))
    pieces = [piece for shard in planned.shards for piece in shard.pieces]
    found = list(read_pieces(pieces, bench.open_input, planned.schemas[0]))
    assert [each.records for each in found] == [20, 1, 30]
    paths = [path for each in found for path in each.batch.column("path").to_pylist()]
    assert paths == [piece.path for piece in pieces]


def test_any_file_can_be_a_row_when_asked(bench: Bench) -> None:
    bench.write("a.pdf", b"%PDF")
    bench.write("b.json", b"{}")
    report = bench.run(bench.plan(keep("path", "bytes"), format="files"))
    assert [row["bytes"] for row in bench.rows(report)] == [b"%PDF", b"{}"]


def test_images_become_a_tar_and_come_back(bench: Bench) -> None:
    for n in range(6):
        bench.write(f"{n}.png", PNG + bytes([n]))
    report = bench.run(bench.plan(keep("path", "bytes"), output={"format": "webdataset"}))
    (entry,) = report.outputs
    written = (bench.root / "run" / "output" / entry.path).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(written)) as archive:
        names = archive.getnames()
    assert names[:2] == ["00000-0000000.path.txt", "00000-0000000.bytes.png"]
    bench.write("back/part.tar", written)
    again = bench.run(bench.plan(keep("path", "bytes"), files="back/*"), "again")
    assert [row["bytes"] for row in bench.rows(again, "again")] == [
        PNG + bytes([n]) for n in range(6)
    ]


@pytest.mark.parametrize(("sealed_with", "is_refused"), [(100, True), (60, False), (None, False)])
def test_a_footer_that_lost_row_groups_is_refused_when_planned(
    bench: Bench, sealed_with: int | None, is_refused: bool
) -> None:
    """What is left is a whole Parquet file, and any reader takes it for one."""
    sink = io.BytesIO()
    pq.write_table(TABLE.slice(0, 60), sink, row_group_size=20)
    bench.write("a.parquet", sink.getvalue())
    spec = read_spec(bench.document(keep("n")))
    file = InputFile("a.parquet", len(sink.getvalue()), "0" * 64, rows=sealed_with)
    refused = pytest.raises(Invalid, match="60 rows and was sealed with 100")
    with refused if is_refused else contextlib.nullcontext():
        plan(spec, [file], bench.open_input, bench.resolver)
