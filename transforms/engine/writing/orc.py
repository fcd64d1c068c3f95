"""ORC: columns in stripes."""

from __future__ import annotations

from collections.abc import Iterator
from io import IOBase
from typing import ClassVar, Literal, cast

import pyarrow as pa
import pyarrow.orc

from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.grouped import GroupedWriter, in_normal_form

MEDIA_TYPE = "application/vnd.apache.orc"
_CODECS: dict[Compression, Literal["UNCOMPRESSED", "ZLIB", "ZSTD"]] = {
    "none": "UNCOMPRESSED",
    "gzip": "ZLIB",
    "zstd": "ZSTD",
}
_STRIPE_BYTES = 64 * 1024 * 1024
"""A stripe ends behind the rows with which it is estimated to be as large: held in memory."""
_BATCH_ROWS = 128
"""Rows given to ORC at once: for every row of a batch it moves the lists that it has already."""


class Orc(Format):
    """Columns in stripes. ORC knows no unsigned numbers and no times of a day."""

    NAME: ClassVar[str] = "orc"
    VERSION: ClassVar[int] = 2
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("zstd", "none", "gzip")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        """Ask the writer itself, column by column, with no rows."""
        for field in schema:
            empty = pa.schema([field]).empty_table()
            try:
                pyarrow.orc.write_table(empty, pa.BufferOutputStream())
            except pa.ArrowException:
                yield Problem("output.format", f"ORC cannot hold {field.name!r}: {field.type}.")

    def start(self, part: Part, output: Output) -> PartWriter:
        return OrcPart(part, self.compression(output))


class OrcPart(GroupedWriter):
    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._file = self.begin(".orc", MEDIA_TYPE)
        self._writer = pyarrow.orc.ORCWriter(
            pa.PythonFile(cast("IOBase", self._file.raw), mode="w"),
            compression=_CODECS[compression],
            stripe_size=_STRIPE_BYTES,
            batch_size=_BATCH_ROWS,
        )

    def write_group(self, group: pa.Table) -> None:
        self._writer.write(in_normal_form(group))

    def end_file(self) -> None:
        if not self.rows:
            self._writer.write(self.part.schema.empty_table())
        self._writer.close()
        self.finish(self._file, self.rows)

    def give_up(self) -> None:
        self._writer.close()
