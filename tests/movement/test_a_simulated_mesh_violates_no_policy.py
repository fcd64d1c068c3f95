"""A simulated mesh is checked after every event, by a checker that finds out a false planner."""

from __future__ import annotations

import pytest

from governance.engine.policyset import policy_set
from governance.selectors import default_policies, schema_text
from movement.engine.placement import Item, Question, Standing, Step, Verdict, place
from movement.engine.simulation import report
from movement.engine.simulation.keeper import Rules
from movement.engine.simulation.law import cedar_judges, plain_judge
from movement.engine.simulation.run import simulate
from movement.engine.surplus import surplus
from tests.movement.simulated import ran, small, still


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_is_checked_and_nothing_is_overlooked(seed: int) -> None:
    outcome = ran(seed=seed)
    checker, world = outcome.checker, outcome.world
    assert checker.violations == []
    assert checker.events == sum(outcome.ledger.events.values()) + 1  # and the beginning
    assert min(checker.checks[kind] for kind in ("places", "room", "ways", "removals")) > 50
    assert outcome.ledger.counts["sites destroyed"] == 1
    assert len(checker.overtaken_seconds) > 50, "the label and the policy overtook replicas"
    for version in world.versions:
        judge = plain_judge(world.data[version.data], world.asked[version.data])
        question = Question(
            world.asked[version.data], world.mesh, version.held, judge, load=world.load(version)
        )
        assert place(question).of(Step.COPY) == []
        assert {item.store for item in surplus(question)} == version.leaving.keys()


def test_the_platforms_own_policies_decide_the_same() -> None:
    judges = cedar_judges(policy_set(default_policies(), schema_text()))
    ours = report.facts(simulate(small(), rules=Rules(judges)))
    plain = report.facts(simulate(small()))
    assert ours.pop("refused").keys() == {
        "residency-binds-replicate, home",
        "residency-binds-replicate, personal",
        "never-sites-bind-replicate, far",
    }
    plain.pop("refused")
    assert ours == plain


def test_a_judge_who_allows_everything_is_found_out() -> None:
    outcome = simulate(small(), rules=Rules(judge_of=lambda data, asked: lambda s: Verdict(True)))
    broken = {each.rule for each in outcome.checker.violations}
    assert {"never_sites", "residency"} & broken
    assert outcome.checker.count >= len(outcome.checker.violations)
    first = outcome.checker.violations[0]
    site = outcome.world.site_of[first.store]
    assert site in first.told
    assert first.version in {version.name for version in outcome.world.versions}


def test_bytes_that_set_out_for_a_forbidden_place_are_seen() -> None:
    """Both are told: that the place was chosen, and that bytes set out for it."""
    lax = Rules(judge_of=lambda data, asked: lambda store: Verdict(True))
    at_tokyo = {"id": "tokyo", "spec": {"sites": ["tokyo"], "never_sites": ["tokyo"]}}
    event = {"at_hours": 5, "policy": at_tokyo}
    outcome = simulate(still(events=[event]), rules=lax)
    told = {(each.rule, each.told) for each in outcome.checker.violations}
    assert ("never_sites", "Bytes set out for there.") in told
    assert ("never_sites", "A copy lies at tokyo or goes there.") in told
    never = {each.store for each in outcome.checker.violations if each.rule == "never_sites"}
    assert never == {"tokyo-store"}


def test_a_removal_that_leaves_too_few_is_seen() -> None:
    def greedy(question: Question) -> list[Item]:
        good = [n for n, held in question.held.items() if held.standing is Standing.GOOD]
        return [Item(Step.REMOVE, name, (), "It is in the way.") for name in sorted(good)[1:]]

    outcome = simulate(still(), rules=Rules(surplus=greedy))
    assert {each.rule for each in outcome.checker.violations} == {"copies"}
    assert simulate(still()).checker.count == 0
