"""Traffic: copies that wait for their turn, take their way, are cut, tried again and proved.

The order and the way are the platform's (`turns`, `routes`); what a link really does is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from uuid import UUID

from movement.engine.costs import requests_for
from movement.engine.placement import Held, Judge, Standing
from movement.engine.routes import Route, routes
from movement.engine.simulation.checker import Checker
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.lanes import Copy, Lanes
from movement.engine.simulation.ledger import Ledger
from movement.engine.simulation.world import Version, World
from movement.engine.turns import Limits, Places, Running, Waiting, slots_after, turns

ROUND_SECONDS = 5.0
HEADS = 16
"""Of each tenant, target and priority, the first so many are looked at in a round."""
FIRST_WAIT, LONGEST_WAIT, JITTER = 5.0, 900.0, 0.2
"""Seconds; as movement.services.transfers waits."""
PRIORITY = 5
SLOWEST = 0.7
"""Of its speed is what an attempt gets of a link at least."""


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
    lanes: Lanes = field(init=False)
    _queues: dict[tuple[str, str, int], dict[int, Copy]] = field(default_factory=dict)
    _failing: Counter[str] = field(default_factory=Counter)
    """By target, the copies that wait to try again."""
    _ways: dict[tuple[str, tuple[str, ...], int], list[Route]] = field(default_factory=dict)
    _ways_of: int = -1
    _count: int = 0
    _ringing: bool = False
    _rung_at: float = -ROUND_SECONDS

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.world, self.clock, self._end)

    # -- queueing

    def queue(
        self, version: Version, target: str, priority: int | None, due_at: float, repair: bool
    ) -> None:
        """Queue a copy. A repair sends the one file that a scrub found broken."""
        data = self.world.data[version.data]
        files = 1 if repair else data.files
        left = max(1, data.bytes // data.files) if repair else data.bytes
        self._queue(version, target, float(left), files, PRIORITY if priority is None else priority,
                    due_at)  # fmt: skip

    def _queue(
        self, version: Version, target: str, left: float, files: int, priority: int, due_at: float,
    ) -> None:  # fmt: skip
        if (version.index, target) in self.copies:
            return
        self._count += 1
        copy = Copy(
            self._count, version, target, left, files, priority, due_at, self.world.now, left=left
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
        if copy.id in self.lanes.running:
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
        return len(self.copies) - len(self.lanes.running)

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
            [
                Running(team[c.version.data], c.target, c.source)
                for c in self.lanes.running.values()
            ],
            limits,
        )
        places = Places(limits)
        for copy in self.lanes.running.values():
            places.take(copy.source, copy.target)
        load = Counter(copy.source for copy in self.lanes.running.values())
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
        copy.attempt += 1
        self.ledger.counts["attempts"] += 1
        self.lanes.enter(copy, source)
        for store in (source, copy.target):
            if not self.world.sites[self.world.site_of[store]].in_contact:
                self._fail(copy)
                self.store_failed(store)
                return
        link = self.lanes.link(copy)
        copy.base_rate = link.rate * self.random.uniform(SLOWEST, 1.0)
        fails = self.random.random() < link.failure_rate
        copy.stop_at = copy.left * self.random.random() if fails else 0.0
        self.lanes.share_out(copy)

    def _halt(self, copy: Copy) -> None:
        """Take a copy off its way; what has arrived is kept, and paid for."""
        sent = self.lanes.leave(copy)
        self.ledger.sent(
            self.lanes.pair(copy), sent, self.world.now, self.lanes.link(copy).cost_per_gb
        )
        self.ring()

    # -- ending

    def _end(self, copy: Copy, turn: int) -> None:
        if copy.turn != turn or copy.id not in self.lanes.running:
            return
        if copy.stop_at > 0:
            self._fail(copy)
            return
        self.lanes.advance(copy)
        copy.left = 0.0
        self.lanes.learn(copy, failed=False)
        self._halt(copy)
        version, source = copy.version, copy.source
        if (version.index, source) in self.world.rotten:
            copy.left = copy.size
            self._wait(copy)
            if version.held[source].standing is Standing.GOOD:
                self.ledger.counts["rot found by reading"] += 1
                self.found_bad(version, source)
            return
        self._arrive(copy)

    def _arrive(self, copy: Copy) -> None:
        version, specs = copy.version, self.world.specs
        self._forget(copy)
        self.ledger.counts["transfers done"] += 1
        self.ledger.counts["deadlines missed"] += copy.since < copy.due_at < self.world.now
        prices = specs[copy.source].cost_1000_gets + specs[copy.target].cost_1000_puts
        self.ledger.request_cost += prices * requests_for(copy.files, round(copy.size)) / 1000
        self.world.rotten.pop((version.index, copy.target), None)
        self.world.hold(version, copy.target, Held(Standing.GOOD, ours=True))
        self.arrived(version)

    def _fail(self, copy: Copy) -> None:
        """Have an attempt fail by no fault of a known absence: it waits longer each time."""
        self.lanes.advance(copy)
        self.lanes.learn(copy, failed=True)
        self._halt(copy)
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
        for copy in list(self.lanes.running.values()):
            if site in self.lanes.pair(copy):
                if known:
                    self.lanes.advance(copy)
                    self._halt(copy)
                    copy.attempt -= 1
                    self.ledger.counts["attempts cut by an absence"] += 1
                    self._wait(copy)
                else:
                    self._fail(copy)

    def pay(self, copy: Copy) -> None:
        """Reckon what a copy that still runs has sent so far."""
        self.lanes.advance(copy)
        price = self.lanes.link(copy).cost_per_gb
        sent = round(copy.begun_left) - round(copy.left)
        self.ledger.sent(self.lanes.pair(copy), sent, self.world.now, price)
