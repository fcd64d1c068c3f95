"""TFRecord files of tf.train.Example.

A record: its length, the masked CRC-32C of the length, the data, the masked CRC-32C of the data.
The data are a protocol buffer, written out here since its three kinds of lists are all there is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import ClassVar, cast

import google_crc32c
import numpy as np
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
_BUFFER_BYTES = 4 * 1024 * 1024

ListOf = Callable[[list[object]], bytes]


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
            if _list_of(_item(field.type)) is None:
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


def _list_of(kind: pa.DataType) -> ListOf | None:
    if any(ask(kind) for ask in (pa.types.is_string, pa.types.is_large_string)):
        return _bytes_list
    if any(ask(kind) for ask in (pa.types.is_binary, pa.types.is_large_binary)):
        return _bytes_list
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return _float_list
    if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and not pa.types.is_uint64(kind)):
        return _int64_list
    return None


def _bytes_list(values: list[object]) -> bytes:
    encoded = (each.encode() if isinstance(each, str) else cast(bytes, each) for each in values)
    return _delimited(_BYTES_LIST, b"".join(_delimited(_FIRST, each) for each in encoded))


def _float_list(values: list[object]) -> bytes:
    floats = np.array(values, "<f4").tobytes()
    return _delimited(_FLOAT_LIST, _delimited(_FIRST, floats) if floats else b"")


def _int64_list(values: list[object]) -> bytes:
    numbers = b"".join(_varint(cast(int, each) & 0xFFFFFFFFFFFFFFFF) for each in values)
    return _delimited(_INT64_LIST, _delimited(_FIRST, numbers) if numbers else b"")


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


def _features(name: str, column: Column) -> list[bytes]:
    """Return the entry of the features for each row; empty where the row has none."""
    kind = column.type
    list_of, key = _list_of(_item(kind)), _delimited(_FIRST, name.encode())
    assert list_of is not None
    found = []
    for value in values_of(column):
        if value is None:
            found.append(b"")
            continue
        values = cast("list[object]", value) if _is_list(kind) else [value]
        if None in values:
            raise Invalid(f"A list in {name!r} holds a null, and an Example knows no nulls.")
        feature = list_of(values)
        found.append(_delimited(_FIRST, key + _delimited(_SECOND, feature)))
    return found


def _masked(data: bytes) -> bytes:
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
            held += (length, _masked(length), example, _masked(example))
            held_bytes += len(example)
            if held_bytes >= _BUFFER_BYTES:
                self._file.write(b"".join(held))
                held, held_bytes = [], 0
        self._file.write(b"".join(held))

    def end(self) -> None:
        self.finish(self._file, self.rows)
