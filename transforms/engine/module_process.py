"""The parent's side of `module_child`: one process, given batch after batch, killed when late."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from core.errors import Invalid
from transforms.engine import children, module_child
from transforms.engine.module_child import ROWS, from_stream, read_frame, to_stream, write_frame

SECONDS = 120.0
"""What one batch may take."""


@dataclass(frozen=True)
class Raised(Exception):
    """What the module raised over a batch. Its words may hold a piece of the data."""

    kind: str
    words: str
    lines: str
    """The last two places in the code."""


class ModuleProcess:
    """A module at work. Raises Invalid when it is late or takes its process down."""

    def __init__(
        self,
        module: str,
        code: str,
        parameters: Mapping[str, object],
        seconds: float = SECONDS,
        *,
        known_as: str = "",
    ) -> None:
        self._module, self._seconds = module, seconds
        self._known_as = known_as or f"The operator module {module!r}"
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(module_child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
        )
        self._stop = weakref.finalize(self, children.end, self._process)
        told = {
            "module": module,
            "code": code,
            "parameters": dict(parameters),
            "seconds": math.ceil(seconds) + 1,
        }
        self._send(json.dumps(told).encode())

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return what the module makes of a batch; raises Raised."""
        late = threading.Timer(self._seconds, self._process.kill)
        late.start()
        try:
            self._send(to_stream(batch))
            frame = read_frame(cast("IO[bytes]", self._process.stdout))  # type: ignore[arg-type]
        finally:
            was_late = not late.is_alive()
            late.cancel()
        if frame is None:
            self.close()
            why = f"took more than {self._seconds:g} seconds over a batch" if was_late else "ended"
            raise Invalid(
                f"{self._known_as} {why}; look for loops without an end and for what it holds in "
                "memory.",
                module=self._module,
            )
        kind, data = frame
        if kind != ROWS:
            raise Raised(**json.loads(data))
        return from_stream(data)

    def close(self) -> None:
        self._stop()

    def _send(self, data: bytes) -> None:
        try:
            write_frame(cast("IO[bytes]", self._process.stdin), ROWS, data)  # type: ignore[arg-type]
        except BrokenPipeError:
            return  # it ended; what it said last, or that it said nothing, is read instead
