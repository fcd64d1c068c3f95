"""Readers that may end their process over damaged bytes: each runs in a process of its own.

A program is the module of its name beside this one. The first frame tells it in JSON what is
wanted. It may ask for bytes of the file (`WANTED`, answered by `BYTES`); what else it says is its
caller's to read, up to `DONE`, or `WRONG` with the type of an error: its words may hold data.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from core.errors import Invalid
from transforms.engine import children
from transforms.engine.module_child import ROWS, WRONG, read_frame, write_frame
from transforms.engine.sources import ByteSource

TOLD, WANTED, BYTES, DONE = b"T", b"?", b"B", b"D"
RANGE = struct.Struct("<QQ")
_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from transforms.engine.reading.without_pandas import without_pandas; without_pandas(); "
    "from transforms.engine.reading.{program} import main; main()"
)
_HERE = str(Path(__file__).parents[3])


def frames(
    program: str, path: str, asked: Mapping[str, object], source: ByteSource | None = None
) -> Iterator[tuple[bytes, bytes]]:
    """Yield what a program says, and give it the bytes that it asks for.

    Raises Invalid when the file is damaged. Cost: the start of a process, 0.3 s and more.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _START.format(program=program), _HERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
    )
    to_it, from_it = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        write_frame(to_it, ROWS, json.dumps(asked).encode())  # type: ignore[arg-type]
        while (frame := read_frame(from_it)) is not None:  # type: ignore[arg-type]
            kind, data = frame
            if kind == DONE:
                return
            if kind == WRONG:
                raise damaged(path, data.decode())
            if kind == WANTED and source is not None:
                write_frame(to_it, BYTES, source.read_range(*RANGE.unpack(data)))  # type: ignore[arg-type]
            else:
                yield kind, data
        raise damaged(path, "its reader ended")
    except BrokenPipeError:
        raise damaged(path, "its reader ended") from None
    finally:
        children.end(process)


def damaged(path: str, why: str) -> Invalid:
    return Invalid(f"{path} is damaged ({why}).", path=path)
