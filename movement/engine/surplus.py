"""Surplus: which replicas may go, so that what stays is still all that is asked for.

Pure, like placement, and asked after it. Nothing is named here unless enough good copies remain
that can be asked for right now, at sites in contact, in stores that answer: a copy that is coming,
away or under suspicion never backs the removal of another. See
docs/explanation/algorithms/reconciler.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from movement.engine.mesh import StoreView
from movement.engine.placement import Item, Question, Standing, Step, jurisdiction_of, suits


def surplus(question: Question) -> list[Item]:
    """Return a REMOVE line for each replica that may go, the first to go first.

    Three kinds may go: one where it is forbidden to lie, one at a site that is being emptied, and
    one that the reconciler had made and that nothing asks for any more. A replica whose objects
    were registered where they lie, or in a store that cannot be asked now, stays.
    """
    held, load, mesh = question.held, question.load, question.mesh
    tier, _ = question.requirement.tier_at(load.age_days)
    here = {name: mesh.stores[name] for name in sorted(held) if name in mesh.stores}
    verdicts = {name: question.judge(store) for name, store in here.items()}
    kept = [
        store
        for name, store in here.items()
        if held[name].standing is Standing.GOOD
        and store.vouches
        and suits(question.requirement, store)
        and verdicts[name].allow
    ]

    def gone(store: StoreView) -> Item | None:
        mine = held[store.name]
        if mine.foreign or mine.standing is Standing.COMING or not store.site.reachable:
            return None
        verdict = verdicts[store.name]
        if not verdict.allow:
            return Item(Step.REMOVE, store.name, verdict.policies, verdict.reason)
        if store.trusted and store.site.draining:
            return Item(Step.REMOVE, store.name, (), f"The site {store.site.name} is emptied.")
        if mine.ours and store.trusted:
            return Item(Step.REMOVE, store.name, (), "No policy, pin or subscription asks for it.")
        return None

    found = []
    order = sorted(
        here.values(),
        key=lambda store: (
            verdicts[store.name].allow,
            not store.site.draining,
            held[store.name].standing is Standing.GOOD,
            tier is None or store.tier == tier,
            -load.monthly(store),
            store.name,
        ),
    )
    for store in order:
        item = gone(store)
        left = [each for each in kept if each.name != store.name]
        if item is not None and _is_enough(question, left, _of(tier, kept)):
            found.append(item)
            kept = left
    return found


def _of(tier: str | None, stores: Sequence[StoreView]) -> tuple[str, int]:
    """Return the tier and at how many sites there is a copy in it."""
    return tier or "", len({store.site.name for store in stores if store.tier == tier})


def _is_enough(question: Question, left: Sequence[StoreView], aged: tuple[str, int]) -> bool:
    """Say whether the copies that would be left are one at least, and all that is asked for.

    `aged` is the tier that is asked for and how many sites have it before: they become no fewer
    than are wanted.
    """
    asked, sites = question.requirement, {store.site.name for store in left}
    return (
        len(sites) >= asked.places
        and len({jurisdiction_of(store) for store in left}) >= asked.jurisdictions
        and asked.sites <= sites
        and all(any(wish.met_by(store) for store in left) for wish in question.wishes)
        and _of(aged[0], left)[1] >= min(asked.places, aged[1])
    )
