"""Mishaps: sites that go away, sites that are gone for good, replicas that rot; drawn from a seed.

Each site and each kind of mishap has its own stream of chances, so that one more site changes
nothing for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from movement.engine.placement import Standing
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.scenario import DAY, HOUR
from movement.engine.simulation.world import Site, World

SLOTS = 8
"""Rot draws a version and one of so many places, of which most are empty and then nothing rots."""


@dataclass
class Mishaps:
    world: World
    clock: Clock
    seed: int
    outage: Callable[[Site, float], None]
    """Called with a site and for how many seconds it is away."""
    destroy: Callable[[Site], None]
    rot: Callable[[int, str], None]

    def begin(self) -> None:
        """Draw the first of everything."""
        for site in self.world.sites.values():
            if site.spec.outage_every_days is not None:
                self._next_outage(site, self._stream("outages", site.spec.name))
            if site.spec.destroyed_every_days is not None:
                days = self._stream("destroyed", site.spec.name).expovariate(
                    1 / site.spec.destroyed_every_days
                )
                self.clock.at(days * DAY, "site destroyed", partial(self.destroy, site))
        if any(spec.rot_every_days is not None for spec in self.world.specs.values()):
            self._next_rot(self._stream("rot", ""))

    def _stream(self, kind: str, name: str) -> Random:
        return Random(f"{self.seed}/{kind}/{name}")

    def _next_outage(self, site: Site, random: Random) -> None:
        assert site.spec.outage_every_days is not None
        wait = random.expovariate(1 / site.spec.outage_every_days) * DAY
        seconds = random.expovariate(1 / (site.spec.outage_hours * HOUR))

        def happen() -> None:
            self.outage(site, seconds)
            self._next_outage(site, random)

        self.clock.after(wait, "site away", happen)

    def _next_rot(self, random: Random) -> None:
        """Draw the next rot at the highest rate of any store, and thin it out by the store's own.

        Source: Lewis and Shedler, thinning of Poisson processes (1979).
        """
        rates = [s.rot_every_days for s in self.world.specs.values() if s.rot_every_days]
        fastest = 1 / min(rates)
        count = max(1, len(self.world.versions))
        wait = random.expovariate(count * SLOTS * fastest) * DAY
        index, slot, chance = random.randrange(count), random.randrange(SLOTS), random.random()

        def happen() -> None:
            self._rot(index, slot, chance * fastest)
            self._next_rot(random)

        self.clock.after(wait, "rot", happen)

    def _rot(self, index: int, slot: int, below: float) -> None:
        if index >= len(self.world.versions):
            return
        version = self.world.versions[index]
        held = sorted(version.held)
        if slot >= len(held) or (index, held[slot]) in self.world.rotten:
            return
        store = held[slot]
        days = self.world.specs[store].rot_every_days
        site = self.world.sites[self.world.site_of[store]]
        good = version.held[store].standing is Standing.GOOD
        if days is not None and below < 1 / days and good and not site.destroyed:
            self.rot(index, store)
