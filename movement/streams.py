"""Places for event streams: each holds a thread of a web process, so there are not many."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self

from core.errors import TooManyStreams

RETRY_SECONDS = 5


class Places:
    """So many streams at once in this process, of which nobody has more than half."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, reader: str, most: int) -> Callable[[], None]:
        """Take a place and return what gives it back; raise TooManyStreams."""
        with self._lock:
            full = self._taken.total() >= most
            if full or self._taken[reader] >= max(1, most // 2):
                raise TooManyStreams(
                    "Every stream of events is taken; ask for the transfers themselves meanwhile."
                    if full
                    else "You read as many streams of events as one may; close one of them.",
                    retry_after=RETRY_SECONDS,
                )
            self._taken[reader] += 1
        return lambda: self._give_back(reader)

    def _give_back(self, reader: str) -> None:
        with self._lock:
            self._taken[reader] -= 1
            self._taken += Counter()  # forgets whoever has none


class Held:
    """Pieces of a stream; its place is free again when it ends, is closed or is forgotten."""

    def __init__(self, pieces: Iterator[bytes], give_back: Callable[[], None]) -> None:
        self._pieces = pieces
        self.close = weakref.finalize(self, give_back)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:  # StopIteration as well: whatever ends it gives the place back
            self.close()
            raise
