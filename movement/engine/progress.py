"""How far a copy has come, counted by its threads and read by its heartbeat."""

from __future__ import annotations

import threading

from core.errors import FairmeshError
from movement.engine.outcome import CopyItem, CopyOutcome, CopyState

_AT_TARGET = (CopyState.COPIED, CopyState.PRESENT)


class Progress:
    """Files and bytes that are at the target, and what went wrong first.

    Safe to use from many threads. A part that is sent twice is not counted twice for long: when
    its file ends, the file's own size is what counts.
    """

    def __init__(self, bytes_total: int) -> None:
        self._lock = threading.Lock()
        self._bytes_total = bytes_total
        self._files = self._finished = self._under_way = 0
        self.failures: list[tuple[CopyItem, FairmeshError]] = []

    def add_bytes(self, count: int) -> None:
        with self._lock:
            self._under_way += count

    def add_file(self, outcome: CopyOutcome) -> None:
        with self._lock:
            self._under_way = max(0, self._under_way - outcome.bytes_sent - outcome.bytes_kept)
            if outcome.state in _AT_TARGET:
                self._files += 1
                self._finished += outcome.item.entry.bytes
            elif outcome.error is not None and len(self.failures) < 100:
                self.failures.append((outcome.item, outcome.error))

    def restart(self) -> None:
        """Begin again from another source; what is at the target already is found there."""
        with self._lock:
            self._files = self._finished = self._under_way = 0
            self.failures = []

    def now(self) -> dict[str, int]:
        """Return `files_done` and `bytes_done`, never more than there is."""
        with self._lock:
            done = min(self._bytes_total, self._finished + self._under_way)
            return {"files_done": self._files, "bytes_done": done}
