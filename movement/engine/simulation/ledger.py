"""The ledger: what a simulated mesh has done, counted as it goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from movement.engine.simulation.scenario import DAY


@dataclass(frozen=True, slots=True)
class Sample:
    """The mesh in one stretch of time: what was worst in it, and how it ended."""

    at: float
    """When it began."""
    short: int
    """The most versions with fewer good copies than policies ask for."""
    lost: int
    sites_away: int
    """The most at once."""
    waiting: int
    bytes: int
    """Moved since the beginning of all."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A version of which no sound copy is left anywhere."""

    at: float
    version: str
    why: str


@dataclass
class Ledger:
    events: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    link_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    day_bytes: Counter[int] = field(default_factory=Counter)
    egress_cost: float = 0.0
    request_cost: float = 0.0
    repaired: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By cause, for how long a version had too few copies."""
    noticed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By cause, for how long nobody knew."""
    short: dict[int, tuple[float, str]] = field(default_factory=dict)
    """Since when a version has too few copies, and why."""
    losses: list[Loss] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """By policies, the placements that planning was refused."""
    samples: list[Sample] = field(default_factory=list)
    chronicle: list[tuple[float, str]] = field(default_factory=list)
    """What happened to sites and policies, in words."""

    def sent(self, link: tuple[str, str], count: int, now: float, price: float) -> None:
        """Note bytes that went over a link, whether or not they were of use."""
        self.link_bytes[link] += count
        self.day_bytes[int(now // DAY)] += count
        self.counts["bytes moved"] += count
        self.egress_cost += price * count / 1_000_000_000

    def note(self, now: float, told: str) -> None:
        self.chronicle.append((now, told))

    def stands(self, index: int, whole: bool, now: float, cause: str) -> None:
        """Note whether a version has all the copies that are asked for."""
        if whole:
            begun = self.short.pop(index, None)
            if begun is not None:
                self.repaired[begun[1]].append(now - begun[0])
        else:
            self.short.setdefault(index, (now, cause))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed. Source: nearest rank"""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
