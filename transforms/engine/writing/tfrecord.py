"""TFRecord files of tf.train.Example.

A record: its length, the masked CRC-32C of the length, the data, the masked CRC-32C of the data.
The data are a protocol buffer, written out here since its three kinds of lists are all there is.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import ClassVar, cast

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column, values_of
from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter

MEDIA_TYPE = "application/x-tfrecord"
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = b"\x0a", b"\x12", b"\x1a"
_FIRST, _SECOND = b"\x0a", b"\x12"
"""The tags of fields 1 and 2 that have a length: field number * 8 + 2."""
_MOST_DIGITS = 10
_BUFFER_BYTES = 4 * 1024 * 1024


class TfRecord(Format):
    """One tf.train.Example a row: text and bytes as `bytes_list`, whole numbers as `int64_list`.

    32-bit floats are a `float_list`, lists become the list of their kind, a null is no feature.
    Other types are refused, 64-bit floats among them, since the format would round them.
    """

    NAME: ClassVar[str] = "tfrecord"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none", "gzip")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        for field in schema:
            if _tag_of(_item(field.type)) is None:
                advice = (
                    "cast it to float32 or declare it so in inputs[0].schema"
                    if pa.types.is_float64(_item(field.type))
                    else "leave it out with a select step, or cast it"
                )
                message = f"An Example cannot hold {field.name!r}: {field.type}; {advice}."
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _TfRecordPart(part, self.compression(output))


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _item(kind: pa.DataType) -> pa.DataType:
    return cast("pa.ListType[pa.DataType]", kind).value_type if _is_list(kind) else kind


def _tag_of(kind: pa.DataType) -> bytes | None:
    """Return the tag of the list that holds values of `kind`; None where no list does."""
    asked = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
    )
    if any(ask(kind) for ask in asked):
        return _BYTES_LIST
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return _FLOAT_LIST
    if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and not pa.types.is_uint64(kind)):
        return _INT64_LIST
    return None


def _features(name: str, column: Column) -> list[bytes]:
    """Return the entry of the features for each row; empty where the row has none."""
    items, ends = _items(name, column)
    tag, key = _tag_of(items.type), _delimited(_FIRST, name.encode())
    if tag == _BYTES_LIST:
        lists = _texts(items, ends)
    else:
        lists = [_delimited(_FIRST, each) if each else b"" for each in _numbers(items, ends, tag)]
    absent = column.is_null().to_pylist()
    return [
        b""
        if missing
        else _delimited(_FIRST, key + _delimited(_SECOND, _delimited(cast(bytes, tag), each)))
        for each, missing in zip(lists, absent, strict=True)
    ]


def _items(name: str, column: Column) -> tuple[Column, npt.NDArray[np.int64]]:
    """Return all values of a column, and where those of each row end; a null row has none."""
    if not _is_list(column.type):
        present = column.is_valid().to_numpy(zero_copy_only=False)
        return column.drop_null(), np.cumsum(present, dtype=np.int64)
    lists = cast("pa.ListArray[pa.Scalar[pa.DataType]]", column)
    items = lists.flatten()
    if items.null_count:
        raise Invalid(f"A list in {name!r} holds a null, and an Example knows no nulls.")
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return items, np.cumsum(lengths, dtype=np.int64)


def _texts(items: Column, ends: npt.NDArray[np.int64]) -> list[bytes]:
    values = cast("list[bytes]", values_of(items.cast(pa.large_binary())))
    entries = [_delimited(_FIRST, value) for value in values]
    return [b"".join(entries[start:end]) for start, end in _spans(ends)]


def _numbers(items: Column, ends: npt.NDArray[np.int64], tag: bytes | None) -> list[bytes]:
    """Return the packed numbers of each row."""
    if tag == _FLOAT_LIST:
        data, byte_ends = items.to_numpy(zero_copy_only=False).astype("<f4").tobytes(), ends * 4
    else:
        numbers = items.cast(pa.int64()).to_numpy(zero_copy_only=False)
        data, value_ends = _varints(numbers.astype(np.int64).view(np.uint64))
        byte_ends = value_ends[ends]
    return [data[start:end] for start, end in _spans(byte_ends)]


def _spans(ends: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return itertools.pairwise([0, *ends.tolist()])


def _varints(numbers: npt.NDArray[np.uint64]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return numbers in base 128, lowest digit first, and where each begins and the last ends."""
    lengths = np.ones(len(numbers), np.int64)
    for digits in range(1, _MOST_DIGITS):
        lengths += numbers >= np.uint64(1 << 7 * digits)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    data = np.zeros(int(ends[-1]), np.uint8)
    for digit in range(int(lengths.max(initial=0))):
        chosen = np.flatnonzero(lengths > digit)
        more = np.where(lengths[chosen] > digit + 1, 0x80, 0)
        shifted = numbers[chosen] >> np.uint64(7 * digit) & np.uint64(0x7F)
        data[ends[chosen] + digit] = shifted.astype(np.uint8) | more.astype(np.uint8)
    return data.tobytes(), ends


def _delimited(tag: bytes, data: bytes) -> bytes:
    return tag + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def masked_crc(data: bytes) -> bytes:
    """Return the CRC-32C of some bytes as records carry it."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


class _TfRecordPart(PartWriter):
    """Memory: one batch, and 4 MiB beside it."""

    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._file = self.begin(".tfrecord", MEDIA_TYPE, compression)

    def add(self, batch: pa.RecordBatch) -> None:
        columns = [_features(name, batch.column(name)) for name in batch.schema.names]
        held: list[bytes] = []
        held_bytes = 0
        for features in zip(*columns, strict=True):
            example = _delimited(_FIRST, b"".join(features))
            length = struct.pack("<Q", len(example))
            held += (length, masked_crc(length), example, masked_crc(example))
            held_bytes += len(example)
            if held_bytes >= _BUFFER_BYTES:
                self._file.write(b"".join(held))
                held, held_bytes = [], 0
        self._file.write(b"".join(held))

    def end(self) -> None:
        self.finish(self._file, self.rows)
