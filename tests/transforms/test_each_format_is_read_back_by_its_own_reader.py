"""What a format's writer wrote, the library that the format belongs to reads as the same rows."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfrecord.reader import tfrecord_loader
from webdataset import autodecode, tariterators

from core.digests import hash_stream
from tests.transforms.written import JPG, NAME, PNG, files_in, rows, with_nulls, write
from transforms.engine.output import Compression, Output, OutputFormat

COLUMNAR: list[OutputFormat] = ["parquet", "arrow", "orc"]


def _read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    if path.suffix == ".orc":
        return pyarrow.orc.read_table(path)
    return pa.ipc.open_file(str(path)).read_all()


@pytest.mark.parametrize("table", [rows(), with_nulls(), rows(0)])
@pytest.mark.parametrize("chosen", COLUMNAR)
def test_columns_come_back_as_they_were(
    tmp_path: Path, chosen: OutputFormat, table: pa.Table
) -> None:
    (file,) = write(tmp_path, chosen, table)
    assert file.rows == table.num_rows
    assert _read(tmp_path / file.path).to_pylist() == table.to_pylist()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_json_lines_and_csv_are_read_by_arrow(tmp_path: Path, compression: Compression) -> None:
    table = rows().drop_columns(["image"])
    (lines,) = write(tmp_path, "jsonl", table, output=Output(NAME, "jsonl", compression))
    read = pyarrow.json.read_json(io.BytesIO(_unpacked(tmp_path / lines.path)))
    assert read.to_pylist() == table.to_pylist()

    table = table.drop_columns(["input_ids"])
    (cells,) = write(tmp_path, "csv", table, output=Output(NAME, "csv", compression))
    multiline = pyarrow.csv.ParseOptions(newlines_in_values=True)
    data = _unpacked(tmp_path / cells.path)
    assert pyarrow.csv.read_csv(io.BytesIO(data), parse_options=multiline).equals(
        table.set_column(3, "x", table["x"].cast(pa.float64()))
    )


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def test_json_has_a_word_for_what_it_knows_not(tmp_path: Path) -> None:
    instant = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    table = pa.table({"nan": [float("nan")], "raw": [b"\xff"], "at": instant, "no": [None]})
    (file,) = write(tmp_path, "jsonl", table)
    assert json.loads((tmp_path / file.path).read_text()) == {
        "nan": None,
        "raw": "/w==",
        "at": "2023-11-14T22:13:20.123456789",
        "no": None,
    }


def samples_in(path: Path) -> list[dict[str, Any]]:
    """Read a tar as `WebDataset(path).decode()` does, but close the file."""
    with path.open("rb") as stream:
        members = tariterators.tar_file_expander([{"url": str(path), "stream": stream}])
        decoder = autodecode.Decoder([autodecode.basichandlers])
        return [decoder(sample) for sample in tariterators.group_by_keys(members)]


def test_a_tar_is_read_by_webdataset(tmp_path: Path) -> None:
    (file,) = write(tmp_path, "webdataset", rows(), output=Output(NAME, "webdataset", key="id"))
    read = samples_in(tmp_path / file.path)
    assert [each["__key__"] for each in read] == rows()["id"].to_pylist()
    for sample, row in zip(read, rows().to_pylist(), strict=True):
        assert sample["text.txt"] == row["text"]
        assert (sample["n.json"], sample["x.json"]) == (row["n"], row["x"])
        assert sample["input_ids.json"] == row["input_ids"]
        assert sample.get("image.png", sample.get("image.jpg")) == row["image"]


def test_a_tar_tells_of_no_time_and_no_owner(tmp_path: Path) -> None:
    long = "folder/" * 12 + "x" * 40
    table = pa.table({"id": ["a", long], "jpg": [JPG, PNG], "txt": ["one", None]})
    (file,) = write(tmp_path, "webdataset", table, output=Output(NAME, "webdataset", key="id"))
    with tarfile.open(tmp_path / file.path) as archive:
        members = archive.getmembers()
        assert [each.name for each in members] == ["a.jpg", "a.txt", f"{long}.jpg.png"]
        assert all(
            (each.mtime, each.uid, each.uname, each.mode, each.pax_headers, each.isreg())
            == (0, 0, "", 0o644, {}, True)
            for each in members
        )
    (packed,) = write(
        tmp_path, "webdataset", table, output=Output(NAME, "webdataset", "gzip", "id")
    )
    plain = gzip.decompress((tmp_path / packed.path).read_bytes())
    assert plain == (tmp_path / file.path).read_bytes()


def test_token_ids_are_read_as_megatron_maps_them(tmp_path: Path) -> None:
    ids, index = write(tmp_path, "megatron", rows())
    assert (ids.path, ids.rows, index.path, index.rows) == (
        "part-00000.bin", 7, "part-00000.idx", 0,
    )  # fmt: skip
    data = (tmp_path / index.path).read_bytes()
    magic, version, code, sequences, documents = struct.unpack_from("<9sQBQQ", data)
    assert (magic, version, code) == (b"MMIDIDX\x00\x00", 1, 4)
    at = struct.calcsize("<9sQBQQ")
    lengths = np.frombuffer(data, "<i4", sequences, at)
    starts = np.frombuffer(data, "<i8", sequences, at + lengths.nbytes)
    ends = np.frombuffer(data, "<i8", documents, at + lengths.nbytes + starts.nbytes)
    assert at + lengths.nbytes + starts.nbytes + ends.nbytes == len(data)
    assert ends.tolist() == list(range(8))
    tokens = np.memmap(tmp_path / ids.path, "<i4", "r")
    found = [
        tokens[start // 4 : start // 4 + length].tolist()
        for start, length in zip(starts, lengths, strict=True)
    ]
    assert found == rows()["input_ids"].to_pylist()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_examples_are_read_by_tfrecord(tmp_path: Path, compression: Compression) -> None:
    asked = Output(NAME, "tfrecord", compression)
    (file,) = write(tmp_path, "tfrecord", rows(300), output=asked)
    kinds = {"id": "byte", "text": "byte", "n": "int", "x": "float", "image": "byte"}
    loader = tfrecord_loader(
        str(tmp_path / file.path),
        None,
        {**kinds, "input_ids": "int"},
        compression_type="gzip" if compression == "gzip" else None,
    )
    for found, row in zip(loader, rows(300).to_pylist(), strict=True):
        assert bytes(found["text"]).decode() == row["text"]
        assert bytes(found["image"]) == row["image"]
        assert found["n"].tolist() == [row["n"]]
        assert found["x"].tolist() == [row["x"]]
        assert found["input_ids"].tolist() == row["input_ids"]


WHOLE = st.integers(-(2**63), 2**63 - 1)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    numbers=st.lists(st.one_of(st.none(), WHOLE), min_size=1, max_size=9),
    lists=st.lists(WHOLE, min_size=1, max_size=9),
)
def test_whole_numbers_of_any_size_are_read_by_tfrecord(
    tmp_path: Path, numbers: list[int | None], lists: list[int]
) -> None:
    many = pa.array([lists if at % 2 else None for at in range(len(numbers))], pa.list_(pa.int64()))
    table = pa.table(
        {"n": pa.array(numbers, pa.int64()), "many": many, "text": [""] * len(numbers)}
    )
    (file,) = write(tmp_path, "tfrecord", table)
    loader = tfrecord_loader(str(tmp_path / file.path), None, None)
    for row, (found, number) in enumerate(zip(loader, numbers, strict=True)):
        told = {name: found[name].tolist() for name in found if name != "text"}
        one = {} if number is None else {"n": [number]}
        assert told == one | ({"many": lists} if row % 2 else {})


def test_a_saved_data_set_is_loaded_by_datasets(tmp_path: Path) -> None:
    write(tmp_path, "huggingface", rows(), group_rows=2)
    loaded = datasets.load_from_disk(str(tmp_path))
    assert isinstance(loaded, datasets.DatasetDict)
    train = loaded["train"]
    assert train.split == "train"
    assert [dict(row) for row in train] == rows().to_pylist()
    assert train.features["text"] == datasets.Value("string")


class MdsReader:
    """Reads MDS as its documentation describes the bytes: the index, then a shard at an offset."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.shards = json.loads((folder / "index.json").read_text())["shards"]

    def __iter__(self) -> Any:
        for shard in self.shards:
            data = (self._folder / shard["raw_data"]["basename"]).read_bytes()
            assert len(data) == shard["raw_data"]["bytes"]
            (count,) = struct.unpack_from("<I", data)
            assert count == shard["samples"]
            offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
            config = json.loads(data[8 + 4 * count : offsets[0]])
            assert all(shard[name] == told for name, told in config.items())
            for start, end in itertools.pairwise(offsets):
                yield self._sample(shard, data[start:end])

    def _sample(self, shard: dict[str, Any], data: bytes) -> dict[str, object]:
        variable = [at for at, size in enumerate(shard["column_sizes"]) if size is None]
        sizes = list(shard["column_sizes"])
        told = struct.unpack_from(f"<{len(variable)}I", data)
        for at, size in zip(variable, told, strict=True):
            sizes[at] = size
        place, sample = 4 * len(variable), {}
        names, encodings = shard["column_names"], shard["column_encodings"]
        for name, encoding, size in zip(names, encodings, sizes, strict=True):
            sample[name] = _decoded(encoding, data[place : place + size])
            place += size
        assert place == len(data)
        return sample


def _decoded(encoding: str, data: bytes) -> object:
    if encoding == "str":
        return data.decode()
    if encoding == "bytes":
        return data
    if encoding == "json":
        return json.loads(data)
    if encoding.startswith("ndarray:"):
        dimensions, width = data[0] >> 2, 2 ** (data[0] % 4)
        assert dimensions == 1
        shape = int.from_bytes(data[1 : 1 + width], "little")
        values = np.frombuffer(data[1 + width :], encoding[8:])
        assert len(values) == shape
        return values.tolist()
    return np.frombuffer(data, encoding)[0].item()


def test_an_mds_index_leads_to_every_sample(tmp_path: Path) -> None:
    long = pa.array([list(range(300)), [], [1]] * 2, pa.list_(pa.uint16()))
    table = rows(6).append_column("long", long)
    files = write(tmp_path, "mds", table)
    reader = MdsReader(tmp_path)
    assert list(reader) == table.to_pylist()
    assert [each["raw_data"]["basename"] for each in reader.shards] == [f.path for f in files]


def test_an_mds_without_compression_says_so_and_is_what_is_written_by_default(
    tmp_path: Path,
) -> None:
    write(tmp_path / "asked", "mds", rows(), output=Output(NAME, "mds", "none"))
    write(tmp_path / "default", "mds", rows())
    reader = MdsReader(tmp_path / "asked")
    assert list(reader) == rows().to_pylist()
    assert [(each["compression"], each["zip_data"]) for each in reader.shards] == [(None, None)]
    assert files_in(tmp_path / "asked") == files_in(tmp_path / "default")


def test_an_mds_part_is_cut_before_it_is_too_large(tmp_path: Path) -> None:
    megabytes = 20
    table = pa.table({"raw": [bytes([row]) * (megabytes << 20) for row in range(5)]})
    files = write(tmp_path, "mds", table)
    assert [each.rows for each in files] == [3, 2]
    assert [each["raw"] for each in MdsReader(tmp_path)] == table["raw"].to_pylist()


@pytest.mark.parametrize("chosen", [*COLUMNAR, "jsonl", "mds", "tfrecord", "megatron"])
def test_entries_tell_the_digests_of_the_files(tmp_path: Path, chosen: OutputFormat) -> None:
    for entry in write(tmp_path, chosen, rows()):
        with (tmp_path / entry.path).open("rb") as stream:
            found = hash_stream(iter(lambda: stream.read(1000), b""))
        assert found == (entry.bytes, entry.sha256, entry.chunks)
