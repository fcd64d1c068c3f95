"""The parent's side of `chat_sandbox`: one process, asked row by row, killed when it is late."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

from core.errors import Invalid
from transforms.engine import chat_sandbox, children

SECONDS = 10.0
"""What one row may take; templates take microseconds."""
_CHUNK = 1 << 16


class ChatProcess:
    """A template at work. Raises Invalid when a row is late or takes the process down."""

    def __init__(
        self, template: str, names: Mapping[str, object], limit: int, seconds: float = SECONDS
    ) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(chat_sandbox.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        self._held = b""
        self._stop = weakref.finalize(self, children.end, self._process)
        told = {"template": template, "names": dict(names), "limit": limit}
        self._send({**told, "seconds": math.ceil(seconds) + 1})

    def render(self, messages: object) -> tuple[str | None, str | None]:
        """Return the text of a row, or why there is none."""
        self._send(messages)
        told = json.loads(self._line())
        return told.get("text"), told.get("reason")

    def close(self) -> None:
        self._stop()

    def _send(self, value: object) -> None:
        line = json.dumps(value, default=str).encode() + b"\n"
        stream = cast("IO[bytes]", self._process.stdin)
        try:
            stream.write(line)
            stream.flush()
        except BrokenPipeError as error:
            raise self._lost() from error

    def _line(self) -> bytes:
        """Return the next line of the process."""
        until = time.monotonic() + self._seconds
        number = cast("IO[bytes]", self._process.stdout).fileno()
        while b"\n" not in self._held:
            ready, _, _ = select.select([number], [], [], max(until - time.monotonic(), 0))
            if not ready:
                self.close()
                raise Invalid(
                    f"The chat template took more than {self._seconds:g} seconds over one row. "
                    "Look for loops in it that have no end."
                )
            chunk = os.read(number, _CHUNK)
            if not chunk:
                raise self._lost()
            self._held += chunk
        line, _, self._held = self._held.partition(b"\n")
        return line

    def _lost(self) -> Invalid:
        self.close()
        return Invalid("The chat template took its process down; it wants too much memory.")
