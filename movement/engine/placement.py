"""Placement: what should be, less what is, gives a plan that explains itself.

Pure: requirement, stores, replicas and verdicts in; plan out. The same input gives the same plan.
See docs/explanation/algorithms/reconciler.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.engine.protection import Requirement

SITE_ORDER = {"core": 0, "edge": 1, "mobile": 2}


@dataclass(frozen=True, slots=True)
class StoreView:
    """What placement knows of a store."""

    name: str
    site: str
    site_kind: str
    jurisdictions: frozenset[str]
    usable: bool
    """False while its site is draining, off-line or lost: nothing new is placed there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on placing the product in a store."""

    allow: bool
    policies: tuple[str, ...] = ()
    reason: str = ""


class Step(StrEnum):
    KEEP = "keep"
    COPY = "copy"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a plan: what happens at a store, who asks for it and why."""

    step: Step
    store: str
    policies: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The lines, and what the policies ask for that no store can give."""

    items: tuple[Item, ...]
    unmet: str | None

    def of(self, step: Step) -> list[Item]:
        return [item for item in self.items if item.step is step]


def place(
    requirement: Requirement,
    stores: Sequence[StoreView],
    held: Mapping[str, bool],
    judge: Callable[[StoreView], Verdict],
) -> Plan:
    """Plan the copies of one version.

    `held` maps the stores that have a replica, or are getting one, to whether it may count.
    Copies count by distinct site. A store whose verdict is a denial is refused and passed over;
    refusals are part of the plan only when the store would otherwise have been chosen.
    """
    by_name = {store.name: store for store in stores}
    items = [
        Item(Step.KEEP, name, (), "A replica is there.") for name in sorted(held) if held[name]
    ]
    sites = {by_name[name].site for name in held if held[name] and name in by_name}
    candidates = sorted(
        (store for store in stores if store.usable and not held.get(store.name)),
        key=lambda store: (SITE_ORDER.get(store.site_kind, 9), store.site, store.name),
    )
    verdicts: dict[str, Verdict] = {}

    def choose(store: StoreView, policies: tuple[str, ...], reason: str) -> bool:
        if store.name not in verdicts:
            verdicts[store.name] = judge(store)
            verdict = verdicts[store.name]
            if verdict.allow:
                items.append(Item(Step.COPY, store.name, policies, reason))
                sites.add(store.site)
            else:
                items.append(Item(Step.REFUSE, store.name, verdict.policies, verdict.reason))
        return verdicts[store.name].allow

    missing: list[str] = []
    for site, policy in requirement.sites_by:
        if site in sites:
            continue
        there = [store for store in candidates if store.site == site]
        if not any(
            choose(store, (policy,), f"{policy} wants a copy at {site}.") for store in there
        ):
            missing.append(f"a copy at {site}")
    for store in candidates:
        if len(sites) >= requirement.copies:
            break
        if store.site not in sites:
            wanted = f"{requirement.copies} copies at distinct sites"
            choose(store, requirement.copies_by, f"{wanted}, {len(sites)} so far.")
    if len(sites) < requirement.copies:
        missing.append(
            f"{requirement.copies} copies at distinct sites (only {len(sites)} possible)"
        )
    unmet = requirement.contradiction or (
        f"No permitted store gives {' and '.join(missing)}." if missing else None
    )
    return Plan(tuple(items), unmet)
