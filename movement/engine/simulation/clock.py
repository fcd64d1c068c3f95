"""The simulated clock: what happens next, in the order of time, and of making within one moment."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

Act = Callable[[], None]


@dataclass
class Clock:
    """Holds what is to come. The same entries give the same order."""

    now: float = 0.0
    _count: int = 0
    _coming: list[tuple[float, int, str, Act]] = field(default_factory=list)

    def at(self, moment: float, cause: str, act: Act) -> None:
        """Have `act` happen at a moment, or now if that is over; `cause` says why, for people."""
        self._count += 1
        heapq.heappush(self._coming, (max(moment, self.now), self._count, cause, act))

    def after(self, seconds: float, cause: str, act: Act) -> None:
        self.at(self.now + seconds, cause, act)

    def next(self, until: float) -> tuple[str, Act] | None:
        """Go to the next event before `until` and return it; None when there is none."""
        if not self._coming or self._coming[0][0] >= until:
            return None
        self.now, _, cause, act = heapq.heappop(self._coming)
        return cause, act
