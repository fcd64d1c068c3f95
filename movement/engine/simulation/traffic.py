"""Traffic: copies that wait for their turn, take their way, are cut, tried again and proved.

The order and the way are the platform's (`turns`, `routes`); what a link really does is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from random import Random
from uuid import UUID

from movement.engine.costs import requests_for
from movement.engine.placement import Held, Judge, Standing
from movement.engine.routes import LEG_SECONDS, Route, routes
from movement.engine.simulation.checker import Checker
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.ledger import Ledger
from movement.engine.simulation.scenario import LinkSpec
from movement.engine.simulation.world import Version, World
from movement.engine.turns import NEVER, Limits, Places, Running, Waiting, slots_after, turns

ROUND_SECONDS = 5.0
HEADS = 16
"""Of each tenant, target and priority, the first so many are looked at in a round."""
FIRST_WAIT, LONGEST_WAIT, JITTER = 5.0, 900.0, 0.2
"""Seconds; as movement.services.transfers waits."""
PRIORITY = 5
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
    left: float
    files: int
    priority: int
    due_at: float
    since: float
    hop: bool = False
    attempt: int = 0
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
class Traffic:
    world: World
    clock: Clock
    ledger: Ledger
    checker: Checker
    random: Random
    judge_of: Callable[[Version], Judge]
    arrived: Callable[[Version], None]
    """Called when a version has one good copy more."""
    found_bad: Callable[[Version, str], None]
    """Called when the copy that was read from turns out rotten."""
    store_failed: Callable[[str], None]
    copies: dict[tuple[int, str], Copy] = field(default_factory=dict)
    """All that wait or run, by version and target."""
    running: dict[int, Copy] = field(default_factory=dict)
    _queues: dict[tuple[str, str, int], dict[int, Copy]] = field(default_factory=dict)
    _failing: Counter[str] = field(default_factory=Counter)
    """By target, the copies that wait to try again."""
    _ways: dict[tuple[str, tuple[str, ...], int], list[Route]] = field(default_factory=dict)
    _ways_of: int = -1
    _count: int = 0
    _ringing: bool = False
    _rung_at: float = -ROUND_SECONDS

    # -- queueing

    def queue(
        self, version: Version, target: str, priority: int | None, due_at: float, repair: bool
    ) -> None:
        """Queue a copy. A repair sends the one file that a scrub found broken."""
        data = self.world.data[version.data]
        files = 1 if repair else data.files
        left = max(1, data.bytes // data.files) if repair else data.bytes
        self._queue(version, target, float(left), files, PRIORITY if priority is None else priority,
                    due_at, hop=False)  # fmt: skip

    def _queue(  # noqa: PLR0913 - the columns of one row
        self, version: Version, target: str, left: float, files: int, priority: int, due_at: float,
        *, hop: bool,
    ) -> None:  # fmt: skip
        if (version.index, target) in self.copies:
            return
        self._count += 1
        copy = Copy(
            self._count, version, target, left, files, priority, due_at, self.world.now, hop
        )
        self.copies[version.index, target] = copy
        self.world.hold(version, target, Held(Standing.COMING, ours=True))
        self._wait(copy)

    def _wait(self, copy: Copy) -> None:
        self._queues.setdefault(self._key(copy), {})[copy.id] = copy
        self.ring()

    def _key(self, copy: Copy) -> tuple[str, str, int]:
        return self.world.data[copy.version.data].team, copy.target, copy.priority

    def _unqueue(self, copy: Copy) -> None:
        self._queues.get(self._key(copy), {}).pop(copy.id, None)

    def call_off(self, copy: Copy) -> None:
        """Stop a copy for good and remove what it had sent."""
        if copy.id in self.running:
            self._halt(copy)
        self._forget(copy)
        self.ledger.counts["transfers called off"] += 1
        self.world.drop(copy.version, copy.target)

    def _forget(self, copy: Copy) -> None:
        del self.copies[copy.version.index, copy.target]
        copy.turn += 1
        self._unqueue(copy)

    @property
    def waiting(self) -> int:
        return len(self.copies) - len(self.running)

    def is_busy(self, version: Version) -> bool:
        return any((version.index, store) in self.copies for store in version.held)

    # -- turns

    def ring(self) -> None:
        """Have a round soon, and one only."""
        if not self._ringing:
            self._ringing = True
            self.clock.at(self._rung_at + ROUND_SECONDS, "turns", self._round)

    def _round(self) -> None:
        self._ringing, self._rung_at = False, self.world.now
        asked = {each.id: each for each in self._heads()}
        if not asked:
            return
        limits = self._limits()
        team = {n: data.team for n, data in enumerate(self.world.data)}
        answer = turns(
            [self._waiting(copy, team[copy.version.data]) for copy in asked.values()],
            [Running(team[c.version.data], c.target, c.source) for c in self.running.values()],
            limits,
        )
        places = Places(limits)
        for copy in self.running.values():
            places.take(copy.source, copy.target)
        load = Counter(copy.source for copy in self.running.values())
        for each in answer.start:
            self._start(asked[each.int], places, load)
        if answer.start:
            self.ring()

    def _heads(self) -> Iterator[Copy]:
        for (_, target, _), queue in list(self._queues.items()):
            if queue and self.world.mesh.stores[target].site.reachable:
                yield from islice(self._ready(list(queue.values())), HEADS)

    def _ready(self, queue: list[Copy]) -> Iterator[Copy]:
        """Yield the copies with a direct way; the stops that others need are seen to."""
        for copy in queue:
            found = self._routes(copy)
            if found and found[0].hop is None:
                yield copy
            elif found:
                self._go_over(copy, str(found[0].hop))

    def _waiting(self, copy: Copy, team: str) -> Waiting:
        return Waiting(
            UUID(int=copy.id), team, copy.target,
            tuple(route.source for route in self._routes(copy)), round(copy.left), copy.since,
            copy.priority, copy.due_at,
        )  # fmt: skip

    def _limits(self) -> Limits:
        slots = {
            name: slots_after(spec.slots, self._failing[name])
            for name, spec in self.world.specs.items()
        }
        return Limits(
            self.world.site_of,
            {name: count for name, count in slots.items() if count is not None},
            {pair: link.slots for pair, link in self.world.truth.items() if link.slots},
        )

    def _routes(self, copy: Copy) -> list[Route]:
        """Return the ways of a copy as of what is known of sites; alike ones are asked for once."""
        if self._ways_of != self.world.epoch:
            self._ways.clear()
            self._ways_of = self.world.epoch
        sources = tuple(sorted(self.world.good_stores(copy.version)))
        key = (copy.target, sources, copy.version.data)
        if key not in self._ways:
            self._ways[key] = self._ask(copy, sources, None)
        return self._ways[key]

    def _ask(self, copy: Copy, sources: tuple[str, ...], load: Counter[str] | None) -> list[Route]:
        judge, mesh = self.judge_of(copy.version), self.world.mesh
        data = self.world.data[copy.version.data]
        return routes(
            mesh, sources, copy.target, data.bytes, data.files,
            lambda name: judge(mesh.stores[name]).allow, load,
        )  # fmt: skip

    def _go_over(self, copy: Copy, stop: str) -> None:
        """Queue a copy to the stop, once; when it is there the way is direct."""
        if stop not in copy.version.held:
            data = self.world.data[copy.version.data]
            self.ledger.counts["copies over a third site"] += 1
            self._queue(
                copy.version, stop, float(data.bytes), data.files, copy.priority, copy.due_at,
                hop=True,
            )  # fmt: skip

    # -- going

    def _start(self, copy: Copy, places: Places, load: Counter[str]) -> None:
        sources = tuple(sorted(self.world.good_stores(copy.version)))
        found = [route.source for route in self._ask(copy, sources, load)]
        source, _ = places.way(found, copy.target) if found else (None, None)
        if source is None:
            return
        places.take(source, copy.target)
        load[source] += 1
        self._unqueue(copy)
        self.checker.starting(copy.version, [copy.target])
        copy.source, copy.attempt = source, copy.attempt + 1
        copy.begun_at = copy.told_at = self.world.now
        copy.begun_left = copy.left
        self.ledger.counts["attempts"] += 1
        self.running[copy.id] = copy
        for store in (source, copy.target):
            if not self.world.sites[self.world.site_of[store]].in_contact:
                self._fail(copy)
                self.store_failed(store)
                return
        link = self._link(copy)
        copy.base_rate = link.rate * self.random.uniform(0.7, 1.0)
        fails = self.random.random() < link.failure_rate
        copy.stop_at = copy.left * self.random.random() if fails else 0.0
        self._reprice(copy)

    def _pair(self, copy: Copy) -> tuple[str, str]:
        return self.world.site_of[copy.source], self.world.site_of[copy.target]

    def _link(self, copy: Copy) -> LinkSpec:
        source, target = self._pair(copy)
        return _WITHIN if source == target else self.world.truth.get((source, target), _UNDECLARED)

    def _reprice(self, changed: Copy) -> None:
        """Share out anew what limits a copy has in common with others, and foresee the ends."""
        pair = self._pair(changed)
        sites = {name for name in pair if self.world.sites[name].window_rate is not None}
        shared = self._link(changed).limit is not None
        for copy in list(self.running.values()):
            other = self._pair(copy)
            if copy is changed or (shared and other == pair) or not sites.isdisjoint(other):
                self.adjust(copy)

    def adjust(self, copy: Copy) -> None:
        """Hold a copy to its share of its link and of the windows of both sites."""
        self._advance(copy)
        pair = self._pair(copy)
        shares = [copy.base_rate]
        limit = self._link(copy).limit
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
        self.clock.after(seconds, "transfers", lambda: self._end(copy, turn))

    def _count_running(self, within: Callable[[tuple[str, str]], bool]) -> int:
        return max(1, sum(within(self._pair(copy)) for copy in self.running.values()))

    def _advance(self, copy: Copy) -> None:
        seconds = self.world.now - copy.told_at
        copy.left = max(copy.stop_at, copy.left - copy.rate * seconds)
        copy.told_at = self.world.now

    def _halt(self, copy: Copy) -> None:
        """Take a copy off its way; what has arrived is kept, and paid for."""
        self._advance(copy)
        copy.turn += 1
        del self.running[copy.id]
        pair, price = self._pair(copy), self._link(copy).cost_per_gb
        self.ledger.sent(pair, round(copy.begun_left - copy.left), self.world.now, price)
        copy.rate = 0.0
        self._reprice_after(copy)
        self.ring()

    def _reprice_after(self, gone: Copy) -> None:
        if self._link(gone).limit is not None or any(
            self.world.sites[name].window_rate is not None for name in self._pair(gone)
        ):
            pair = self._pair(gone)
            for copy in list(self.running.values()):
                if not set(pair).isdisjoint(self._pair(copy)):
                    self.adjust(copy)

    def _learn(self, copy: Copy, failed: bool) -> None:
        """Move what is known of a link by what this attempt was like."""
        pair = self._pair(copy)
        view = self.world.mesh.links.get(pair)
        if view is None or pair[0] == pair[1]:
            return
        seconds, sent = self.world.now - copy.begun_at, copy.begun_left - copy.left
        rate = view.rate
        if sent >= 1_000_000 and seconds > 0:
            rate = sent / seconds if rate is None else rate + LEARNT * (sent / seconds - rate)
        share = view.failure_rate + LEARNT * (float(failed) - view.failure_rate)
        self.world.mesh.links[pair] = replace(view, rate=rate, failure_rate=share)

    # -- ending

    def _end(self, copy: Copy, turn: int) -> None:
        if copy.turn != turn or copy.id not in self.running:
            return
        if copy.stop_at > 0:
            self._fail(copy)
            return
        self._advance(copy)
        copy.left = 0.0
        self._learn(copy, failed=False)
        self._halt(copy)
        version, source = copy.version, copy.source
        if (version.index, source) in self.world.rotten:
            self.ledger.counts["rot found by reading"] += 1
            copy.left = float(self.world.data[version.data].bytes)
            self._wait(copy)
            self.found_bad(version, source)
            return
        self._arrive(copy)

    def _arrive(self, copy: Copy) -> None:
        version, specs = copy.version, self.world.specs
        self._forget(copy)
        self.ledger.counts["transfers done"] += 1
        self.ledger.counts["deadlines missed"] += copy.since < copy.due_at < self.world.now
        prices = specs[copy.source].cost_1000_gets + specs[copy.target].cost_1000_puts
        count = requests_for(copy.files, self.world.data[version.data].bytes)
        if copy.files < self.world.data[version.data].files:
            count = requests_for(1, round(copy.begun_left))
        self.ledger.request_cost += prices * count / 1000
        self.world.rotten.pop((version.index, copy.target), None)
        self.world.hold(version, copy.target, Held(Standing.GOOD, ours=True))
        self.arrived(version)

    def _fail(self, copy: Copy) -> None:
        """Have an attempt fail by no fault of a known absence: it waits longer each time."""
        self._advance(copy)
        self._learn(copy, failed=True)
        self._halt(copy)
        copy.stop_at = 0.0
        self.ledger.counts["attempts failed"] += 1
        pause = min(FIRST_WAIT * 2 ** min(copy.attempt - 1, 12), LONGEST_WAIT)
        self._failing[copy.target] += 1
        seconds = pause * self.random.uniform(1 - JITTER, 1 + JITTER)
        self.clock.after(seconds, "transfers", lambda: self._again(copy))

    def _again(self, copy: Copy) -> None:
        self._failing[copy.target] -= 1
        if self.copies.get((copy.version.index, copy.target)) is copy:
            self._wait(copy)

    def cut(self, site: str, known: bool) -> None:
        """Cut what runs from or to a site. A known absence is no attempt."""
        for copy in list(self.running.values()):
            if site in self._pair(copy):
                if known:
                    self._advance(copy)
                    self._halt(copy)
                    copy.attempt -= 1
                    copy.stop_at = 0.0
                    self.ledger.counts["attempts cut by an absence"] += 1
                    self._wait(copy)
                else:
                    self._fail(copy)

    def adjust_at(self, site: str) -> None:
        """Have what passes a site follow a new speed."""
        for copy in list(self.running.values()):
            if site in self._pair(copy):
                self.adjust(copy)

    def pay(self, copy: Copy) -> None:
        """Reckon what a copy that still runs has sent so far."""
        self._advance(copy)
        price = self._link(copy).cost_per_gb
        sent = round(copy.begun_left - copy.left)
        self.ledger.sent(self._pair(copy), sent, self.world.now, price)


def _passes(site: str, pair: tuple[str, str]) -> bool:
    return site in pair


def due_at(born: float, minutes: int | None) -> float:
    """Return by when the copies of a version should stand."""
    return NEVER if minutes is None else born + minutes * 60
