"""Folders of images, sounds or documents: each file is one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column, concat_batches
from transforms.engine.reading.records import Read
from transforms.engine.sources import READ_BYTES

PATH, BYTES = "path", "bytes"
MOST_BYTES = 256 * 1024 * 1024
"""A few kilobytes that are compressed may hold any number."""
_MOST_ROWS = 4096
_FIELDS: list[AnyField] = [
    pa.field(PATH, pa.string(), nullable=False),
    pa.field(BYTES, pa.binary(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)


def read_whole(path: str, stream: BinaryIO, schema: pa.Schema) -> Iterator[Read]:
    """Yield the one row of a file. Memory: the file. Raises Invalid when it has 2 GiB or more."""
    if unknown := [name for name in schema.names if name not in SCHEMA.names]:
        raise Invalid(
            f"A file that is one row has the columns path and bytes, not {', '.join(unknown)}.",
            path=path,
        )
    data = b"".join(_chunks(path, stream))
    values: dict[str, Column] = {
        PATH: pa.array([path], pa.string()),
        BYTES: pa.array([data], pa.binary()),
    }
    columns = [values[field.name].cast(field.type) for field in schema]
    yield Read(pa.RecordBatch.from_arrays(columns, schema=schema), (), 1)


def _chunks(path: str, stream: BinaryIO) -> Iterator[bytes]:
    size = 0
    while chunk := stream.read(READ_BYTES):
        size += len(chunk)
        if size > MOST_BYTES:
            raise Invalid(f"{path} has more than 256 MiB, too much for one row.", path=path)
        yield chunk


def together(rows: Iterable[Read]) -> Iterator[Read]:
    """Yield the same rows, many in one batch: about 4 MiB, or a larger file alone."""
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    for row in rows:
        if held and (held_bytes + row.batch.nbytes > READ_BYTES or len(held) == _MOST_ROWS):
            yield _joined(held)
            held, held_bytes = [], 0
        held.append(row.batch)
        held_bytes += row.batch.nbytes
    if held:
        yield _joined(held)


def _joined(held: list[pa.RecordBatch]) -> Read:
    return Read(concat_batches(held), (), len(held))
