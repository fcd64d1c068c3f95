"""Shards of MDS: a sample is a row. A shard tells its columns itself; no `index.json` is asked.

What a shard is, `writing/mds.py` says; here its encodings are read, those that we do not write,
too. What only Python's pickle can read is not: it would run whatever the shard says.
Source: MosaicML's `streaming`, the formats and encodings of MDS.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column, array_of
from transforms.engine.reading.binary import (
    MOST_RECORD_BYTES,
    SAMPLED_ROWS,
    NotARow,
    Record,
    read_records,
    spread,
)
from transforms.engine.reading.json_values import json_type, json_value, parsed
from transforms.engine.reading.records import Read
from transforms.engine.writing.mds import NUMPY

_MOST_HEAD_BYTES = 256 * 1024 * 1024
_SIZE = struct.Struct("<I")
_AS_TEXT: Mapping[str, pa.DataType] = {
    "str": pa.string(), "str_decimal": pa.string(),
    "str_int": pa.int64(), "str_float": pa.float64(),
}  # fmt: skip
"""Encodings that are text, and the types of what it says."""
_AS_BYTES = frozenset({"bytes", "jpeg", "png"})
_JSON, _ARRAY = "json", "ndarray"
_NUMPY_CODES = {
    8: "uint8", 9: "int8", 16: "uint16", 17: "int16", 18: "float16", 32: "uint32", 33: "int32",
    34: "float32", 64: "uint64", 65: "int64", 66: "float64",
}  # fmt: skip


class Encoded(NamedTuple):
    """A column of a shard: its place in each sample, how its values are written, and their size."""

    at: int
    encoding: str
    size: int | None
    """None where each sample says it."""


def opened(path: str, stream: BinaryIO) -> tuple[Mapping[str, Encoded], Iterator[Record]]:
    """Return the columns of a shard in its order, and its samples in theirs.

    Memory: the offsets of the samples, and one sample. Raises Invalid when the shard is damaged, at
    once or where it is cut off or goes on behind its samples.
    """
    offsets, columns = _head(path, stream)
    return columns, _samples(path, stream, offsets)


def read_samples(path: str, stream: BinaryIO, schema: pa.Schema) -> Iterator[Read]:
    """Yield the rows of a shard; columns that the schema does not name are left out.

    A sample that does not fit is set aside. Raises as `opened`, and when the shard lacks a column
    or has one that is not read.
    """
    columns, records = opened(path, stream)
    if missing := [name for name in schema.names if name not in columns]:
        raise Invalid(f"{path} lacks the columns {', '.join(missing)}.", path=path)
    for name in schema.names:
        _require_readable(path, name, columns[name].encoding)
    yield from read_records(path, records, Samples(columns), schema)


def infer(stream: BinaryIO, path: str, sample_bytes: int) -> pa.Schema:
    """Return the columns of a shard in its order: what it declares, else what its first rows hold.

    Raises as `read_samples`.
    """
    columns, records = opened(path, stream)
    for name, column in columns.items():
        _require_readable(path, name, column.encoding)
    rows = list(_first_rows(records, Samples(columns), sample_bytes))
    return pa.schema(
        [
            (name, _type_of([row[column.at] for row in rows], column.encoding))
            for name, column in columns.items()
        ]
    )


def _first_rows(
    records: Iterator[Record], samples: Samples, sample_bytes: int
) -> Iterator[list[bytes]]:
    for record in itertools.islice(records, SAMPLED_ROWS):
        with suppress(NotARow):  # it is set aside when the rows are read
            yield samples.decoded(record.data)
        sample_bytes -= len(record.data)
        if sample_bytes <= 0:
            return


def _head(path: str, stream: BinaryIO) -> tuple[npt.NDArray[np.int64], Mapping[str, Encoded]]:
    try:
        (count,) = _SIZE.unpack(stream.read(_SIZE.size))
        if 4 * count > _MOST_HEAD_BYTES:
            raise ValueError(f"{count} samples are more than a shard holds")
        told = stream.read(4 * (count + 1))
        offsets = np.frombuffer(told, "<u4").astype(np.int64)
        if len(told) < 4 * (count + 1) or (np.diff(offsets) < 0).any():
            raise ValueError("its offsets are none")
        size = int(offsets[0]) - 4 * (count + 2)
        if not 0 <= size <= _MOST_HEAD_BYTES:
            raise ValueError("its first sample cannot lie where it says")
        return offsets, _columns(json.loads(stream.read(size)))
    except (ValueError, TypeError, LookupError, RecursionError, struct.error) as error:
        kind = type(error).__name__
        raise Invalid(
            f"{path} is damaged: it does not begin as MDS ({kind}).", path=path
        ) from error


def _columns(config: Mapping[str, Sequence[object]]) -> dict[str, Encoded]:
    """Return the columns that a shard tells; raises ValueError, TypeError or LookupError."""
    told = zip(
        config["column_names"], config["column_encodings"], config["column_sizes"], strict=True
    )
    columns: dict[str, Encoded] = {}
    for at, (name, encoding, size) in enumerate(told):
        if not isinstance(name, str) or not isinstance(encoding, str) or name in columns:
            raise ValueError("its columns have no names of their own")
        if size is not None and not (isinstance(size, int) and size >= 0):
            raise ValueError("a size is none")
        name.encode()  # raises where JSON spelled half of a character
        columns[name] = Encoded(at, encoding, size)
    return columns


def _require_readable(path: str, name: str, encoding: str) -> None:
    if bare(encoding) in {*_AS_TEXT, *_AS_BYTES, *NUMPY, _JSON, _ARRAY}:
        return
    raise Invalid(
        f"{path} keeps the column {name!r} as {encoding!r}, which is not read; declare the columns "
        "to be read in `schema`.",
        path=path,
    )


def is_text(encoding: str) -> bool:
    """Return whether values that are written so are text, or not known to be anything else."""
    return bare(encoding) not in {*_AS_BYTES, *NUMPY, _JSON, _ARRAY}


def bare(encoding: str) -> str:
    """Return an encoding without what it says of quality, type or shape."""
    found = encoding.partition(":")[0]
    return "int64" if found == "int" else found


def _samples(path: str, stream: BinaryIO, offsets: npt.NDArray[np.int64]) -> Iterator[Record]:
    for start, end in itertools.pairwise(offsets.tolist()):
        if end - start > MOST_RECORD_BYTES:
            told = f"{path} has a sample of more than {MOST_RECORD_BYTES >> 20} MiB."
            raise Invalid(told, path=path)
        data = stream.read(end - start)
        if len(data) < end - start:
            raise Invalid(f"{path} is damaged: it is cut off.", path=path)
        yield Record(start, data)
    if stream.read(1):
        raise Invalid(f"{path} is damaged: it goes on behind its last sample.", path=path)


class Samples:
    """Samples as their values, each as it is written."""

    def __init__(self, columns: Mapping[str, Encoded]) -> None:
        self._columns = columns
        self._sizes = [column.size for column in columns.values()]
        self._head = struct.Struct(f"<{self._sizes.count(None)}I")

    def decoded(self, data: bytes) -> list[bytes]:
        """Return the values of a sample in the order of the columns; raises NotARow."""
        if len(data) < self._head.size:
            raise NotARow("it is shorter than the sizes of its values")
        told = iter(self._head.unpack_from(data))
        sizes = [next(told) if size is None else size for size in self._sizes]
        ends = list(itertools.accumulate(sizes, initial=self._head.size))
        if ends[-1] != len(data):
            raise NotARow("its values are not as long as it says")
        return [data[start:end] for start, end in itertools.pairwise(ends)]

    def column(self, rows: Sequence[list[bytes]], field: AnyField) -> Column:
        column = self._columns[field.name]
        return _column([row[column.at] for row in rows], column.encoding, field)


def column_of(values: Sequence[bytes], encoding: str) -> Column:
    """Return values of the type that they seem to have; raises one of `WRONG`."""
    return _column(values, encoding, pa.field("", _type_of(values, encoding)))


def _column(values: Sequence[bytes], encoding: str, field: AnyField) -> Column:
    kept = bare(encoding)
    if kept == _JSON:
        return array_of([_of_json(value, field.type) for value in values], field.type)
    if kept == _ARRAY:
        return _of_arrays([_array(value, encoding) for value in values], field)
    if kept in NUMPY:
        if any(len(value) != NUMPY[kept].itemsize for value in values):
            raise NotARow(f"{field.name!r} is no {kept}")
        return _numbers(b"".join(values), kept).cast(field.type)
    whole = array_of(values, pa.large_binary())
    return (whole if kept in _AS_BYTES else whole.cast(pa.large_string())).cast(field.type)


def _of_json(value: bytes, kind: pa.DataType) -> object:
    return None if value == b"null" else json_value(value.decode(), kind)


class _Array(NamedTuple):
    """An array as it is written: the name of its type, its shape, its numbers."""

    kind: str
    shape: tuple[int, ...]
    data: bytes


def _array(value: bytes, encoding: str) -> _Array:
    """Return an array, whose type and shape are told by the encoding or by itself."""
    _, kind, shape = [*encoding.split(":"), "", ""][:3]
    try:
        if not kind:
            kind, value = _NUMPY_CODES[value[0]], value[1:]
        if shape:
            sizes = tuple(int(each) for each in shape.split(","))
        else:
            width, dimensions = 1 << (value[0] & 3), value[0] >> 2
            told = value[1 : 1 + width * dimensions]
            sizes = tuple(np.frombuffer(told, f"<u{width}").tolist())
            value = value[1 + width * dimensions :]
        item = NUMPY[kind].itemsize
    except LookupError:
        raise NotARow("an array does not say what it is") from None
    if not sizes or math.prod(sizes) * item != len(value):
        raise NotARow("an array has another size than it says")
    return _Array(kind, sizes, value)


def _of_arrays(arrays: Sequence[_Array], field: AnyField) -> Column:
    """Return arrays of one type and as many dimensions as lists, of lists where they have more."""
    kinds, dimensions = {each.kind for each in arrays}, {len(each.shape) for each in arrays}
    if len(kinds) > 1 or len(dimensions) > 1:
        raise NotARow(f"{field.name!r} holds arrays of several kinds")
    items = _numbers(b"".join(each.data for each in arrays), kinds.pop())
    for at in range(dimensions.pop() - 1, 0, -1):
        outer = [math.prod(each.shape[:at]) for each in arrays]
        counts = np.repeat([each.shape[at] for each in arrays], outer)
        within: pa.DataType = pa.list_(items.type)
        items = spread(items, counts, np.zeros(len(counts), np.bool_), pa.field("", within))
    counts = np.array([each.shape[0] for each in arrays])
    return spread(items, counts, np.zeros(len(arrays), np.bool_), field)


def _numbers(data: bytes, kind: str) -> Column:
    numbers: Column = pa.array(np.frombuffer(data, NUMPY[kind].newbyteorder("<")))
    return numbers


def _type_of(values: Sequence[bytes], encoding: str) -> pa.DataType:
    kept = bare(encoding)
    if kept == _JSON:
        return json_type([parsed(value) for value in values])
    if kept == _ARRAY:
        return _array_type(encoding, values)
    if kept in NUMPY:
        return pa.from_numpy_dtype(NUMPY[kept])
    return _AS_TEXT.get(kept, pa.binary())


def _array_type(encoding: str, values: Sequence[bytes]) -> pa.DataType:
    """Return lists of as many dimensions as the first array has; of bytes where there is none."""
    for value in values:
        with suppress(ValueError):  # as in `_first_rows`
            first = _array(value, encoding)
            found: pa.DataType = pa.from_numpy_dtype(NUMPY[first.kind])
            for _ in first.shape:
                found = pa.list_(found)
            return found
    return pa.binary()
