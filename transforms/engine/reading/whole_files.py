"""Folders of images, sounds or documents: each file is one row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column
from transforms.engine.reading.records import Read

PATH, BYTES = "path", "bytes"
MOST_BYTES = 2**31 - 1
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
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Invalid(f"{path} has more than 2 GiB, too much for one row.", path=path)
    values: dict[str, Column] = {
        PATH: pa.array([path], pa.string()),
        BYTES: pa.array([data], pa.binary()),
    }
    columns = [values[field.name].cast(field.type) for field in schema]
    yield Read(pa.RecordBatch.from_arrays(columns, schema=schema), (), 1)
