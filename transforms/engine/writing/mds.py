"""MDS, the shards of MosaicML's streaming data sets.

A shard file: the number of samples, their offsets (32 bits each, one more than there are samples),
the configuration as JSON, then the samples, each its variable sizes and its values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column, values_of
from transforms.engine.output import Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter, Whole
from transforms.engine.writing.values import dumped, has_json, json_values

MEDIA_TYPE = "application/x-mds"
SHARD_BYTES = 64 * 1024 * 1024
_MOST_BYTES = 2**32 - 1
_SHAPE_CODES = ((2**8, 0, "<u1"), (2**16, 1, "<u2"), (2**32, 2, "<u4"))
_WHOLE = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
NUMPY = {name: np.dtype(name) for name in _WHOLE | {"float16", "float32", "float64"}}


class Mds(Format):
    """Shards of 64 MiB at most, and an `index.json` over all parts.

    Text is `str`, bytes are `bytes`, numbers are themselves, lists of numbers are `ndarray`, all
    else is `json`. There are no nulls but in `json`: a run that meets one stops. With a split, each
    part is a data set of its own.
    """

    NAME: ClassVar[str] = "mds"
    VERSION: ClassVar[int] = 1

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        for field in schema:
            if not has_json(field.type):
                message = f"MDS has no encoding for {field.name!r}: {field.type}; leave it out."
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _MdsPart(part)

    def indexes(self, whole: Whole) -> Iterator[tuple[str, bytes]]:
        """One index for each part: it needs no more than the sizes and rows of its files."""
        for part in whole.parts:
            folder = f"{part}/" if part else ""
            shards = [
                {
                    **_config(whole.schema),
                    "raw_data": {
                        "basename": file.path.removeprefix(folder),
                        "bytes": file.bytes,
                        "hashes": {},
                    },
                    "samples": file.rows,
                    "zip_data": None,
                }
                for file in whole.files_of(part)
            ]
            index = {"version": 2, "shards": shards}
            yield f"{folder}index.json", json.dumps(index, sort_keys=True).encode()


def encoding_of(kind: pa.DataType) -> str:
    """Return MDS's name of how values of `kind` are written."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "str"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytes"
    if _numpy_name(kind) in NUMPY:
        return _numpy_name(kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        item = _numpy_name(cast("pa.ListType[pa.DataType]", kind).value_type)
        if item in NUMPY:
            return f"ndarray:{item}"
    return "json"


def _numpy_name(kind: pa.DataType) -> str:
    names = {"halffloat": "float16", "float": "float32", "double": "float64"}
    return names.get(str(kind), str(kind))


def _config(schema: pa.Schema) -> dict[str, object]:
    """Return what a shard and the index say of the samples: the columns in order of name."""
    names = sorted(schema.names)
    encodings = [encoding_of(schema.field(name).type) for name in names]
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": [],
        "size_limit": SHARD_BYTES,
        "column_names": names,
        "column_encodings": encodings,
        "column_sizes": [NUMPY[each].itemsize if each in NUMPY else None for each in encodings],
    }


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A column of a batch: the bytes of each value, and whether their size is written."""

    values: Sequence[bytes]
    sized: bool


class _MdsPart(PartWriter):
    """Memory: one shard, and the batch that fills it."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._config = json.dumps(_config(part.schema), sort_keys=True).encode()
        self._samples: list[bytes] = []
        self._bytes = self._head_bytes = 8 + len(self._config)
        self._shards = 0

    def add(self, batch: pa.RecordBatch) -> None:
        names = sorted(batch.schema.names)
        columns = [_encoded(name, batch.column(name)) for name in names]
        sized = [at for at, column in enumerate(columns) if column.sized]
        head = struct.Struct(f"<{len(sized)}I")
        for values in zip(*(column.values for column in columns), strict=True):
            self._hold(head.pack(*(len(values[at]) for at in sized)) + b"".join(values))

    def _hold(self, sample: bytes) -> None:
        size = len(sample) + 4
        if self._samples and self._bytes + size > SHARD_BYTES:
            self._write_shard()
        self._samples.append(sample)
        self._bytes += size

    def _write_shard(self) -> None:
        count = len(self._samples)
        first = 4 + 4 * (count + 1) + len(self._config)
        offsets = np.cumsum([first, *(len(sample) for sample in self._samples)], dtype=np.int64)
        if offsets[-1] > _MOST_BYTES:
            raise Invalid(f"A row of {offsets[-1]} bytes is more than MDS can hold (4 GiB).")
        file = self.begin(f".{self._shards:05d}.mds", MEDIA_TYPE)
        file.write(struct.pack("<I", count) + offsets.astype("<u4").tobytes() + self._config)
        file.write(b"".join(self._samples))
        self.finish(file, count)
        self._samples, self._bytes = [], self._head_bytes
        self._shards += 1

    def end(self) -> None:
        if self._samples:
            self._write_shard()


def _encoded(name: str, column: Column) -> _Encoded:
    encoding = encoding_of(column.type)
    if encoding == "json":
        return _Encoded([dumped(value) for value in json_values(column)], sized=True)
    if column.null_count:
        raise Invalid(
            f"{name!r} is null in a row, and MDS knows no nulls: filter those rows out "
            "(not_null), or write another format."
        )
    if encoding in NUMPY:
        dtype = NUMPY[encoding]
        raw = column.to_numpy(zero_copy_only=False).astype(dtype.newbyteorder("<")).tobytes()
        width = dtype.itemsize
        return _Encoded([raw[at : at + width] for at in range(0, len(raw), width)], sized=False)
    if encoding.startswith("ndarray:"):
        return _Encoded(list(_arrays(name, column, NUMPY[encoding[8:]])), sized=True)
    whole = values_of(column.cast(pa.large_binary()))
    return _Encoded(cast("list[bytes]", whole), sized=True)


def _arrays(name: str, column: Column, dtype: np.dtype[np.generic]) -> Iterator[bytes]:
    """Yield each list as MDS writes an array of one dimension."""
    lists = cast("pa.ListArray[pa.Scalar[pa.DataType]]", column)
    items = lists.flatten()
    if items.null_count:
        raise Invalid(f"A list in {name!r} holds a null, and MDS knows no nulls.")
    raw = items.to_numpy(zero_copy_only=False).astype(dtype.newbyteorder("<")).tobytes()
    at = 0
    for length in cast("list[int]", lists.value_lengths().to_pylist()):
        code, shape = next((code, kind) for most, code, kind in _SHAPE_CODES if length < most)
        end = at + length * dtype.itemsize
        yield bytes([1 << 2 | code]) + np.array(length, shape).tobytes() + raw[at:end]
        at = end
