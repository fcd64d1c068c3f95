"""Parquet: row groups of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from io import IOBase
from typing import ClassVar, cast

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.beyond import refused
from transforms.engine.writing.grouped import GroupedWriter

MEDIA_TYPE = "application/vnd.apache.parquet"
_LEVELS: dict[Compression, int | None] = {"none": None, "gzip": 6, "zstd": 3}


_DICTIONARY_BYTES = 64
"""Texts that are longer on average get no dictionary, which would take a fifth of the time."""


class Parquet(Format):
    """Columns in row groups of 8,192 rows at most; takes every schema without an empty struct."""

    NAME: ClassVar[str] = "parquet"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("zstd", "none", "gzip")
    INDEXABLE: ClassVar[bool] = True

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        """Ask the writer itself, column by column, with no rows."""
        for field in schema:
            empty = pa.schema([field]).empty_table()
            try:
                pq.write_table(empty, pa.BufferOutputStream())
            except pa.ArrowException:
                message = f"Parquet cannot hold {field.name!r}: {field.type}; leave it out."
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return ParquetPart(part, self.compression(output))


class ParquetPart(GroupedWriter):
    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._compression = compression
        self._file = self.begin(".parquet", MEDIA_TYPE)
        self._writer: pq.ParquetWriter | None = None

    def _begun(self, first: pa.Table) -> pq.ParquetWriter:
        """Return the writer; what the columns of the first group hold decides how it encodes."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                pa.PythonFile(cast("IOBase", self._file.raw), mode="w"),
                self.part.schema,
                version="2.6",
                compression=self._compression,
                compression_level=_LEVELS[self._compression],
                use_dictionary=_short_texts(first),  # type: ignore[arg-type]  # the stubs know bool
                write_statistics=True,
                data_page_size=1024 * 1024,
            )
        return self._writer

    def write_group(self, group: pa.Table) -> None:
        writer = self._begun(group)
        try:
            writer.write_table(group, row_group_size=self.part.group_rows)
        except pa.ArrowInvalid:
            raise refused("Parquet", group, pq.write_table) from None

    def end_file(self) -> None:
        self._begun(self.part.schema.empty_table()).close()
        self.finish(self._file, self.rows)

    def give_up(self) -> None:
        """pyarrow would write the footer when the writer is collected, to a stream long closed."""
        if self._writer is not None:
            self._writer.close()


def _short_texts(group: pa.Table) -> list[str]:
    """Return the text columns that may repeat themselves; of long texts no two are alike."""
    texts = [field.name for field in group.schema if pa.types.is_string(field.type)]
    return [
        name for name in texts if group[name].nbytes <= _DICTIONARY_BYTES * max(1, group.num_rows)
    ]
