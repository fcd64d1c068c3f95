"""A run of a scenario: events in the order of their time, and a check after each of them.

The same scenario and seed give the same outcome. See docs/explanation/algorithms/simulator.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from movement.engine.calendar import next_opening, open_at
from movement.engine.placement import Held, Standing
from movement.engine.simulation.checker import Checker
from movement.engine.simulation.clock import Clock
from movement.engine.simulation.keeper import Keeper, Rules
from movement.engine.simulation.ledger import Ledger, Loss, Sample
from movement.engine.simulation.mishaps import Mishaps
from movement.engine.simulation.scenario import DAY, HOUR, Happening, Scenario
from movement.engine.simulation.sites import SiteWatch
from movement.engine.simulation.traffic import Traffic
from movement.engine.simulation.world import Known, Stand, Version, World

SAMPLES = 120
ROT, PUBLICATION, POLICY = "rot", "publication", "policy changed"


@dataclass(frozen=True)
class Outcome:
    scenario: Scenario
    seed: int
    days: float
    world: World
    ledger: Ledger
    checker: Checker


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    days: float | None = None,
    rules: Rules | None = None,
) -> Outcome:
    """Return what becomes of a mesh within so many days.

    Costs about a millisecond for each plan that is not at rest, whatever the files and bytes;
    memory grows with versions, not with files.
    """
    chosen = scenario.seed if seed is None else seed
    run = _Run(scenario, chosen, days or scenario.days, rules or Rules())
    run.begin()
    run.go_on()
    return run.outcome()


class _Run:
    def __init__(self, scenario: Scenario, seed: int, days: float, rules: Rules) -> None:
        self.scenario, self.seed, self.days = scenario, seed, days
        self.until = days * DAY
        self.world, self.clock, self.ledger = World(scenario), Clock(), Ledger()
        self.checker = Checker(self.world)
        self.traffic = Traffic(
            self.world, self.clock, self.ledger, self.checker, Random(f"{seed}/links"),
            lambda version: self.keeper.judge(version), self._arrived, self._found_bad,
            lambda store: self.sites.store_failed(store),
        )  # fmt: skip
        self.keeper = Keeper(self.world, self.clock, self.ledger, self.checker, self.traffic, rules)
        self.sites = SiteWatch(
            self.world, self.clock, self.ledger, self.traffic, self.keeper, self._check_losses
        )
        self.mishaps = Mishaps(
            self.world, self.clock, seed, partial(self.sites.go_away, known=False),
            self.sites.destroy, self._rot,
        )  # fmt: skip
        self._scrubs = Random(f"{seed}/scrubs")
        self._cause = ""
        self._whole: dict[Stand, bool] = {}
        self._seen: tuple[int, int] = (-1, -1)
        self._laws = 0
        self._sampled_at, self._most_short, self._most_away = 0.0, 0, 0

    # -- the course of events

    def begin(self) -> None:
        """Publish what is there from the beginning, and foresee the rest."""
        arrivals = Random(f"{self.seed}/arrivals")
        for n, data in enumerate(self.scenario.data):
            for number in range(1, data.versions + 1):
                if data.over_seconds == 0:
                    version = self._publish(n, number)
                    if version is None:
                        self.ledger.counts["versions without a place"] += 1
                    else:
                        self.keeper.place_at_rest(version)
                else:
                    moment = arrivals.uniform(0, data.over_seconds)
                    self.clock.at(moment, PUBLICATION, partial(self._arrive_new, n, number))
        for each in self.scenario.happenings:
            self.clock.at(each.at, _cause_of(each), partial(self._happen, each))
        for site in self.world.sites.values():
            if site.spec.windows:
                self._window(site.spec.name)
        self.mishaps.begin()
        self.clock.after(DAY, "a day", self._day)
        self.clock.after(self._step, "sample", self._sample)
        self.keeper.look_over()
        self._settle("the beginning")

    def go_on(self) -> None:
        while (event := self.clock.next(self.until)) is not None:
            self.world.now = self.clock.now
            self._cause, act = event
            self.ledger.events[self._cause] += 1
            act()
            self._settle(self._cause)

    def outcome(self) -> Outcome:
        self.clock.now = self.world.now = self.until
        for copy in list(self.traffic.lanes.running.values()):
            self.traffic.pay(copy)
        for store in self.world.specs:
            self.world.close_keeping(store)
        self._take_sample()
        return Outcome(self.scenario, self.seed, self.days, self.world, self.ledger, self.checker)

    def _settle(self, cause: str) -> None:
        """Check what the event has done, and note which versions have too few copies now."""
        touched = list(self.world.dirty)
        self.world.dirty.clear()
        self.checker.after_event(touched)
        now = self.world.now
        for index in touched:
            version = self.world.versions[index]
            if not version.lost:
                self.ledger.stands(index, self.keeper.is_whole(version.stand), now, cause)
        if self._seen != (self.world.epoch, self._laws):
            self._settle_all(cause)
        if cause.startswith("site"):
            self._most_away = max(self._most_away, self._away())
        self._most_short = max(self._most_short, len(self.ledger.short))

    def _settle_all(self, cause: str) -> None:
        """Note the same of all versions, since sites or policies are not what they were."""
        now = self.world.now
        self._seen = (self.world.epoch, self._laws)
        whole = {stand: self.keeper.is_whole(stand) for stand in self.world.stands}
        for stand, enough in whole.items():
            if self._whole.get(stand) != enough:
                for version in self.world.members(stand):
                    if not version.lost:
                        self.ledger.stands(version.index, enough, now, cause)
        self._whole = whole

    # -- versions

    def _publish(self, data: int, number: int) -> Version | None:
        """Publish a version at the first of its sites that can take it; None when none can now."""
        at = self.scenario.data[data].at
        size = self.scenario.data[data].bytes
        version = None
        for step in range(len(at)):
            site = self.world.sites[at[(number - 1 + step) % len(at)]]
            if not site.up or site.state is not Known.ONLINE:
                continue
            version = version or self.world.add(data, number)
            judge = self.keeper.judge(version)
            for spec in site.spec.stores:
                view = self.world.mesh.stores[spec.name]
                if judge(view).allow and (view.free_bytes is None or view.free_bytes >= size):
                    self.world.hold(version, spec.name, Held(Standing.GOOD))
                    self.ledger.counts["versions published"] += 1
                    return version
        if version is not None:
            self.world.forget(version)
        return None

    def _arrive_new(self, data: int, number: int) -> None:
        version = self._publish(data, number)
        if version is None:
            self.ledger.counts["publications put off"] += 1
            self.clock.after(HOUR, PUBLICATION, partial(self._arrive_new, data, number))
        else:
            self.keeper.look_at(version)

    def _arrived(self, version: Version) -> None:
        self.keeper.look_at(version)
        self.traffic.ring()

    # -- rot

    def _rot(self, index: int, store: str) -> None:
        now = self.world.now
        self.world.rotten[index, store] = now
        self.ledger.counts["replicas rotten"] += 1
        self._check_losses([self.world.versions[index]])
        wait = self._scrubs.uniform(0, self.scenario.scrub_seconds)
        self.clock.after(wait, ROT, partial(self._scrub, index, store, now))

    def _scrub(self, index: int, store: str, since: float) -> None:
        """Read a replica that has been rotten since then, unless that is over already."""
        version = self.world.versions[index]
        held = version.held.get(store)
        if self.world.rotten.get((index, store)) != since or held is None:
            return
        if held.standing is not Standing.GOOD or not self.sites.is_there(store):
            self.clock.after(DAY, ROT, partial(self._scrub, index, store, since))
            return
        self.ledger.counts["rot found by scrubs"] += 1
        self.keeper.scrubbed.add((index, store))
        self._found_bad(version, store)

    def _found_bad(self, version: Version, store: str) -> None:
        self._cause = ROT
        since = self.world.rotten.get((version.index, store), self.world.now)
        self.ledger.noticed[ROT].append(self.world.now - since)
        held = version.held[store]
        self.world.hold(version, store, Held(Standing.BAD, held.ours, held.foreign))
        if not version.lost:
            whole = self.keeper.is_whole(version.stand)
            self.ledger.stands(version.index, whole, self.world.now, ROT)
        self.keeper.look_at(version)

    def _check_losses(self, versions: list[Version]) -> None:
        """Note the versions of which no sound copy is left."""
        for version in versions:
            if version.lost or any(self._is_sound(version, store) for store in version.held):
                continue
            version.lost = True
            self.ledger.short.pop(version.index, None)
            told = [self._why(version, store) for store in sorted(version.held)]
            why = "; ".join(each for each in told if each)
            self.ledger.losses.append(Loss(self.world.now, version.name, why))

    def _is_sound(self, version: Version, store: str) -> bool:
        return not self._why(version, store)

    def _why(self, version: Version, store: str) -> str:
        """Say why the copy in a store is no sound one; nothing for one that is."""
        if (version.index, store) in self.traffic.copies:
            return f"the copy to {store} had not arrived"
        site = self.world.sites[self.world.site_of[store]]
        if site.destroyed:
            return f"{site.spec.name} was destroyed"
        since = self.world.rotten.get((version.index, store))
        return "" if since is None else f"the copy in {store} rotted on day {since / DAY:.1f}"

    # -- what the scenario says, and the time itself

    def _happen(self, each: Happening) -> None:
        if each.policy is not None:
            self.world.policies[each.policy.protection.id] = each.policy
            self.ledger.note(self.world.now, f"policy {each.policy.protection.id} comes into force")
        elif each.withdraw:
            self.world.policies.pop(each.withdraw, None)
            self.ledger.note(self.world.now, f"policy {each.withdraw} is withdrawn")
        elif each.data:
            n = next(n for n, data in enumerate(self.world.data) if data.name == each.data)
            self.world.labels[n] = each.labels
            told = ", ".join(sorted(each.labels)) or "none"
            self.ledger.note(self.world.now, f"labels of {each.data} are now: {told}")
        else:
            for name in each.sites:
                self._become(name, each)
            return
        self._laws += 1
        self.keeper.policies_changed()

    def _become(self, name: str, each: Happening) -> None:
        site = self.world.sites[name]
        acts: dict[str, Callable[[], None]] = {
            "offline": lambda: self.sites.go_away(site, each.seconds, known=True),
            "draining": lambda: self.sites.drain(site),
            "online": lambda: self.sites.back(site, site.away),
            "destroyed": lambda: self.sites.destroy(site),
        }
        acts[each.becomes]()

    def _window(self, name: str) -> None:
        """Follow the calendar of a site, and foresee its next turn."""
        site = self.world.sites[name]
        self.sites.turn_window(site)
        now = self.world.moment()
        opening = open_at(site.spec.windows, now)
        turn = next_opening(site.spec.windows, now) if opening is None else opening.until
        if turn is not None:
            seconds = (turn - self.scenario.start).total_seconds()
            self.clock.at(seconds, "window", partial(self._window, name))

    def _day(self) -> None:
        """Look at what grows old: versions whose age asks for another tier."""
        for version in self.world.versions:
            if self.world.asked[version.data].tiers_by:
                self.world.restand(version)
        self.keeper.look_over()
        self.clock.after(DAY, "a day", self._day)

    @property
    def _step(self) -> float:
        return max(HOUR, self.until / SAMPLES)

    def _sample(self) -> None:
        self._take_sample()
        self.clock.after(self._step, "sample", self._sample)

    def _take_sample(self) -> None:
        """Note the worst since the last sample, so that no peak falls between two."""
        self.ledger.samples.append(
            Sample(
                self._sampled_at, self._most_short, len(self.ledger.losses), self._most_away,
                self.traffic.waiting, self.ledger.counts["bytes moved"],
            )
        )  # fmt: skip
        self._sampled_at = self.world.now
        self._most_short, self._most_away = len(self.ledger.short), self._away()

    def _away(self) -> int:
        gone = (Known.OFFLINE, Known.LOST)
        return sum(not site.up or site.state in gone for site in self.world.sites.values())


def _cause_of(each: Happening) -> str:
    if each.becomes:
        return {"draining": "site drained", "destroyed": "site destroyed"}.get(
            each.becomes, f"site {'back' if each.becomes == 'online' else 'away'}"
        )
    return POLICY
