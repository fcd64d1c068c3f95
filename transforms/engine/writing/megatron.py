"""Megatron's indexed data sets: a file of token ids, and an index of where each document lies."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa

from core.errors import Invalid, InvalidSpec
from transforms.engine.output import Output
from transforms.engine.problems import Problem, problems_of, require_column
from transforms.engine.writing.base import Format, Part, PartWriter

MEDIA_TYPE = "application/octet-stream"
MAGIC = b"MMIDIDX\x00\x00"
HEAD = struct.Struct("<QBQQ")
"""Behind the magic bytes: version, type of the ids, number of sequences, and of documents + 1."""
VERSION = 1
DEFAULT_COLUMN = "input_ids"
CODES: Mapping[str, int] = {"uint8": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5, "uint16": 8}


class Megatron(Format):
    """The token ids of one column, `.bin` and `.idx`, as Megatron-LM and NeMo map them.

    A row is a document and its one sequence. Other columns are not written. Leave the pack step
    out: what reads these files packs them itself, and would take padding for tokens.
    """

    NAME: ClassVar[str] = "megatron"
    VERSION: ClassVar[int] = 1

    def written(self, schema: pa.Schema, output: Output) -> pa.Schema:
        return pa.schema([schema.field(output.column or DEFAULT_COLUMN)])

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        column = output.column or DEFAULT_COLUMN
        try:
            kind = require_column(schema, column, "output.column").type
        except InvalidSpec as error:
            yield from problems_of(error)
            return
        if _item_name(kind) not in CODES:
            message = (
                f"{column!r} holds {kind}, not lists of token ids; put a tokenise step before, or "
                "name another column."
            )
            yield Problem("output.column", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _MegatronPart(part, output.column or DEFAULT_COLUMN)


def _item_name(kind: pa.DataType) -> str:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return str(cast("pa.ListType[pa.DataType]", kind).value_type) if is_list else ""


class _MegatronPart(PartWriter):
    """Memory: one batch, and 4 bytes for each document."""

    def __init__(self, part: Part, column: str) -> None:
        super().__init__(part)
        self._column = column
        self._dtype = np.dtype(_item_name(part.schema.field(column).type)).newbyteorder("<")
        self._ids = self.begin(".bin", MEDIA_TYPE)
        self._index = self.begin(".idx", MEDIA_TYPE)
        self._lengths = [np.zeros(0, np.int32)]

    def add(self, batch: pa.RecordBatch) -> None:
        lists = cast("pa.ListArray[pa.Scalar[pa.DataType]]", batch.column(self._column))
        ids = lists.flatten()
        if lists.null_count or ids.null_count:
            raise Invalid(
                f"{self._column!r} holds a null, and Megatron knows no nulls: filter those rows "
                "out (not_null)."
            )
        self._ids.write(ids.to_numpy(zero_copy_only=False).astype(self._dtype).tobytes())
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        self._lengths.append(lengths.astype(np.int32))

    def end(self) -> None:
        lengths = np.concatenate(self._lengths)
        sizes = lengths.astype(np.int64) * self._dtype.itemsize
        starts = np.cumsum(sizes) - sizes
        code = CODES[self._dtype.name]
        self._index.write(MAGIC + HEAD.pack(VERSION, code, len(lengths), len(lengths) + 1))
        for numbers in (
            lengths.astype("<i4"),
            starts.astype("<i8"),
            np.arange(len(lengths) + 1, dtype="<i8"),
        ):
            self._index.write(numbers.tobytes())
        self.finish(self._ids, self.rows)
        self.finish(self._index, rows=0)
