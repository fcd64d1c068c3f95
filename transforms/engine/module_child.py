"""Runs the `apply` of a module, in a process of its own.

This file is a program. It is started in an isolated interpreter with an empty environment, so the
module sees nothing of the platform's settings, and can import what is installed beside it. The
first frame is JSON: the module's name and code, the parameters, and the seconds that a batch may
take. Every frame after that is an Arrow stream of one batch, and is answered by one; what is wrong
is answered as a frame of JSON: its type, its words, and the lines it came from. A frame is its kind
(one letter) and its length, then its bytes.
"""

from __future__ import annotations

import io
import json
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

MEMORY_BYTES = 4 * 1024**3
HEAD = struct.Struct("<cQ")
ROWS, WRONG = b"R", b"W"
_MODULE_NAME = "fairmesh_operator"


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Return kind and bytes of the next frame; None at the end of the stream."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    data = stream.read(length)
    return (kind, data) if len(data) == length else None


def write_frame(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    stream.write(HEAD.pack(kind, len(data)))
    stream.write(data)
    stream.flush()


def to_stream(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def from_stream(data: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


def _answer(
    apply: Callable[..., object], data: bytes, parameters: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    """Return the module's rows, or what went wrong in it: whatever it raises is the module's."""
    try:
        made = apply(from_stream(data), **parameters)
        if not isinstance(made, pa.RecordBatch):
            message = f"it returned {type(made).__name__}, not a RecordBatch"
            return WRONG, json.dumps({"kind": message, "words": "", "lines": ""}).encode()
        return ROWS, to_stream(made)
    except Exception as error:  # noqa: BLE001 - the edge: a module may raise anything
        return WRONG, _told(error)


def _told(error: Exception) -> bytes:
    places = traceback.extract_tb(error.__traceback__)[1:][-2:]  # the first one is this file's
    lines = ", ".join(f"{each.filename}:{each.lineno} in {each.name}" for each in places)
    told = {"kind": type(error).__name__, "words": str(error), "lines": lines}
    return json.dumps(told).encode()


def main() -> None:
    """Serve until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what the module prints is no answer
    first = read_frame(source)
    if first is None:
        return
    told = json.loads(first[1])
    names: dict[str, Any] = {"__name__": _MODULE_NAME}
    try:
        exec(compile(told["code"], f"{told['module']}.py", "exec"), names)  # noqa: S102 - installed by the operator
        apply = names["apply"]
    except Exception as error:  # noqa: BLE001 - as in `_answer`
        write_frame(target, WRONG, _told(error))
        return
    while (frame := read_frame(source)) is not None:
        signal.alarm(told["seconds"])  # ends the process even where nobody is left to do it
        answer = _answer(apply, frame[1], told["parameters"])
        signal.alarm(0)
        write_frame(target, *answer)


if __name__ == "__main__":
    main()
