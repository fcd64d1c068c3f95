"""JSON lines: one object a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.values import dumped, json_values, without_json

MEDIA_TYPE = "application/jsonl"


class JsonLines(Format):
    """One JSON object a row, members in column order.

    Bytes stand in base64, times in ISO 8601, and what is no number (NaN) is null.
    """

    NAME: ClassVar[str] = "jsonl"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none", "gzip", "zstd")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        for field in without_json(schema):
            message = (
                f"JSON has no form for {field.name!r}, which holds {field.type}; leave it out with "
                "a select step, or write parquet."
            )
            yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _JsonLinesPart(part, self.compression(output))


class _JsonLinesPart(PartWriter):
    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._file = self.begin(".jsonl", MEDIA_TYPE, compression)

    def add(self, batch: pa.RecordBatch) -> None:
        names = batch.schema.names
        columns = [json_values(column) for column in batch.columns]
        rows = (dumped(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))
        self._file.write(b"".join(row + b"\n" for row in rows))

    def end(self) -> None:
        self.finish(self._file, self.rows)
