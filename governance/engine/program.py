"""Compiled policies: for one principal, action and situation, what is left to ask of a resource.

A program finds the policies in scope by index and reduces each once (`residual`); a slice is what
is left, kept for the next question of the same kind. Asked about one resource it runs closures;
asked for a list it is a condition. Both are the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from governance.engine.closures import Test, closure
from governance.engine.conditions import (
    All,
    Condition,
    Within,
    conjunction,
    disjunction,
    negation,
)
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.obligations import NONE, Obligations, together
from governance.engine.residual import (
    ROW,
    EvaluationFailed,
    Question,
    Unpushable,
    known_context,
    known_principal,
    known_resource,
    residual,
    truth,
    unknown,
)
from governance.engine.uids import Uid

SLICES = 4096
"""Slices kept: one for each principal, action, type and situation that was asked lately."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy with its annotations read."""

    id: str
    reason: str
    forbids: bool
    raw: Mapping[str, Any]
    """Cedar's JSON form."""
    obligations: Obligations = NONE
    """All but the row filter, which waits for the principal."""
    rows: Mapping[str, Any] | None = None
    """The Cedar expression of the row filter."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is left of one policy. `condition` is None when only a test can say."""

    policy: str
    forbids: bool
    condition: Condition | None
    holds: Test
    obligations: Obligations


@dataclass(frozen=True, slots=True)
class Verdict:
    """What rules say of one resource, and which of them."""

    allow: bool
    policies: tuple[str, ...]
    obligations: Obligations = NONE
    failure: str = ""
    """Why evaluation failed; a failure is a deny."""


class Slice:
    """The rules that can still matter to one principal, action, type and situation."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._anywhere: list[Rule] = []
        self._below: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            anchor = _anchor(rule.condition)
            (self._anywhere if anchor is None else self._below[anchor.id]).append(rule)

    def condition(self) -> Condition:
        """Return when the rules allow; raise Unpushable if one of them is only a test."""
        permits: list[Condition] = []
        forbids: list[Condition] = []
        for rule in self.rules:
            if rule.condition is None:
                raise Unpushable(f"{rule.policy} cannot filter a list.", errors=[])
            (forbids if rule.forbids else permits).append(rule.condition)
        return conjunction([disjunction(_once(permits)), negation(disjunction(_once(forbids)))])

    def verdict(self, resource: Resource, more: Sequence[Rule] = ()) -> Verdict:
        """Return what the rules, and `more` of them, say of a resource: forbid wins."""
        try:
            met = [rule for rule in self._about(resource) if rule.holds(resource)]
            met += [rule for rule in more if rule.holds(resource)]
        except (EvaluationFailed, AttributeError, TypeError) as error:
            return Verdict(False, (), failure=str(error))
        forbids = [rule for rule in met if rule.forbids]
        if forbids or not met:
            return Verdict(False, _names(forbids))
        if all(rule.obligations is NONE for rule in met):
            return Verdict(True, _names(met))
        return Verdict(True, _names(met), together(rule.obligations for rule in met))

    def _about(self, resource: Resource) -> Iterator[Rule] | list[Rule]:
        if not self._below:
            return self._anywhere
        found = list(self._anywhere)
        for name in _chain(resource.name):
            found += self._below.get(name, ())
        return found


def _names(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(sorted([rule.policy for rule in rules])) if len(rules) != 1 else (rules[0].policy,)


def _once(parts: Sequence[Condition]) -> list[Condition]:
    return list(dict.fromkeys(parts))


def _anchor(condition: Condition | None) -> Uid | None:
    """Return a place outside of which the condition is never met."""
    parts = condition.of if isinstance(condition, All) else (condition,)
    return next((part.uid for part in parts if isinstance(part, Within)), None)


def _chain(name: str) -> Iterator[str]:
    """Yield the name and every domain above it."""
    yield name
    above = name.partition("/~/")[0]
    if above != name:
        yield above
    while (cut := above.rfind("/")) > 0:
        above = above[:cut]
        yield above


class Program:
    """Policies, indexed by action and by whom their scope names."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = tuple(policies)
        self._index: dict[Action, dict[Uid | None, list[Policy]]] = {
            action: defaultdict(list) for action in Action
        }
        for policy in policies:
            for action in _actions(policy.raw):
                self._index[action][_whom(policy.raw)].append(policy)
        self._named = frozenset().union(*(set(_people(policy.raw)) for policy in policies))
        self._kept = lru_cache(maxsize=SLICES)(self._reduced)

    def slice(
        self, principal: Principal, action: Action, resource_type: str, situation: Situation
    ) -> Slice:
        """Return the rules for one kind of question. Cost: the policies in scope, once."""
        return self._kept(self._class_of(principal), action, resource_type, situation)

    def _class_of(self, principal: Principal) -> Principal:
        """Return one principal for all whom these policies cannot tell apart."""
        known = principal.id if principal.id in self._named else ""
        behalf = None if principal.on_behalf_of is None else _SOMEONE
        return replace(principal, id=known, scopes=None, on_behalf_of=behalf)

    def _reduced(
        self, principal: Principal, action: Action, resource_type: str, situation: Situation
    ) -> Slice:
        found = self._index[action]
        whom = (None, principal.uid, *sorted(principal.ancestors(), key=str))
        policies = [policy for key in whom for policy in found.get(key, ())]
        return Slice(rules_of(policies, principal, action, resource_type, situation))


_SOMEONE = Principal("")


def rules_of(
    policies: Iterable[Policy],
    principal: Principal,
    action: Action,
    resource_type: str,
    situation: Situation,
) -> Iterator[Rule]:
    """Yield what is left of each policy that can still apply."""
    question = Question(
        known_principal(principal), action, unknown(resource_type), known_context(situation)
    )
    for policy in policies:
        try:
            condition: Condition | None = residual(policy.raw, question)
        except Unpushable:
            condition = None
        if condition is not False:
            holds = _direct(policy, question) if condition is None else closure(condition)
            yield Rule(policy.id, policy.forbids, condition, holds, _obligations(policy, question))


def _direct(policy: Policy, question: Question) -> Test:
    """Return the test of a policy that has no condition: evaluate it with everything known."""

    def holds(resource: Resource) -> bool:
        return residual(policy.raw, replace(question, resource=known_resource(resource))) is True

    return holds


def _obligations(policy: Policy, question: Question) -> Obligations:
    if policy.rows is None:
        return policy.obligations
    return replace(policy.obligations, rows=truth(policy.rows, replace(question, resource=ROW)))


def _actions(raw: Mapping[str, Any]) -> list[Action]:
    scope = raw["action"]
    if scope["op"] == "All":
        return list(Action)
    listed = scope["entities"] if "entities" in scope else [scope["entity"]]
    return [Action(each["id"]) for each in listed]


def _whom(raw: Mapping[str, Any]) -> Uid | None:
    """Return the one whom the scope names, or a group they belong to; None for everyone."""
    scope = raw["principal"]
    named = scope.get("entity") or scope.get("in", {}).get("entity")
    return Uid(named["type"], named["id"]) if named else None


def _people(expression: Any) -> Iterator[str]:
    """Yield the users whom a policy names anywhere."""
    if isinstance(expression, list):
        for each in expression:
            yield from _people(each)
    elif isinstance(expression, dict):
        if expression.get("type") == "User" and isinstance(expression.get("id"), str):
            yield expression["id"]
        for each in expression.values():
            yield from _people(each)
