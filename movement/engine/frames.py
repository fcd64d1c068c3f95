"""Record batches on the wire: an Arrow IPC stream, or JSON lines, piece by piece.

An Arrow stream that came to its end ends with END; one that was cut off does not.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import cast

import pyarrow as pa

from movement.engine.preview import as_json

ARROW = "application/vnd.apache.arrow.stream"
JSON_LINES = "application/jsonl"
END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class _Outbox(io.RawIOBase):
    """Holds what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(cast("bytes", data))
        self._held.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._held = b"".join(self._held), []
        return taken


def arrow_frames(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the stream, a piece for its head, one for each batch and one for its end."""
    outbox = _Outbox()
    writer = pa.ipc.new_stream(cast("io.IOBase", outbox), schema)
    yield outbox.take()
    for batch in batches:
        writer.write_batch(batch.replace_schema_metadata(schema.metadata))
        yield outbox.take()
    writer.close()
    yield outbox.take()


def json_lines(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the rows of each batch as lines of JSON; cells are as in a preview, but whole."""
    for batch in batches:
        rows = (as_json(row, whole=True) for row in batch.to_pylist())
        yield b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
