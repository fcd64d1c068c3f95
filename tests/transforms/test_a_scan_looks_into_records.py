"""A scan reads the records of binary formats: features, samples, and what is neither."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from core.errors import Invalid
from governance.engine.scan.counting import Counter
from governance.engine.scan.tally import Tally
from tests.transforms.damaged import FILES
from tests.transforms.test_examples_of_tfrecord_become_rows import SEQUENCE, Datum, example, record
from tests.transforms.test_samples_of_mds_become_rows import Columns, sample, shard
from tests.transforms.written import rows, write
from transforms.engine.scanning import NotText, blocks_of
from transforms.engine.sources import MemorySource

MAIL, CARD = b"ann@example.org", 4111_1111_1111_1111
Found = dict[tuple[str, str], int]


def looked_at(path: str, data: bytes) -> Tally:
    tally, counter = Tally(), Counter()
    for block in blocks_of(path, MemorySource(data)):
        assert all(len(column) <= block.rows for _, column in block.columns)
        tally.see(counter, block.columns)
    return tally


def found(path: str, data: bytes) -> Found:
    """Return how many matches each detector has in each column."""
    return {
        (name, detector): count.matches
        for name, column in looked_at(path, data).columns.items()
        for detector, count in column.counts.items()
        if count.matches
    }


def test_features_are_columns_of_texts_and_numbers() -> None:
    data: list[Datum] = [
        {"mail": (MAIL, "byte"), "n": (7, "int")},
        {"mail": ([b"nobody", b"to", MAIL, MAIL], "byte"), "n": ([1, CARD], "int")},
        {"mail": (CARD, "int"), "image": (b"\xff\xd8" + MAIL, "byte"), "x": (0.5, "float")},
    ]
    whole = b"".join(record(example(each)) for each in data)
    assert found("a.tfrecord", whole) == {
        ("mail", "email"): 3, ("n", "card"): 1, ("mail", "card"): 1,
    }  # fmt: skip
    assert looked_at("a.tfrecord", whole).columns["mail"].rows == 3


def test_a_record_that_is_no_example_is_looked_at_as_text() -> None:
    good = record(example({"t": (b"ask " + MAIL, "byte")}))
    wrong = bytearray(record(example({"t": (MAIL, "byte")})))
    wrong[-1] ^= 1
    long = b"\x0a\x25\x0a\x23\x0a\x0fann@example.org\x12\x10\x1a\x0e\x0a\x0c" + b"\xff" * 11 + b"\1"
    others = [record(b"plain: " + MAIL), record(SEQUENCE), bytes(wrong)]
    assert found("a.tfrecord", b"".join([good, *others])) == {
        ("t", "email"): 2, ("", "email"): 1,
    }  # fmt: skip
    assert found("a.tfrecord", record(long) + good) == {("", "email"): 2}


JSON = b'{"to": ["ann\\u0040example.org"]}'


@pytest.mark.parametrize(
    ("encoding", "size", "raw", "label"),
    [
        ("str", None, b"ask " + MAIL, "email"),
        ("str", None, b"\xff " + MAIL, "email"),
        ("bytes", None, MAIL, "email"),
        ("json", None, JSON, "email"),
        ("json", None, JSON[:-1] + b", " + MAIL, "email"),
        ("pkl", None, b"\x80\x04\x95\x13\0\0\0\0\0\0\0\x8c\x0f" + MAIL + b"\x94.", "email"),
        ("of tomorrow", None, b"\xff\xff" + MAIL, "email"),
        ("str_int", None, str(CARD).encode(), "card"),
        ("int64", 8, struct.pack("<q", CARD), "card"),
        ("ndarray:int64", None, b"\x04\x02" + np.array([1, CARD]).tobytes(), "card"),
        ("ndarray:int64", None, b"\x04\x09" + MAIL, "email"),
    ],
)
def test_a_sample_is_looked_at_however_it_is_written(
    encoding: str, size: int | None, raw: bytes, label: str
) -> None:
    columns: Columns = {"n": ("int32", 4), "v": (encoding, size)}
    data = [sample(columns, bytes(4), raw)] * 3
    assert found("a.mds", shard(columns, data)) == {("v", label): 3}


def test_a_sample_of_other_sizes_is_looked_at_as_text() -> None:
    columns: Columns = {"t": ("str", None)}
    data = [sample(columns, b"one"), b"\1\0\0\0" + MAIL]
    assert found("a.mds", shard(columns, data)) == {("", "email"): 1}


def test_all_that_a_run_writes_is_seen(tmp_path: Path) -> None:
    texts = [f"row {n}, ann{n}@example.org" for n in range(3000)]
    table = rows(3000).drop_columns(["input_ids"]).append_column("mail", pa.array(texts))
    for chosen, path in (("tfrecord", "part-00000.tfrecord"), ("mds", "part-00000.00000.mds")):
        write(tmp_path / chosen, chosen, table)  # type: ignore[arg-type]  # both are formats
        tally = looked_at(path, (tmp_path / chosen / path).read_bytes())
        assert tally.columns["mail"].counts["email"].matches == 3000
        assert {column.rows for column in tally.columns.values()} == {3000}


@pytest.mark.parametrize("path", ["a.tfrecord", "a.mds", "a.tfrecord.gz", "a.mds.zstd"])
def test_a_file_that_is_cut_off_is_said_to_be_damaged(path: str) -> None:
    with pytest.raises(Invalid, match="damaged"):
        looked_at(path, FILES[path][:-3])


def test_an_index_of_token_ids_is_told_as_such(tmp_path: Path) -> None:
    write(tmp_path, "megatron", rows())
    with pytest.raises(NotText, match="numbers, and not text"):
        looked_at("part-00000.idx", (tmp_path / "part-00000.idx").read_bytes())


def test_rows_of_lance_are_looked_at_deleted_ones_too(tmp_path: Path) -> None:
    """Whoever fetches the version has them."""
    made = lance.write_dataset(pa.table({"mail": [MAIL.decode()] * 9, "n": range(9)}), tmp_path)
    made.delete("n < 5")
    (file,) = (tmp_path / "data").iterdir()
    assert found(f"data/{file.name}", file.read_bytes()) == {("mail", "email"): 9}
    with pytest.raises(Invalid, match="damaged"):
        looked_at("data/a.lance", file.read_bytes()[:-9])


WITHOUT = """\
import sys
sys.modules["lance"] = None
from transforms.engine.scanning import NotText, blocks_of
from transforms.engine.sources import MemorySource
try:
    list(blocks_of("data/a.lance", MemorySource(b"")))
except NotText as error:
    print(error.detail)
"""


def test_without_its_package_a_scan_leaves_lance_out_and_says_so() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "`lance`, which reads data/a.lance, is not installed" in told.stdout, told.stderr
