"""Placement: what should be, less what is, gives a plan that explains itself.

Pure: requirement, mesh, replicas and verdicts in; plan out. The same input gives the same plan.
See docs/explanation/algorithms/reconciler.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.engine.protection import Requirement
from movement.engine.mesh import GB, Mesh, StoreView

SITE_ORDER = {"core": 0, "edge": 1, "mobile": 2}
HORIZON_MONTHS = 12
"""A copy is as dear as its way there and so many months of keeping it."""

_By = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on placing the product in a store."""

    allow: bool
    policies: tuple[str, ...] = ()
    reason: str = ""


class Standing(StrEnum):
    """How a replica stands, as far as planning cares."""

    GOOD = "good"
    COMING = "coming"
    """Queued or on its way: it counts as a copy, and backs no removal of another."""
    BAD = "bad"
    """Corrupt, missing or suspect: it does not count, and its store may be chosen again."""


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A replica that is there, or is coming."""

    standing: Standing
    ours: bool = False
    """The reconciler had it made, so it may have it removed when nobody wants it any more."""
    foreign: bool = False
    """Its objects were registered where they lay: they are never ours to remove."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A copy that a pin, a subscription or demand asks for: in one store, or at one site."""

    by: str
    reason: str
    site: str = ""
    store: str = ""
    priority: int | None = None

    def met_by(self, store: StoreView) -> bool:
        return store.name == self.store if self.store else store.site.name == self.site


class Step(StrEnum):
    KEEP = "keep"
    COPY = "copy"
    REFUSE = "refuse"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a plan: what happens at a store, who asks for it and why."""

    step: Step
    store: str
    policies: tuple[str, ...]
    reason: str
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The lines, and what is asked for that no store can give."""

    items: tuple[Item, ...]
    unmet: str | None

    def of(self, step: Step) -> list[Item]:
        return [item for item in self.items if item.step is step]


@dataclass(frozen=True, slots=True)
class Load:
    """What a version weighs, and for how long it has been there."""

    bytes: int = 0
    files: int = 0
    age_days: float = 0.0

    def monthly(self, store: StoreView) -> float:
        """Return what keeping it in `store` costs a month."""
        return self.bytes / GB * store.cost_gb_month

    def price(self, store: StoreView) -> float:
        """Return what a copy in `store` costs over the horizon, its writing included."""
        return self.monthly(store) * HORIZON_MONTHS + self.files / 1000 * store.cost_1000_puts


Judge = Callable[[StoreView], Verdict]


@dataclass(frozen=True)
class Question:
    """All that is known of one version: what is asked for it, and what is there."""

    requirement: Requirement
    mesh: Mesh
    held: Mapping[str, Held]
    """By store: the replicas that are there, or are coming."""
    judge: Judge
    wishes: Sequence[Wish] = ()
    load: Load = Load()
    shunned: frozenset[str] = frozenset()
    """Stores that wait for a person, since a copy there failed or was called off."""


def place(question: Question) -> Plan:
    """Plan the copies of one version, and nothing about removing any.

    Copies count by distinct site. A store whose verdict is a denial is refused and passed over;
    refusals are part of the plan only when the store would otherwise have been chosen. Of the
    stores that will do, the cheapest are chosen: no choice of as many sites and jurisdictions
    costs less.
    """
    return _Placing(question).plan()


class _Placing:
    """The plan of one version as it is made."""

    def __init__(self, question: Question) -> None:
        self._asked, self._load = question.requirement, question.load
        self._judge, self._wishes = question.judge, question.wishes
        self._verdicts: dict[str, Verdict] = {}
        self._tier, self._tier_by = self._asked.tier_at(self._load.age_days)
        self._items: list[Item] = []
        self._missing: list[str] = []
        self._dear = False
        stores, held = question.mesh.stores, question.held
        self._stores = stores.values()
        self._chosen = [
            stores[name]
            for name in sorted(held)
            if held[name].standing is not Standing.BAD
            and name in stores
            and stores[name].counts
            and suits(self._asked, stores[name])
            and self._permits(stores[name])
        ]
        here = {store.name for store in self._chosen}
        for name in sorted(here):
            self._items.append(Item(Step.KEEP, name, (), "A replica is there."))
        coming = {name for name in held if held[name].standing is not Standing.BAD}
        self._candidates = sorted(
            (
                store
                for store in stores.values()
                if store.accepts
                and store.name not in coming
                and store.name not in question.shunned
                and (store.free_bytes is None or store.free_bytes >= self._load.bytes)
                and suits(self._asked, store)
            ),
            key=self._preference,
        )

    def _preference(self, store: StoreView) -> tuple[bool, bool, float, int, str, str]:
        """Return what sorts candidates: those that answer, of the tier, the cheapest first."""
        return (
            not store.answers,
            self._tier is not None and store.tier != self._tier,
            self._load.price(store),
            SITE_ORDER.get(store.site.kind, len(SITE_ORDER)),
            store.site.name,
            store.name,
        )

    def plan(self) -> Plan:
        for site, policy in self._asked.sites_by:
            self._at(site, (policy,), f"{policy} wants a copy at {site}.")
        for wish in self._wishes:
            self._grant(wish)
        self._spread()
        if self._tier is not None:
            self._age()
        unmet = self._asked.contradiction or self._told()
        return Plan(tuple(self._items), unmet)

    # -- what is asked for

    def _at(self, site: str, by: _By, reason: str) -> None:
        if any(store.site.name == site for store in self._chosen):
            return
        there = [store for store in self._candidates if store.site.name == site]
        if not any(self._choose(store, by, reason) for store in there):
            self._missing.append(f"a copy at {site}{self._told_of(_is_at(site))}")

    def _grant(self, wish: Wish) -> None:
        if any(wish.met_by(store) for store in self._chosen):
            return
        there = [store for store in self._candidates if wish.met_by(store)]
        if not any(self._choose(store, (wish.by,), wish.reason, wish.priority) for store in there):
            where = f"in {wish.store}" if wish.store else f"at {wish.site}"
            self._missing.append(f"a copy {where}{self._told_of(wish.met_by)}")

    def _told_of(self, is_asked: Callable[[StoreView], bool]) -> str:
        """Return why no copy goes there now; empty when that is not for the site's state."""
        sites = [store.site for store in self._stores if is_asked(store)]
        if not sites or any(site.accepts for site in sites):
            return ""
        if any(site.draining for site in sites):
            return ", which is being emptied"
        return ", which is away and gets it when it is back"

    def _spread(self) -> None:
        """Choose stores until there are enough sites under enough jurisdictions."""
        asked = self._asked
        for store in self._new_sites():
            if asked.jurisdictions == 1 or len(self._jurisdictions()) >= asked.jurisdictions:
                break
            if jurisdiction_of(store) not in self._jurisdictions():
                wanted = f"{asked.jurisdictions} different jurisdictions"
                told = f"{wanted}, {len(self._jurisdictions())} so far."
                self._choose(store, asked.jurisdictions_by, told)
        for store in self._new_sites():
            if len(self._sites()) >= asked.places:
                break
            wanted = f"{asked.places} copies at distinct sites"
            if asked.object_lock_days:
                wanted += f", locked for {asked.object_lock_days} days"
            by = asked.places_by or asked.object_lock_by
            self._choose(store, by, f"{wanted}, {len(self._sites())} so far.")
        if (found := len(self._sites())) < asked.places:
            self._missing.append(f"{asked.places} copies at distinct sites (only {found} possible)")
        elif (found := len(self._jurisdictions())) < asked.jurisdictions:
            self._missing.append(f"{asked.jurisdictions} jurisdictions (only {found} possible)")

    def _age(self) -> None:
        """Choose stores of the tier that this age asks for, until they are enough by themselves."""
        told = f"After so long a copy lies in a store of the tier {self._tier}."
        for store in self._candidates:
            if len(self._sites(self._tier)) >= self._asked.places:
                return
            if store.tier == self._tier and store.site.name not in self._sites(self._tier):
                self._choose(store, self._tier_by, told)
        if len(self._sites(self._tier)) < self._asked.places:
            self._missing.append(f"{self._asked.places} copies in stores of the tier {self._tier}")

    # -- choosing

    def _new_sites(self) -> Iterable[StoreView]:
        """Yield the candidates whose sites have no copy yet when their turn comes."""
        for store in self._candidates:
            if store.site.name not in self._sites():
                yield store

    def _choose(self, store: StoreView, by: _By, reason: str, priority: int | None = None) -> bool:
        if store in self._chosen:
            return True
        asked_before = store.name in self._verdicts
        if not self._permits(store):
            if not asked_before:
                verdict = self._verdicts[store.name]
                self._items.append(Item(Step.REFUSE, store.name, verdict.policies, verdict.reason))
            return False
        if self._is_too_dear(store):
            return False
        first = max((p for p in (priority, self._asked.priority) if p is not None), default=None)
        self._items.append(Item(Step.COPY, store.name, by, reason, first))
        self._chosen.append(store)
        return True

    def _permits(self, store: StoreView) -> bool:
        if store.name not in self._verdicts:
            self._verdicts[store.name] = self._judge(store)
        return self._verdicts[store.name].allow

    def _is_too_dear(self, store: StoreView) -> bool:
        budget = self._asked.budget_per_month
        if budget is None:
            return False
        spent = sum(self._load.monthly(each) for each in [*self._chosen, store])
        self._dear = self._dear or spent > budget
        return spent > budget

    # -- what there is

    def _sites(self, tier: str | None = None) -> set[str]:
        return {s.site.name for s in self._chosen if tier is None or s.tier == tier}

    def _jurisdictions(self) -> set[str]:
        return {jurisdiction_of(store) for store in self._chosen}

    def _told(self) -> str | None:
        if not self._missing:
            return None
        told = f"No permitted store gives {' and '.join(self._missing)}."
        if self._dear:
            by = ", ".join(self._asked.budget_by)
            told += f" More would cost over {self._asked.budget_per_month:g} a month, by {by}."
        return told


def _is_at(site: str) -> Callable[[StoreView], bool]:
    return lambda store: store.site.name == site


def suits(requirement: Requirement, store: StoreView) -> bool:
    """Say whether a store can do what is asked of each copy: be locked, be erased soon enough."""
    days = requirement.erasable_within_days
    soon = days is None or store.erasable_days <= days
    return soon and (store.locks or not requirement.object_lock_days)


def jurisdiction_of(store: StoreView) -> str:
    """Return the narrowest jurisdiction of a store's site; a site without one is its own."""
    codes = store.site.jurisdictions
    return codes[0] if codes else f"site {store.site.name}"
