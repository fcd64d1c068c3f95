"""How fast a transfer goes: between two beats while it runs, and what an attempt has sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Speed:
    """Adds the rate since the last beat to what a heartbeat writes. Safe to use from threads."""

    def __init__(self, progress: Callable[[], dict[str, int]]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._at, self._bytes = time.monotonic(), 0
        self._sent = 0

    def now(self) -> dict[str, float]:
        """Return the progress, and `bytes_per_second` since this was last asked.

        Another source begins at nothing again: then the rate is 0, never less.
        """
        figures, at = self._progress(), time.monotonic()
        done, passed = figures["bytes_done"], at - self._at
        rate = max(0, done - self._bytes) / passed if passed > 0 else 0.0
        self._at, self._bytes = at, done
        return {**figures, "bytes_per_second": rate}

    def add(self, sent: int) -> None:
        """Count bytes that were sent, not those that lay there."""
        with self._lock:
            self._sent += sent

    def take_sent(self) -> int:
        """Return what was counted since this was last asked."""
        with self._lock:
            sent, self._sent = self._sent, 0
            return sent
