"""How fast bytes may go: one allowance that all threads of a link share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SAVED_SECONDS = 0.25
"""What was not used is made up for, for so long."""
_LOOK_SECONDS = 0.5
"""A waiting thread sees a new rate, or that it should stop, within this."""
_PIECES_A_SECOND = 16
_PIECE_BYTES_MIN = 4096


def _go_on() -> None:
    return None


class Pace:
    """Lets at most `bytes_per_second` pass, in the order in which threads ask.

    None lets everything pass at once, 0 nothing until the rate is changed. The rate may be changed
    while threads wait: each goes as soon as the new rate allows what it asked for. Costs one lock a
    piece. Over any stretch of time no more passes than the rate, a quarter of a second's worth, and
    the one piece that each thread has in hand.
    """

    def __init__(
        self,
        bytes_per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._rate = bytes_per_second
        self._allowed = self._asked = 0.0
        self._since = clock()

    @property
    def bytes_per_second(self) -> float | None:
        return self._rate

    def change(self, bytes_per_second: float | None) -> None:
        """Set another rate, for those who wait as well."""
        with self._lock:
            self._advance()
            self._rate = bytes_per_second

    def piece_bytes(self, limit: int) -> int:
        """Return how much to ask for at once, so that no connection is silent for long."""
        if self._rate is None:
            return limit
        return min(limit, max(_PIECE_BYTES_MIN, int(self._rate / _PIECES_A_SECOND)))

    def take(self, count: int, stop_if_asked: Callable[[], None] = _go_on) -> None:
        """Wait until `count` bytes may pass; what `stop_if_asked` raises ends the wait."""
        with self._lock:
            self._advance()
            if self._rate is None:
                return
            self._asked += count
            turn = self._asked
        try:
            while (seconds := self._until(turn)) > 0:
                stop_if_asked()
                self._sleep(min(seconds, _LOOK_SECONDS))
        except BaseException:
            with self._lock:
                self._asked -= count
            raise

    def _until(self, turn: float) -> float:
        """Return the seconds until the allowance reaches `turn`, at today's rate."""
        with self._lock:
            self._advance()
            if self._rate is None:
                return 0
            missing = turn - self._allowed
            if missing < 1e-6:
                return 0
            return missing / self._rate if self._rate else _LOOK_SECONDS

    def _advance(self) -> None:
        now = self._clock()
        rate = self._rate or 0.0
        self._allowed += rate * (now - self._since)
        self._since = now
        if self._rate is None:
            self._asked = self._allowed
        self._asked = max(self._asked, self._allowed - rate * _SAVED_SECONDS)
