"""Compiled policies: for one principal, action and situation, what is left to ask of a resource.

A program finds the policies in scope by index and reduces each once (`residual`); a slice is what
is left, kept for the next question of the same kind. Asked about one resource it runs closures;
asked for a list it is a condition. Both are the same rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from governance.engine.closures import TRUE, Test, probe
from governance.engine.conditions import (
    All,
    Condition,
    Holds,
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

SLICES, VERDICTS = 4096, 1024
"""Slices kept, one for each principal, action, type and situation that was asked lately; and
verdicts kept by each, one for each set of rules that was met."""


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

    def speaks_of(self, action: Action) -> bool:
        return action in _actions(self.raw)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What is left of one policy. `condition` is None when only a test can say."""

    policy: str
    reason: str
    forbids: bool
    condition: Condition | None
    read: Callable[[Resource], Any]
    wanted: frozenset[Any]
    """The rule is met by a resource of which `read` gives one of these."""
    obligations: Obligations


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What rules say of one resource, and which of them."""

    allow: bool
    policies: tuple[str, ...]
    reason: str = ""
    obligations: Obligations = NONE
    failure: str = ""
    """Why evaluation failed; a failure is a deny."""


class Slice:
    """The rules that can still matter to one principal, action, type and situation."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._anywhere: list[Rule] = []
        self._anchored: dict[str, list[Rule]] = defaultdict(list)
        self._verdicts: dict[tuple[Rule, ...], Verdict] = {}
        for rule in self.rules:
            anchor = _anchor(rule.condition)
            (self._anywhere if anchor is None else self._anchored[anchor]).append(rule)

    def condition(self) -> Condition:
        """Return when the rules allow; raise Unpushable if one of them is only a test."""
        permits: list[Condition] = []
        forbids: list[Condition] = []
        for rule in self.rules:
            if rule.condition is None:
                raise Unpushable(f"{rule.policy} cannot filter a list.", errors=[])
            (forbids if rule.forbids else permits).append(rule.condition)
        return _allowed(permits, forbids)

    def verdict(self, resource: Resource, more: Sequence[Rule] = ()) -> Verdict:
        """Return what the rules, and `more` of them, say of a resource: forbid wins.

        Only rules without an anchor and those anchored at this resource can be met.
        """
        try:
            rules, anchored = self._anywhere, self._anchored
            for name in _chain(resource.name):
                if name in anchored:
                    rules = rules + anchored[name]
            for label in resource.labels:
                if label in anchored:
                    rules = rules + anchored[label]
            met = tuple([rule for rule in rules if rule.read(resource) in rule.wanted])
            if more:
                met += tuple([rule for rule in more if rule.read(resource) in rule.wanted])
        except (EvaluationFailed, AttributeError, TypeError) as error:
            return Verdict(False, (), failure=str(error))
        known = self._verdicts.get(met)
        if known is None:
            known = _verdict(met)
            if not more and len(self._verdicts) < VERDICTS:
                self._verdicts[met] = known
        return known


def _verdict(met: Sequence[Rule]) -> Verdict:
    forbids = [rule for rule in met if rule.forbids]
    deciding = sorted(forbids or met, key=lambda rule: rule.policy)
    return Verdict(
        allow=bool(met) and not forbids,
        policies=tuple(rule.policy for rule in deciding),
        reason=" ".join(rule.reason for rule in deciding if rule.reason),
        obligations=NONE
        if forbids or all(rule.obligations is NONE for rule in met)
        else together(rule.obligations for rule in met),
    )


def _allowed(permits: Iterable[Condition], forbids: Iterable[Condition]) -> Condition:
    """Return when some permit is met and no forbid is; the same condition twice is one."""
    any_of, none_of = (disjunction(list(dict.fromkeys(parts))) for parts in (permits, forbids))
    return conjunction([any_of, negation(none_of)])


def _anchor(condition: Condition | None) -> str | None:
    """Return a name or a label without which the condition is never met; they look different."""
    parts = condition.of if isinstance(condition, All) else (condition,)
    for part in parts:
        if isinstance(part, Within):
            return part.uid.id
        if isinstance(part, Holds) and part.attribute == "labels":
            return part.value
    return None


@lru_cache(maxsize=16_384)
def _chain(name: str) -> tuple[str, ...]:
    """Return the name and every domain above it."""
    found, above = [name], name.partition("/~/")[0]
    if above != name:
        found.append(above)
    while (cut := above.rfind("/")) > 0:
        above = above[:cut]
        found.append(above)
    return tuple(found)


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
        self._reduced = lru_cache(maxsize=SLICES)(self._reduce)
        self.slice = lru_cache(maxsize=SLICES)(self._slice)

    def _slice(
        self, principal: Principal, action: Action, resource_type: str, situation: Situation
    ) -> Slice:
        """Return the rules for one kind of question. Cost: the policies in scope, once."""
        return self._reduced(self._class_of(principal), action, resource_type, situation)

    def who(
        self,
        action: Action,
        resource: Resource,
        situation: Situation,
        granted: Iterable[Policy] = (),
    ) -> Condition:
        """Return the condition over a principal under which they may; raise Unpushable."""
        question = Question(
            unknown("User"), action, known_resource(resource), known_context(situation)
        )
        permits: list[Condition] = []
        forbids: list[Condition] = []
        for policy in chain(*self._index[action].values(), granted):
            met = residual(policy.raw, question)
            (forbids if policy.forbids else permits).append(met)
        return _allowed(permits, forbids)

    def _class_of(self, principal: Principal) -> Principal:
        """Return one principal for all whom these policies cannot tell apart."""
        known = principal.id if principal.id in self._named else ""
        behalf = None if principal.on_behalf_of is None else _SOMEONE
        return replace(principal, id=known, scopes=None, on_behalf_of=behalf)

    def _reduce(
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
            read, wanted = (
                (_direct(policy, question), TRUE) if condition is None else probe(condition)
            )
            yield Rule(
                policy=policy.id,
                reason=policy.reason,
                forbids=policy.forbids,
                condition=condition,
                read=read,
                wanted=wanted,
                obligations=_obligations(policy, question),
            )


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
