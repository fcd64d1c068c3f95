"""Reads an ORC file, in a process of its own: its reader may end the process over damaged bytes.

This file is the child's side. The first frame tells in JSON what is wanted: the size of the file,
stripes and columns. The bytes of the file are asked for piece by piece (`WANTED`, then `BYTES`).
The answer is `TOLD`, the number of stripes and the schema; then `ROWS`, a batch in each; then
`DONE`, or `WRONG` with the type of the error: its words may hold a piece of the data.
"""

from __future__ import annotations

import json
import resource
import signal
import struct
import sys
from typing import BinaryIO

import pyarrow as pa
import pyarrow.orc

from core.positions import PositionedFile
from transforms.engine.module_child import (
    MEMORY_BYTES,
    ROWS,
    WRONG,
    read_frame,
    to_stream,
    write_frame,
)
from transforms.engine.reading.child import DONE, RANGE, TOLD, WANTED

COUNT = struct.Struct("<Q")
BATCH_ROWS = 8192
SECONDS = 120
"""What one stripe may take."""
DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError)


class _Asked(PositionedFile):
    """The file: its bytes are the parent's."""

    def __init__(self, source: BinaryIO, target: BinaryIO, size: int) -> None:
        super().__init__(size)
        self._source, self._target = source, target

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        write_frame(self._target, WANTED, RANGE.pack(self._at, wanted))
        frame = read_frame(self._source)
        if frame is None:
            raise EOFError("Nobody is left to read for.")
        self._at += len(frame[1])
        return frame[1]


def _answer(source: BinaryIO, target: BinaryIO) -> None:
    first = read_frame(source)
    if first is None:
        return
    asked = json.loads(first[1])
    stream = _Asked(source, target, asked["size"])
    file = pyarrow.orc.ORCFile(pa.PythonFile(stream, mode="r"))
    told = COUNT.pack(file.nstripes) + file.schema.serialize().to_pybytes()
    write_frame(target, TOLD, told)
    for stripe in asked["stripes"]:
        signal.alarm(SECONDS)
        batch = file.read_stripe(stripe, columns=asked["columns"])
        batch.validate(full=True)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            write_frame(target, ROWS, to_stream(batch.slice(start, BATCH_ROWS)))
    write_frame(target, DONE, b"")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.alarm(SECONDS)  # ends the process even where nobody is left to do it
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        _answer(source, target)
    except DAMAGED as error:
        write_frame(target, WRONG, type(error).__name__.encode())
