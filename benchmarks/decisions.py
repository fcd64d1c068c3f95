"""One decision: the compiled policies beside cedarpy, on the same policies and questions.

Both sides are given all they can keep: cedarpy its parsed policy set, its schema and batches of the
questions that one person asks; ours one judge for each of these groups. The answers, and the
policies that made them, must be the same for every question. `decide_…` is the rate of `decide`
for single questions, with nothing kept but what the policy set keeps itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cedarpy

from benchmarks.harness import Figure, finish, in_turns, options, paired, print_conditions, spread
from benchmarks.policies import people, policy_text, products
from governance.engine import decision, oracle
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.policyset import PolicySet, policy_set

GOALS = {100: 100.0, 1000: 300.0}
"""How many decisions ours must make while Cedar makes one, by the number of policies."""
QUESTIONS, QUICK_QUESTIONS = 12_000, 100
POLICIES = Path(__file__).parents[1] / "governance" / "policies"
NOWHERE = Situation()

Question = tuple[Principal, Action, Resource]


def questions(count: int) -> list[Question]:
    who, what = people(60), list(products(count))
    actions = (Action.DISCOVER, Action.READ)
    return [(who[n % 60], actions[n % 2], resource) for n, resource in enumerate(what)]


def grouped(asked: Sequence[Question]) -> list[tuple[Principal, Action, list[Resource]]]:
    """Return the questions by who asks for what: each side prepares what it can once for each."""
    found: dict[tuple[Principal, Action], list[Resource]] = {}
    for principal, action, resource in asked:
        found.setdefault((principal, action), []).append(resource)
    return [(principal, action, resources) for (principal, action), resources in found.items()]


def ours(policies: PolicySet, asked: Sequence[Question]) -> Callable[[int], float]:
    """Return what answers every question by compiled closures and tells how many a second."""
    groups = grouped(asked)

    def run(_: int) -> float:
        began = time.perf_counter()
        for principal, action, resources in groups:
            judge = decision.Judge(policies, principal, action, "Product", NOWHERE)
            for resource in resources:
                judge(resource)
        return len(asked) / (time.perf_counter() - began)

    return run


def one_by_one(policies: PolicySet, asked: Sequence[Question]) -> float:
    """Return how many decisions a second `decide` makes when nothing is kept between two."""
    began = time.perf_counter()
    for principal, action, resource in asked:
        decision.decide(policies, principal, action, resource, NOWHERE)
    return len(asked) / (time.perf_counter() - began)


def cedar(policies: PolicySet, asked: Sequence[Question]) -> Callable[[int], float]:
    """Return the same of cedarpy, a batch for each group; every tenth group tells its rate."""
    batches = []
    for principal, action, resources in grouped(asked)[::10]:
        requests = [
            {
                "principal": principal.uid.as_json(),
                "action": {"type": "Action", "id": str(action)},
                "resource": resource.uid.as_json(),
                "context": NOWHERE.as_json(),
            }
            for resource in resources
        ]
        known = {str(e["uid"]): e for r in resources for e in oracle.entities(principal, r)}
        batches.append((requests, json.dumps(list(known.values()))))
    total = sum(len(requests) for requests, _ in batches)

    def run(_: int) -> float:
        began = time.perf_counter()
        for requests, entities in batches:
            cedarpy.is_authorized_batch(requests, policies.handle, entities, policies.schema)
        return total / (time.perf_counter() - began)

    return run


def check(policies: PolicySet, asked: Sequence[Question]) -> int:
    """End the benchmark unless every answer and its reasons are Cedar's; return how many allow."""
    allowed = 0
    for principal, action, resource in asked:
        answer = decision.decide(policies, principal, action, resource, NOWHERE)
        reference = oracle.ask(policies, principal, action, resource, NOWHERE)
        if (answer.allow, answer.policies) != (reference.allow, reference.policies):
            sys.exit(f"{principal.id} {action} {resource.name}: {answer} is not {reference}")
        allowed += answer.allow
    return allowed


def main() -> int:
    asked = options(__doc__)
    count = QUICK_QUESTIONS if asked.quick else QUESTIONS
    print_conditions(asked, f"{count} questions, 60 people, 100 and 1,000 policies", ["cedarpy"])
    schema = (POLICIES / "schema.cedarschema").read_text()
    defaults = (POLICIES / "default.cedar").read_text()
    figures: list[Figure] = []
    micros: dict[int, float] = {}
    for number, goal in GOALS.items():
        policies = policy_set(f"{defaults}\n{policy_text(number)}", schema)
        all_questions = questions(count)
        allowed = check(policies, all_questions)
        print(f"{number} policies: {allowed} of {count} allowed, as by Cedar and for its reasons")
        pairs = in_turns(asked.pairs, ours(policies, all_questions), cedar(policies, all_questions))
        print(spread(f"decisions_{number}", pairs))
        figures.append(paired(f"decisions_{number}_policies", "decisions/s", pairs, goal))
        rate = one_by_one(policies, all_questions)
        figures.append(Figure(f"decide_{number}_policies", rate, "decisions/s"))
        micros[number] = 1e6 / figures[-2].value
    growth = (1000 / 100) / (micros[1000] / micros[100])
    figures.append(
        Figure("decision_growth", micros[1000] / micros[100], "x time at 10x policies", 10.0,
               growth, 1.0)
    )  # fmt: skip
    return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
