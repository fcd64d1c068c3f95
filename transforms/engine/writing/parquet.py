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
from transforms.engine.writing.grouped import GroupedWriter

MEDIA_TYPE = "application/vnd.apache.parquet"
_LEVELS: dict[Compression, int | None] = {"none": None, "gzip": 6, "zstd": 3}


class Parquet(Format):
    """Columns in row groups of 8,192 rows at most; takes every schema."""

    NAME: ClassVar[str] = "parquet"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("zstd", "none", "gzip")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        return iter(())

    def start(self, part: Part, output: Output) -> PartWriter:
        return ParquetPart(part, self.compression(output))


class ParquetPart(GroupedWriter):
    def __init__(self, part: Part, compression: Compression) -> None:
        super().__init__(part)
        self._file = self.begin(".parquet", MEDIA_TYPE)
        texts = [each.name for each in part.schema if pa.types.is_string(each.type)]
        self._writer = pq.ParquetWriter(
            pa.PythonFile(cast("IOBase", self._file.raw), mode="w"),
            part.schema,
            version="2.6",
            compression=compression,
            compression_level=_LEVELS[compression],
            use_dictionary=texts,  # type: ignore[arg-type]  # the stubs know only True and False
            write_statistics=True,
            data_page_size=1024 * 1024,
        )

    def write_group(self, group: pa.Table) -> None:
        self._writer.write_table(group, row_group_size=self.part.group_rows)

    def end_file(self) -> None:
        self._writer.close()
        self.finish(self._file, self.rows)

    def give_up(self) -> None:
        """pyarrow would write the footer when the writer is collected, to a stream long closed."""
        self._writer.close()
