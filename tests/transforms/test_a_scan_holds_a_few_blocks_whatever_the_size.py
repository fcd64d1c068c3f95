"""Scanning a file takes the memory of a few blocks; nothing of it is passed over."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.orc
import pytest

from core.errors import Invalid
from governance.engine.scan.counting import Counter
from governance.engine.scan.tally import Tally
from transforms.engine.scanning import LINES, LONGEST_RECORD, NotText, blocks_of

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endless:
    """A file that is made while it is read: `unit` over and over, then `last`."""

    unit: bytes
    times: int
    last: bytes = b""

    @property
    def size(self) -> int:
        return len(self.unit) * self.times + len(self.last)

    def read_range(self, offset: int, length: int) -> bytes:
        body = len(self.unit) * self.times
        begin = offset % len(self.unit) if offset < body else 0
        wanted = min(length, max(body - offset, 0))
        made = (self.unit * (wanted // len(self.unit) + 2))[begin : begin + wanted]
        rest = max(offset - body, 0)
        return made + self.last[rest : rest + length - wanted]

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(Made(self)))


class Made(io.RawIOBase):
    """The bytes of a source from its beginning to its end."""

    def __init__(self, source: Endless) -> None:
        super().__init__()
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read_range(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@dataclass(frozen=True, slots=True)
class Held:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_range(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def tar(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return sink.getvalue()


def scan(path: str, source: Endless | Held) -> Tally:
    tally = Tally()
    for block in blocks_of(path, source):
        tally.see(Counter(), block.columns)
    return tally


LINE = b'{"text": "the quick brown fox jumps over the lazy dog", "n": 1}\n'
CASES: list[tuple[str, Endless]] = [
    ("a.jsonl", Endless(LINE, 100 * MIB // len(LINE), b'{"late": "x@y.org"}\n')),
    ("a.csv", Endless(b"some words,1\n", 50 * MIB // 13, b"x@y.org,2\n")),
    ("a.txt", Endless(b"some words and no line end ", 100 * MIB // 27, b"x@y.org")),
    ("open quote.csv", Endless(b'a,"b\n', 60 * MIB // 5, b"x@y.org\n")),
]


@pytest.mark.parametrize(("path", "source"), CASES, ids=[path for path, _ in CASES])
def test_the_last_record_of_a_large_file_is_seen_in_little_memory(
    path: str, source: Endless
) -> None:
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    try:
        most, found = 0, 0
        for block in blocks_of(path, source):
            tally = Tally()
            tally.see(Counter(), block.columns)
            counts = [c.counts.get("email") for c in tally.columns.values()]
            found += sum(each.matches for each in counts if each)
            most = max(most, pool.bytes_allocated() - before)
        python_most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == 1
    assert most < 64 * MIB
    assert python_most < 6 * LONGEST_RECORD


def test_records_of_mixed_types_and_broken_ones_are_all_seen() -> None:
    data = b'{"a": 1}\n{"a": "x@y.org"}\nnot json z@y.org\n{"b": {"c": ["w@y.org"]}}\n[1]\n'
    tally = scan("a.jsonl", Held(data))
    matches = {name: column.counts["email"].matches for name, column in tally.columns.items()}
    assert matches == {"a": 1, "b": 1, LINES: 1}


def _table() -> pa.Table:
    return pa.table({"n": [1, 2], "text": ["no", "x@y.org"]})


def test_arrow_and_orc_are_looked_at_column_by_column() -> None:
    for stream in (True, False):
        sink = io.BytesIO()
        with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, _table().schema) as writer:
            writer.write_table(_table())
        tally = scan("a.arrow", Held(sink.getvalue()))
        assert tally.columns["text"].counts["email"].matches == 1
    memory = pa.BufferOutputStream()
    pyarrow.orc.write_table(_table(), memory)
    tally = scan("a.orc", Held(memory.getvalue().to_pybytes()))
    assert tally.columns["text"].counts["email"].matches == 1


def test_every_text_in_an_archive_is_looked_at() -> None:
    data = tar(
        {
            "1.jpg": b"\xff\xd8\xff",
            "1.caption.txt": b"a@y.org",
            "1.json": b'{"by": "b@y.org"}',
            "README": b"c@y.org",
            "2.html": b"d@y.org",
        }
    )
    tally = scan("a.tar.gz", Held(gzip.compress(data)))
    matches = {name: column.counts["email"].matches for name, column in tally.columns.items()}
    assert matches == {"caption": 1, "json": 1, LINES: 1, "html": 1}


def test_a_csv_without_a_usable_header_is_read_as_lines() -> None:
    assert scan("a.csv", Held(b"a,a\n1,x@y.org\n")).columns[LINES].counts["email"].matches == 1


@pytest.mark.parametrize(
    ("path", "data", "error"),
    [
        ("a.bin", b"\0\1\2", NotText),
        ("a.parquet", b"PAR1", Invalid),
        ("a.gz", b"\x1f\x8b\x08", Invalid),
        ("a.arrow", b"ARROW1\0\0", Invalid),
        ("a.orc", b"ORC", Invalid),
        ("a.tar", b"\0" * 100, Invalid),
        ("a.tar", tar({"1.jpg": b"\xff\xd8"}), NotText),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_reason(
    path: str, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error, match="a"):
        scan(path, Held(data))


def test_the_words_of_an_error_hold_none_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Callable[[], None]:
        raise pa.ArrowNotImplementedError("row 7: ann@example.org")

    monkeypatch.setattr("transforms.engine.scanning.pj.read_json", refuse)
    with pytest.raises(Invalid) as told:
        scan("a.jsonl", Held(LINE))
    assert "example.org" not in told.value.detail
