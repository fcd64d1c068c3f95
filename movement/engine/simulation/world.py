"""The simulated mesh at one moment: sites, stores and versions, and what planning sees of them.

What is so and what is known are kept apart: a site may be away before anybody has noticed, and a
replica rotten before it is read. Versions that stand alike are kept together, so that one answer
of the planner serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from governance.engine.protection import Requirement, merge
from movement.engine.calendar import open_at
from movement.engine.costs import storage_cost
from movement.engine.mesh import LinkView, Mesh, SiteView, StoreView
from movement.engine.placement import Held, Load, Standing
from movement.engine.simulation.scenario import (
    DAY,
    Data,
    LinkSpec,
    PolicySpec,
    Scenario,
    SiteSpec,
    StoreSpec,
)

MONTH = 30 * DAY


class Known(StrEnum):
    """In which state a site is known to be."""

    ONLINE = "online"
    DRAINING = "draining"
    OFFLINE = "offline"
    LOST = "lost"


@dataclass(slots=True)
class Site:
    spec: SiteSpec
    state: Known = Known.ONLINE
    since: float = 0.0
    up: bool = True
    """Whether it is there, known or not."""
    destroyed: bool = False
    gone_at: float = 0.0
    away: int = 0
    """How often it went away, so that the end of an earlier absence does not end a later one."""
    in_window: bool = True
    window_rate: float | None = None

    @property
    def in_contact(self) -> bool:
        return self.up and self.in_window

    def view(self, now: float) -> SiteView:
        """Return what planning knows, as movement.views.site_view says it of a row."""
        in_grace = self.state is Known.OFFLINE and now < self.since + self.spec.grace_seconds
        here = self.state in (Known.ONLINE, Known.DRAINING)
        return SiteView(
            name=self.spec.name,
            kind=self.spec.kind,
            jurisdictions=self.spec.jurisdictions,
            reachable=here and self.in_window,
            accepts=self.state is Known.ONLINE,
            counts=self.state is Known.ONLINE or in_grace,
            draining=self.state is Known.DRAINING,
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """How a version stands: all that planning asks of it but its weight, which its data share."""

    data: int
    tier: str | None
    held: tuple[tuple[str, Held], ...]
    leaving: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Version:
    index: int
    data: int
    name: str
    born: float
    stand: Stand
    held: dict[str, Held] = field(default_factory=dict)
    leaving: dict[str, float] = field(default_factory=dict)
    """Until when a replica that nothing asks for stays."""
    lost: bool = False


class World:
    """All of it. Whoever changes a version here sees its stand follow."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.now = 0.0
        self.data: tuple[Data, ...] = scenario.data
        self.labels = [each.labels for each in scenario.data]
        self.policies: dict[str, PolicySpec] = {p.protection.id: p for p in scenario.policies}
        self.asked: list[Requirement] = []
        self.sites = {spec.name: Site(spec) for spec in scenario.sites}
        self.truth: Mapping[tuple[str, str], LinkSpec] = scenario.links
        self.specs: dict[str, StoreSpec] = {n: s for n, (_, s) in scenario.stores.items()}
        self.site_of = {name: site.name for name, (site, _) in scenario.stores.items()}
        self.answers = dict.fromkeys(self.specs, True)
        self.used = dict.fromkeys(self.specs, 0)
        self.kept_cost = 0.0
        self._kept_since = dict.fromkeys(self.specs, 0.0)
        self.versions: list[Version] = []
        self.stands: dict[Stand, dict[int, None]] = {}
        self.dirty: dict[int, None] = {}
        """The versions that stand otherwise than before the event at hand."""
        self.rotten: dict[tuple[int, str], float] = {}
        """Since when a replica is not what it is taken for."""
        self.epoch = 0
        """Counts the changes of what is known of sites and stores."""
        self.stance: dict[str, tuple[bool, ...]] = {}
        self.mesh = Mesh(
            {},
            {
                pair: LinkView(
                    open=link.open,
                    limit=link.limit,
                    slots=link.slots,
                    cost_per_gb=link.cost_per_gb,
                )
                for pair, link in scenario.links.items()
            },
        )
        for site in self.sites.values():
            self.look_at_window(site)
        self.ask_again()

    # -- sites and stores

    def moment(self) -> datetime:
        return self.scenario.start + timedelta(seconds=self.now)

    def look_at_window(self, site: Site) -> None:
        """Read the calendar of a site anew."""
        opening = open_at(site.spec.windows, self.moment())
        site.in_window = opening is not None
        site.window_rate = None if opening is None else opening.bytes_per_second
        self.refresh(site)

    def refresh(self, site: Site) -> None:
        """Have planning see a site and its stores as they are known now."""
        view = site.view(self.now)
        for spec in site.spec.stores:
            stance = (
                view.reachable, view.accepts, view.counts, view.draining, self.answers[spec.name],
            )  # fmt: skip
            if self.stance.get(spec.name) != stance:
                self.stance[spec.name] = stance
                self.epoch += 1
            self.mesh.stores[spec.name] = StoreView(
                name=spec.name,
                site=view,
                answers=self.answers[spec.name],
                tier=spec.tier,
                free_bytes=self._free(spec.name),
                erasable_days=site.spec.grace_seconds / DAY if site.spec.kind == "mobile" else 0.0,
                cost_gb_month=spec.cost_gb_month,
                cost_1000_puts=spec.cost_1000_puts,
                cost_1000_gets=spec.cost_1000_gets,
            )

    def _free(self, store: str) -> int | None:
        capacity = self.specs[store].capacity
        return None if capacity is None else max(0, capacity - self.used[store])

    def keep(self, store: str, bytes: int) -> None:
        """Note that so many bytes more, or less, lie in a store or are on their way there."""
        self.close_keeping(store)
        self.used[store] += bytes
        if self.specs[store].capacity is not None:
            view = self.mesh.stores[store]
            self.mesh.stores[store] = replace(view, free_bytes=self._free(store))

    def close_keeping(self, store: str) -> None:
        """Reckon what keeping has cost in a store until now."""
        months = (self.now - self._kept_since[store]) / MONTH
        self.kept_cost += storage_cost(self.mesh.stores[store], self.used[store], months)
        self._kept_since[store] = self.now

    # -- what is asked for

    def ask_again(self) -> None:
        """Merge the policies in force for all data anew."""
        self.asked = [
            merge(
                policy.protection
                for policy in self.policies.values()
                if policy.applies_to(data.name, self.labels[n])
            )
            for n, data in enumerate(self.data)
        ]

    def load(self, version: Version) -> Load:
        data = self.data[version.data]
        return Load(data.bytes, data.files, max(0.0, (self.now - version.born) / DAY))

    # -- versions

    def add(self, data: int, number: int) -> Version:
        """Register a version that is published now."""
        index = len(self.versions)
        name = f"{self.data[data].name}/v={number}"
        version = Version(index, data, name, self.now, Stand(data, None, (), ()))
        self.versions.append(version)
        self.stands.setdefault(version.stand, {})[index] = None
        self.restand(version)
        return version

    def forget(self, version: Version) -> None:
        """Take back the version that was added last."""
        members = self.stands[version.stand]
        del members[version.index]
        if not members:
            del self.stands[version.stand]
        self.dirty.pop(version.index, None)
        self.versions.pop()

    def hold(self, version: Version, store: str, held: Held) -> None:
        """Have a store hold a replica, in whatever state."""
        if store not in version.held:
            self.keep(store, self.data[version.data].bytes)
        version.held[store] = held
        self.restand(version)

    def drop(self, version: Version, store: str) -> None:
        """Have a replica be no more."""
        del version.held[store]
        version.leaving.pop(store, None)
        self.rotten.pop((version.index, store), None)
        self.keep(store, -self.data[version.data].bytes)
        self.restand(version)

    def restand(self, version: Version) -> None:
        """Put a version among those that stand as it does now."""
        tier = None
        if self.asked[version.data].tiers_by:
            tier = self.asked[version.data].tier_at(self.load(version).age_days)[0]
        stand = Stand(
            version.data, tier, tuple(sorted(version.held.items())), tuple(sorted(version.leaving))
        )
        self.dirty[version.index] = None
        if stand == version.stand:
            return
        members = self.stands[version.stand]
        del members[version.index]
        if not members:
            del self.stands[version.stand]
        version.stand = stand
        self.stands.setdefault(stand, {})[version.index] = None

    def members(self, stand: Stand) -> list[Version]:
        """Return the versions that stand so, in the order in which they came to."""
        return [self.versions[index] for index in self.stands.get(stand, ())]

    def stands_at(self, site: Site) -> Iterator[tuple[Stand, str]]:
        """Yield how versions stand that have something in a store of a site."""
        stores = {spec.name for spec in site.spec.stores}
        for stand in list(self.stands):
            for store, _ in stand.held:
                if store in stores:
                    yield stand, store

    def good_stores(self, version: Version) -> list[str]:
        return [name for name, held in version.held.items() if held.standing is Standing.GOOD]
