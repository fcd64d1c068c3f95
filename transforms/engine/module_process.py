"""The parent's side of `module_child`: one process, given batch after batch, killed when late."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from core.errors import Invalid
from transforms.engine import children, module_child
from transforms.engine.module_child import ROWS, from_stream, read_frame, to_stream, write_frame

SECONDS = 120.0
"""What one batch may take."""


class ModuleProcess:
    """A module at work. Raises Invalid when it fails, is late, or takes its process down."""

    def __init__(
        self, module: str, code: str, parameters: Mapping[str, object], seconds: float = SECONDS
    ) -> None:
        self._module, self._seconds = module, seconds
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(module_child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
        )
        self._stop = weakref.finalize(self, children.end, self._process)
        told = {"module": module, "code": code, "parameters": dict(parameters)}
        self._send(json.dumps(told).encode())

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
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
                f"The operator module {self._module!r} {why}; look for loops without an end and "
                "for what it holds in memory.",
                module=self._module,
            )
        kind, data = frame
        if kind != ROWS:
            self.close()
            told = data.decode(errors="replace").strip()
            raise Invalid(
                f"The operator module {self._module!r} failed: {told}", module=self._module
            )
        return from_stream(data)

    def close(self) -> None:
        self._stop()

    def _send(self, data: bytes) -> None:
        try:
            write_frame(cast("IO[bytes]", self._process.stdin), ROWS, data)  # type: ignore[arg-type]
        except BrokenPipeError:
            return  # it ended; what it said last, or that it said nothing, is read instead
