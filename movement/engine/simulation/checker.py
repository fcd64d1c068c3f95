"""The checker: after every event it holds what was done against what the policies demand.

It plans nothing and asks nobody who plans. See docs/explanation/algorithms/simulator.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from movement.engine.placement import Standing
from movement.engine.simulation.law import broken_rule, is_enough
from movement.engine.simulation.world import Stand, Version, World

MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Violation:
    at: float
    version: str
    store: str
    rule: str
    told: str


@dataclass
class Checker:
    """Counts its checks, and keeps the first violations; each is told once."""

    world: World
    checks: Counter[str] = field(default_factory=Counter)
    events: int = 0
    count: int = 0
    violations: list[Violation] = field(default_factory=list)
    overtaken: dict[tuple[int, str], float] = field(default_factory=dict)
    """Replicas that were lawful when they were made, and since when a newer policy forbids them."""
    overtaken_seconds: list[float] = field(default_factory=list)
    """For how long each such replica stayed until it was removed."""
    _seen: set[tuple[int, str, str, str]] = field(default_factory=set)
    _unlawful: dict[tuple[Stand, int], tuple[tuple[str, str], ...]] = field(default_factory=dict)
    _laws: int = 0

    def policies_changed(self) -> None:
        """Note what a newer policy overtakes: not placed unlawfully, and to be removed."""
        world = self.world
        self._laws += 1
        self._unlawful.clear()
        for stand in world.stands:
            forbidden = {store for store, _ in self._forbidden(stand)}
            for version in world.members(stand):
                for store in version.held:
                    key = (version.index, store)
                    if store in forbidden:
                        self.overtaken.setdefault(key, world.now)
                    else:
                        self.overtaken.pop(key, None)

    def after_event(self, touched: Iterable[int]) -> None:
        """Check that every replica of what has changed lies, or goes, where it may."""
        self.events += 1
        for index in touched:
            version = self.world.versions[index]
            self.checks["places"] += len(version.held)
            for store, rule in self._forbidden(version.stand):
                if (index, store) not in self.overtaken:
                    site = self.world.site_of[store]
                    self._found(version, store, rule, f"A copy lies at {site} or goes there.")
            for store in version.held:
                self.checks["room"] += 1
                capacity = self.world.specs[store].capacity
                if capacity is not None and self.world.used[store] > capacity:
                    self._found(version, store, "capacity", "More lies there than fits.")

    def starting(self, version: Version, stores: Iterable[str]) -> None:
        """Check the places that bytes are about to reach, a stop on the way included."""
        asked = self.world.asked[version.data]
        for store in stores:
            self.checks["ways"] += 1
            if rule := broken_rule(asked, self.world.mesh.stores[store].site):
                self._found(version, store, rule, "Bytes set out for there.")

    def removing(self, version: Version, store: str) -> None:
        """Check that what stays is good, lawful, can be asked for now, and is as much as asked."""
        world, asked = self.world, self.world.asked[version.data]
        self.checks["removals"] += 1
        left = []
        for other, held in version.held.items():
            site = world.sites[world.site_of[other]]
            view = world.mesh.stores[other].site
            if (
                other != store
                and held.standing is Standing.GOOD
                and view.counts
                and site.in_contact
                and broken_rule(asked, view) is None
            ):
                left.append(view)
        if not is_enough(asked, left):
            told = f"{len({view.name for view in left})} good copies in contact stay."
            self._found(version, store, "copies", told)
        if asked.legal_hold:
            self._found(version, store, "legal_hold", "It was held.")
        since = self.overtaken.pop((version.index, store), None)
        if since is not None:
            self.overtaken_seconds.append(world.now - since)

    def called_off(self, version: Version, store: str) -> None:
        """Note that a copy that a newer policy forbids was stopped."""
        self.overtaken.pop((version.index, store), None)

    def _forbidden(self, stand: Stand) -> tuple[tuple[str, str], ...]:
        key = (stand, self._laws)
        found = self._unlawful.get(key)
        if found is None:
            asked = self.world.asked[stand.data]
            rules = (
                (store, broken_rule(asked, self.world.mesh.stores[store].site))
                for store, _ in stand.held
            )
            found = tuple((store, rule) for store, rule in rules if rule is not None)
            self._unlawful[key] = found
        return found

    def _found(self, version: Version, store: str, rule: str, told: str) -> None:
        key = (version.index, store, rule, told)
        if key in self._seen:
            return
        self._seen.add(key)
        self.count += 1
        if len(self.violations) < MOST_TOLD:
            self.violations.append(Violation(self.world.now, version.name, store, rule, told))
