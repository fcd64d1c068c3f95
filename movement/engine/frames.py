"""Record batches on the wire: an Arrow IPC stream, or JSON lines, piece by piece.

A server may end an answer that failed as if it were whole, and a reader of Arrow takes a stream
without an end for one that ended. So what is cut off says so in the stream itself: by the head of
a message that does not come, or by a line that is no JSON and tells the reason.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import cast

import pyarrow as pa

from core.cells import rows_of
from core.errors import FairmeshError
from movement.engine.preview import as_json

ARROW = "application/vnd.apache.arrow.stream"
JSON_LINES = "application/jsonl"
CUT = b"\xff\xff\xff\xff\x10\x00\x00\x00"
"""The head of a message of 16 bytes: no reader takes its absence for the end."""


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
    """Yield the stream, a piece for its head, one for each batch and one for its end.

    What `batches` raises is raised again, once it is said in the stream.
    """
    outbox = _Outbox()
    writer = pa.ipc.new_stream(cast("io.IOBase", outbox), schema)
    yield outbox.take()
    try:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
            yield outbox.take()
    except Exception:
        yield CUT
        raise
    writer.close()
    yield outbox.take()


def json_lines(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the rows of each batch as lines of JSON; cells are as in a preview, but whole."""
    try:
        for batch in batches:
            rows = (as_json(row, whole=True) for row in rows_of(batch))
            yield b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    except Exception as error:
        told = error.detail if isinstance(error, FairmeshError) else "Something failed on our side."
        yield b"!! cut off: " + told.encode() + b"\n"
        raise
