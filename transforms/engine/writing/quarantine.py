"""The rows of a shard that are no rows: always Parquet, whatever the format of the result."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from core.manifest import FileEntry
from transforms.engine.arrow import AnyField, Column
from transforms.engine.reading.records import BadRow
from transforms.engine.sources import ByteSink
from transforms.engine.writing.base import Part
from transforms.engine.writing.parquet import ParquetPart

_GROUP_ROWS = 8192
_FIELDS: list[AnyField] = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("byte_offset", pa.int64(), nullable=False),
    pa.field("raw", pa.binary(), nullable=False),
    pa.field("error", pa.string(), nullable=False),
]
QUARANTINE = pa.schema(_FIELDS)


def write_quarantine(sink: ByteSink, stem: str, bad: Sequence[BadRow]) -> FileEntry:
    """Write the bad rows of a shard, in input order, to `stem` and `.parquet`."""
    columns: list[Column] = [
        pa.array([each.source for each in bad], pa.string()),
        pa.array([each.byte_offset for each in bad], pa.int64()),
        pa.array([each.raw for each in bad], pa.binary()),
        pa.array([each.error for each in bad], pa.string()),
    ]
    part = Part(sink, stem, 0, QUARANTINE, _GROUP_ROWS)
    with ParquetPart(part, "zstd") as writer:
        writer.write(pa.RecordBatch.from_arrays(columns, schema=QUARANTINE))
        (file,) = writer.close()
        return file
