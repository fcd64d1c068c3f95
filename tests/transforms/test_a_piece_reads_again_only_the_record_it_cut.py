"""Records are cut out of what was read; of what a piece cuts off, only a little is read twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import BinaryIO, cast

import pyarrow as pa
import pytest

from transforms.engine.reading.csv import Csv
from transforms.engine.reading.jsonl import JsonLines
from transforms.engine.reading.records import READ_TWICE, RecordFormat, pieces
from transforms.engine.sources import MemorySource, RangedFile

COLUMNS: dict[str, pa.DataType] = {"n": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema(COLUMNS)
PIECE = 4096
ROWS = [(number, "a, b\n" * (number % 60)) for number in range(400)]


def json_line(number: int, text: str) -> bytes:
    return json.dumps({"n": number, "text": text}).encode() + b"\n"


def csv_line(number: int, text: str) -> bytes:
    return f'{number},"{text}"\n'.encode()


class Counting(MemorySource):
    """Counts the bytes that are read."""

    read = 0

    def read_range(self, offset: int, length: int) -> bytes:
        found = super().read_range(offset, length)
        type(self).read += len(found)
        return found


@pytest.mark.parametrize(
    ("line", "fmt"),
    [(json_line, JsonLines(SCHEMA)), (csv_line, Csv(SCHEMA, ("n", "text")))],
    ids=["jsonl", "csv"],
)
@pytest.mark.parametrize("ended", [True, False])
def test_each_record_stands_in_one_piece(
    line: Callable[[int, str], bytes], fmt: RecordFormat, ended: bool
) -> None:
    data = b"".join(line(*row) for row in ROWS)
    data = data if ended else data.removesuffix(b"\n")
    Counting.read = 0
    stream = cast(BinaryIO, RangedFile(Counting(data)))
    found = [(at, bytes(piece)) for at, piece in pieces(stream, fmt, PIECE)]
    assert b"".join(piece for _, piece in found) == data
    assert all(data[at : at + len(piece)] == piece for at, piece in found)
    assert all(len(fmt.bounds(piece).starts) and fmt.complete(piece) for _, piece in found[:-1])
    assert len(data) < Counting.read <= len(data) + PIECE // READ_TWICE * len(found)


def test_long_records_are_not_read_twice() -> None:
    data = b"".join(json_line(number, "b" * (3 * PIECE // 4)) for number in range(30))
    Counting.read = 0
    stream = cast(BinaryIO, RangedFile(Counting(data)))
    found = list(pieces(stream, JsonLines(SCHEMA), PIECE))
    assert Counting.read <= len(data) + PIECE // READ_TWICE * len(found)


def test_a_record_longer_than_a_piece_comes_whole() -> None:
    lines = [json_line(1, "a"), json_line(2, "b" * (3 * PIECE)), json_line(3, "c")]
    stream = cast(BinaryIO, RangedFile(MemorySource(b"".join(lines))))
    found = [bytes(piece) for _, piece in pieces(stream, JsonLines(SCHEMA), PIECE)]
    assert found == [lines[0], lines[1] + lines[2]]
