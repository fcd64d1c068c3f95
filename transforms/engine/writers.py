"""Writing parts: the same rows always give the same bytes, however they came in batches."""

from __future__ import annotations

from collections.abc import Sequence
from io import IOBase
from types import TracebackType
from typing import BinaryIO, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from core.digests import FileHasher
from core.manifest import FileEntry
from transforms.engine.arrow import AnyField, Column
from transforms.engine.reading.records import BadRow

PARQUET_MEDIA_TYPE = "application/vnd.apache.parquet"
_BAD_ROW_FIELDS: list[AnyField] = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("byte_offset", pa.int64(), nullable=False),
    pa.field("raw", pa.binary(), nullable=False),
    pa.field("error", pa.string(), nullable=False),
]
QUARANTINE = pa.schema(_BAD_ROW_FIELDS)


class _Hashing:
    """A write-only stream that hashes what it passes on."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.hasher = FileHasher()
        self._stream = stream
        self._abandoned = False

    def write(self, data: bytes) -> int:
        if self._abandoned:
            return len(data)
        self.hasher.update(data)
        return self._stream.write(data)

    def abandon(self) -> None:
        """Take no notice of what is still written: the owner of the stream gives it up."""
        self._abandoned = True

    def tell(self) -> int:
        return self.hasher.bytes

    def flush(self) -> None:
        if not self._abandoned:
            self._stream.flush()

    def close(self) -> None:
        """The owner of the stream closes it."""


class ParquetPart:
    """Writes one Parquet file: zstd level 3, row groups of a fixed number of rows.

    A context: when it ends with an error, the Parquet writer is closed and its footer goes nowhere,
    since pyarrow would write it later, whenever the writer is collected, to a stream long closed.
    """

    def __init__(self, stream: BinaryIO, schema: pa.Schema, group_rows: int) -> None:
        self._stream = _Hashing(stream)
        self._schema = schema
        self._group_rows = group_rows
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self.rows = 0
        texts = [each.name for each in schema if pa.types.is_string(each.type)]
        self._writer = pq.ParquetWriter(
            pa.PythonFile(cast("IOBase", self._stream), mode="w"),
            schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            use_dictionary=texts,  # type: ignore[arg-type]  # the stubs know only True and False
            write_statistics=True,
            data_page_size=1024 * 1024,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._held_rows >= self._group_rows:
            self._write_groups(whole_only=True)

    def _write_groups(self, *, whole_only: bool) -> None:
        table = pa.Table.from_batches(self._held, self._schema)
        cut = table.num_rows - table.num_rows % self._group_rows if whole_only else table.num_rows
        for start in range(0, cut, self._group_rows):
            group = table.slice(start, min(self._group_rows, cut - start)).combine_chunks()
            self._writer.write_table(group, row_group_size=self._group_rows)
        self._held = table.slice(cut).to_batches()
        self._held_rows = table.num_rows - cut

    def abandon(self) -> None:
        """Let go of the file without writing any more; harmless after `close`."""
        self._stream.abandon()
        self._writer.close()

    def close(self, path: str) -> FileEntry:
        """Write what is held and the footer; return the manifest entry of the file."""
        self._write_groups(whole_only=False)
        self._writer.close()
        size = self._stream.hasher.bytes
        sha256, chunks = self._stream.hasher.finish()
        return FileEntry(path, size, sha256, PARQUET_MEDIA_TYPE, self.rows, chunks)


def write_quarantine(stream: BinaryIO, bad: Sequence[BadRow], path: str) -> FileEntry:
    """Write the bad rows of a shard, in input order."""
    columns: list[Column] = [
        pa.array([each.source for each in bad], pa.string()),
        pa.array([each.byte_offset for each in bad], pa.int64()),
        pa.array([each.raw for each in bad], pa.binary()),
        pa.array([each.error for each in bad], pa.string()),
    ]
    with ParquetPart(stream, QUARANTINE, group_rows=8192) as part:
        part.write(pa.RecordBatch.from_arrays(columns, schema=QUARANTINE))
        return part.close(path)
