"""Arrow IPC files: record batches of the same cut as Parquet's row groups."""

from __future__ import annotations

from collections.abc import Iterator
from io import IOBase
from typing import ClassVar, Literal, cast

import pyarrow as pa

from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.grouped import GroupedWriter, in_normal_form

FILE_MEDIA_TYPE = "application/vnd.apache.arrow.file"
STREAM_MEDIA_TYPE = "application/vnd.apache.arrow.stream"


class ArrowIpc(Format):
    """The file format of Arrow IPC, for memory maps; `zstd` compresses its buffers.

    It takes every schema.
    """

    NAME: ClassVar[str] = "arrow"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none", "zstd")
    INDEXABLE: ClassVar[bool] = True

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        return iter(())

    def start(self, part: Part, output: Output) -> PartWriter:
        return ArrowPart(part, self.compression(output))


class ArrowPart(GroupedWriter):
    """One IPC file, or with `stream` one IPC stream."""

    def __init__(self, part: Part, compression: Compression, *, stream: bool = False) -> None:
        super().__init__(part)
        self._file = self.begin(".arrow", STREAM_MEDIA_TYPE if stream else FILE_MEDIA_TYPE)
        codec: Literal["zstd"] | None = "zstd" if compression == "zstd" else None
        options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)
        new = pa.ipc.new_stream if stream else pa.ipc.new_file
        self._writer = new(cast("IOBase", self._file.raw), part.schema, options=options)

    def write_group(self, group: pa.Table) -> None:
        self._writer.write_table(in_normal_form(group))

    def end_file(self) -> None:
        self._writer.close()
        self.finish(self._file, self.rows)

    def give_up(self) -> None:
        self._writer.close()
