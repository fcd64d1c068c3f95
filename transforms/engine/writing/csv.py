"""CSV as RFC 4180 has it, with a header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa
import pyarrow.csv as pacsv

from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.beyond import require_spelled

MEDIA_TYPE = "text/csv"


class Csv(Format):
    """A header and one record a row; text stands in quotes, a null is nothing between commas.

    A cell is one value: lists, structs and bytes are refused.
    """

    NAME: ClassVar[str] = "csv"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none", "gzip", "zstd")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        for field in schema:
            if not _is_a_cell(field.type):
                message = (
                    f"A CSV cell cannot hold {field.name!r}: {field.type}; leave it out with a "
                    "select step, or write jsonl."
                )
                yield Problem("output.format", message)
        if len(set(schema.names)) < len(schema.names):
            yield Problem("output.format", "Two columns have one name.")

    def start(self, part: Part, output: Output) -> PartWriter:
        return _CsvPart(part, self.compression(output))


def _is_a_cell(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return False
    try:
        pacsv.write_csv(pa.schema([("cell", kind)]).empty_table(), pa.BufferOutputStream())
    except pa.ArrowException:
        return False
    return True


class _CsvPart(PartWriter):
    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._file = self.begin(".csv", MEDIA_TYPE, compression)
        self._write(part.schema.empty_table(), header=True)

    def add(self, batch: pa.RecordBatch) -> None:
        self._write(pa.Table.from_batches([batch]), header=False)

    def _write(self, rows: pa.Table, *, header: bool) -> None:
        require_spelled("CSV", rows)
        memory = pa.BufferOutputStream()
        options = pacsv.WriteOptions(include_header=header, quoting_style="needed")
        pacsv.write_csv(rows, memory, write_options=options)
        self._file.write(memory.getvalue().to_pybytes())

    def end(self) -> None:
        self.finish(self._file, self.rows)
