"""What policies demand, told by nobody who plans: the measure that the checker holds up.

Written apart from placement and surplus on purpose, so that a fault there is not repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from governance.engine.decision import Judge as PolicyJudge
from governance.engine.entities import RECONCILER, Action, Resource, Situation
from governance.engine.policyset import PolicySet
from governance.engine.protection import Requirement
from movement.engine.mesh import SiteView, StoreView
from movement.engine.placement import Judge, Verdict
from movement.engine.simulation.scenario import Data

JudgeOf = Callable[[Data, Requirement], Judge]
"""Gives the judge whom planning asks where some data may lie."""


def broken_rule(asked: Requirement, site: SiteView) -> str | None:
    """Return the rule by which no copy may lie at a site; None when it may."""
    if site.name in asked.never_sites:
        return "never_sites"
    if asked.residency is not None and not asked.residency & set(site.jurisdictions):
        return "residency"
    return None


def is_enough(asked: Requirement, sites: Iterable[SiteView]) -> bool:
    """Say whether copies at these sites, all good, are as many and as far apart as asked for."""
    found = {site.name: site for site in sites}
    codes = {next(iter(s.jurisdictions), f"site {s.name}") for s in found.values()}
    return (
        len(found) >= max(1, asked.copies, asked.min_sites)
        and len(codes) >= asked.jurisdictions
        and asked.sites <= found.keys()
    )


def plain_judge(data: Data, asked: Requirement) -> Judge:
    """Return a judge who knows protection policies alone."""

    def judge(store: StoreView) -> Verdict:
        rule = broken_rule(asked, store.site)
        if rule is None:
            return Verdict(True)
        by = asked.residency_by if rule == "residency" else tuple(p for _, p in asked.never_by)
        return Verdict(False, by, f"{data.name} may not lie at {store.site.name}: {rule}.")

    return judge


def cedar_judges(policies: PolicySet) -> JudgeOf:
    """Return judges who decide by access policies, as the platform's reconciler does."""

    def judge_of(data: Data, asked: Requirement) -> Judge:
        resource = Resource(
            "Product", data.name, team=data.team, labels=data.labels,
            bound=asked.residency is not None, residency=asked.residency or frozenset(),
            bound_by=asked.residency_by, never=asked.never_sites,
            never_by=tuple(sorted({policy for _, policy in asked.never_by})),
        )  # fmt: skip

        def judge(store: StoreView) -> Verdict:
            situation = Situation(
                site=store.site.name, jurisdictions=frozenset(store.site.jurisdictions)
            )
            judged = PolicyJudge(policies, RECONCILER, Action.REPLICATE, "Product", situation)
            answer = judged(resource)
            return Verdict(answer.allow, answer.policies, answer.reason)

        return judge

    return judge_of
