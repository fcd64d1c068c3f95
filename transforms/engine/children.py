"""Ending a process that runs what others wrote."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and let go of its streams; harmless when it has ended by itself."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:  # what was not sent yet is for nobody
                continue
