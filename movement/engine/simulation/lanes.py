"""Lanes: how fast the copies under way go, as they share links and the windows of sites.

What a link really is comes from the scenario; what attempts show of it is what planning knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from movement.engine.routes import LEG_SECONDS
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.scenario import LinkSpec
from movement.engine.simulation.world import Version, World
from movement.engine.turns import NEVER

LEARNT = 0.25
"""How far one attempt moves what is known of a link."""
_WITHIN = LinkSpec(rate=200_000_000.0)
_UNDECLARED = LinkSpec()


@dataclass(slots=True, eq=False)
class Copy:
    """One transfer."""

    id: int
    version: Version
    target: str
    size: float
    """Of what it sends: all of a version, or the one file that is to be repaired."""
    files: int
    priority: int
    due_at: float
    since: float
    attempt: int = 0
    left: float = 0.0
    source: str = ""
    """While it runs."""
    stop_at: float = 0.0
    """How many bytes are left when this attempt fails; 0 for one that does not."""
    rate: float = 0.0
    base_rate: float = 0.0
    told_at: float = 0.0
    begun_at: float = 0.0
    begun_left: float = 0.0
    turn: int = 0
    """Raised whenever the end that was foreseen is not right any more."""


@dataclass
class Lanes:
    """The copies under way."""

    world: World
    clock: Clock
    end: Callable[[Copy, int], None]
    """Called when a copy should be at its end, unless its `turn` is another by then."""
    running: dict[int, Copy] = field(default_factory=dict)

    def enter(self, copy: Copy, source: str) -> None:
        copy.source = source
        copy.begun_at = copy.told_at = self.world.now
        copy.begun_left = copy.left
        self.running[copy.id] = copy

    def leave(self, copy: Copy) -> int:
        """Take a copy off its way; return what it sent since it entered."""
        self.advance(copy)
        copy.turn += 1
        del self.running[copy.id]
        copy.rate = copy.stop_at = 0.0
        self._share_out_after(copy)
        return round(copy.begun_left) - round(copy.left)

    def pair(self, copy: Copy) -> tuple[str, str]:
        return self.world.site_of[copy.source], self.world.site_of[copy.target]

    def link(self, copy: Copy) -> LinkSpec:
        source, target = self.pair(copy)
        return _WITHIN if source == target else self.world.truth.get((source, target), _UNDECLARED)

    def share_out(self, changed: Copy) -> None:
        """Share out anew what limits a copy has in common with others, and foresee the ends."""
        pair = self.pair(changed)
        sites = {name for name in pair if self.world.sites[name].window_rate is not None}
        shared = self.link(changed).limit is not None
        for copy in list(self.running.values()):
            other = self.pair(copy)
            if copy is changed or (shared and other == pair) or not sites.isdisjoint(other):
                self.adjust(copy)

    def adjust(self, copy: Copy) -> None:
        """Hold a copy to its share of its link and of the windows of both sites."""
        self.advance(copy)
        pair = self.pair(copy)
        shares = [copy.base_rate]
        limit = self.link(copy).limit
        if limit is not None:
            shares.append(limit / self._count_running(lambda other: other == pair))
        for name in set(pair):
            most = self.world.sites[name].window_rate
            if most is not None:
                shares.append(most / self._count_running(partial(_passes, name)))
        rate = min(shares)
        if copy.turn and rate == copy.rate:
            return
        copy.rate = rate
        copy.turn += 1
        turn = copy.turn
        seconds = LEG_SECONDS + max(0.0, copy.left - copy.stop_at) / max(copy.rate, 1.0)
        self.clock.after(seconds, "transfers", lambda: self.end(copy, turn))

    def _count_running(self, within: Callable[[tuple[str, str]], bool]) -> int:
        return max(1, sum(within(self.pair(copy)) for copy in self.running.values()))

    def advance(self, copy: Copy) -> None:
        seconds = self.world.now - copy.told_at
        copy.left = max(copy.stop_at, copy.left - copy.rate * seconds)
        copy.told_at = self.world.now

    def _share_out_after(self, gone: Copy) -> None:
        if self.link(gone).limit is not None or any(
            self.world.sites[name].window_rate is not None for name in self.pair(gone)
        ):
            pair = self.pair(gone)
            for copy in list(self.running.values()):
                if not set(pair).isdisjoint(self.pair(copy)):
                    self.adjust(copy)

    def adjust_at(self, site: str) -> None:
        """Have what passes a site follow a new speed."""
        for copy in list(self.running.values()):
            if site in self.pair(copy):
                self.adjust(copy)

    def learn(self, copy: Copy, failed: bool) -> None:
        """Move what is known of a link by what this attempt was like."""
        pair = self.pair(copy)
        view = self.world.mesh.links.get(pair)
        if view is None or pair[0] == pair[1]:
            return
        seconds, sent = self.world.now - copy.begun_at, copy.begun_left - copy.left
        rate = view.rate
        if sent >= 1_000_000 and seconds > 0:
            rate = sent / seconds if rate is None else rate + LEARNT * (sent / seconds - rate)
        share = view.failure_rate + LEARNT * (float(failed) - view.failure_rate)
        self.world.mesh.links[pair] = replace(view, rate=rate, failure_rate=share)


def _passes(site: str, pair: tuple[str, str]) -> bool:
    return site in pair


def due_at(born: float, minutes: int | None) -> float:
    """Return by when the copies of a version should stand."""
    return NEVER if minutes is None else born + minutes * 60
