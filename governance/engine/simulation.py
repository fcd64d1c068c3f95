"""What a change of the access policies would change: who gains what, and who loses it.

Only where a changed policy applies, before or after, can an answer differ; so the changed policies
alone choose the candidates, and the whole set, with its forbids and its other permits, decides
about those. Principals whom the policies cannot tell apart are decided about once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.engine.bitmaps import Bitmaps
from governance.engine.conditions import Condition, Within, disjunction
from governance.engine.entities import Action, Principal, Situation
from governance.engine.obligations import NONE, Obligations, together
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet, policy_of
from governance.engine.program import Policy, Program, Rule, Slice, rules_of
from governance.engine.residual import Unpushable
from governance.engine.uids import Uid

NOWHERE = Situation()
ACTIONS = tuple(action for action in Action if action is not Action.REPLICATE)
"""Copies are decided one by one, towards one place; no list of pairs can hold them."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who acts, with the grants that they hold now."""

    principal: Principal
    permits: tuple[Permit, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question: an action on resources of a type, in a situation."""

    action: Action
    type: str
    situation: Situation = NOWHERE


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes for one class of principals in one kind of question."""

    kind: Kind
    people: tuple[str, ...]
    gained: int
    lost: int
    rebound: int
    wider: int
    """Bitmaps: allowed only after; only before; both times but under other obligations; and of
    these, where they bind less than before."""


class Sides:
    """Two sets of policies: what they share, and what each has alone."""

    def __init__(self, old: PolicySet, new: PolicySet) -> None:
        before = {policy.id: policy for policy in old.program.policies}
        after = {policy.id: policy for policy in new.program.policies}
        self.shared = Program(
            [policy for policy in before.values() if not _differs(policy, after.get(policy.id))]
        )
        self.only = (
            Program([p for p in before.values() if _differs(p, after.get(p.id))]),
            Program([p for p in after.values() if _differs(p, before.get(p.id))]),
        )

    @property
    def changed(self) -> list[Policy]:
        return [policy for program in self.only for policy in program.policies]


BEFORE, AFTER = 0, 1


def _differs(policy: Policy, other: Policy | None) -> bool:
    return other is None or policy.raw != other.raw


def situations_in(policies: Iterable[Policy]) -> list[Situation]:
    """Return the situations that the policies can tell apart: each value that one compares with.

    Of jurisdictions these are none, each by itself, and all together. Policies on copies alone do
    not count.
    """
    found: dict[str, set[str]] = {"purpose": set(), "site": set(), "jurisdictions": set()}
    for policy in policies:
        if set(actions_of(policy.raw)) & set(ACTIONS):
            for attribute, values in found.items():
                values.update(_compared(policy.raw["conditions"], attribute))
    places = sorted(found["jurisdictions"])
    together = [frozenset(places)] if len(places) > 1 else []
    return [
        Situation(purpose, site, jurisdictions)
        for purpose in ("", *sorted(found["purpose"]))
        for site in ("", *sorted(found["site"]))
        for jurisdictions in (frozenset(), *(frozenset({p}) for p in places), *together)
    ]


def actions_of(raw: Mapping[str, Any]) -> list[Action]:
    """Return the actions in the scope of a policy."""
    scope = raw["action"]
    if scope["op"] == "All":
        return list(Action)
    listed = scope["entities"] if "entities" in scope else [scope["entity"]]
    return [Action(each["id"]) for each in listed]


def _compared(expression: Any, attribute: str) -> Iterator[str]:
    """Yield each text in an operation in which the attribute of the context stands."""
    wanted = {".": {"left": {"Var": "context"}, "attr": attribute}}
    if isinstance(expression, list):
        for part in expression:
            yield from _compared(part, attribute)
    elif isinstance(expression, dict):
        for operands in expression.values():
            if isinstance(operands, dict) and wanted in operands.values():
                yield from _texts(operands)
            yield from _compared(operands, attribute)


def _texts(expression: Any) -> Iterator[str]:
    if isinstance(expression, list):
        for part in expression:
            yield from _texts(part)
    elif isinstance(expression, dict):
        value = expression.get("Value")
        if isinstance(value, str):
            yield value
        for part in expression.values():
            yield from _texts(part)


def simulate(
    old: PolicySet,
    new: PolicySet,
    people: Sequence[Person],
    holdings: Mapping[str, Bitmaps],
) -> list[Shift]:
    """Return every shift; `holdings` are the resources by type: Mesh, Domain, Product.

    Cost: for each class and action, the policies in scope, each a step over one number of bits.
    """
    sides = Sides(old, new)
    touched = {action for policy in sides.changed for action in actions_of(policy.raw)}
    situations = situations_in((*sides.shared.policies, *sides.changed))
    return [
        shift
        for action in ACTIONS
        if action in touched
        for situation in situations
        for of_type, held in holdings.items()
        for shift in _shifts(sides, people, Kind(action, of_type, situation), held)
    ]


def _shifts(sides: Sides, people: Sequence[Person], kind: Kind, held: Bitmaps) -> Iterator[Shift]:
    touched = [person for person in people if _candidates(sides, person.principal, kind, held)]
    for group in _classes(sides, touched, kind):
        one = group[0]
        candidates = _candidates(sides, one.principal, kind, held)
        rules = [_rules_of(sides, side, one, kind) for side in (BEFORE, AFTER)]
        was, is_now = (held.of(Slice(each).condition()) & candidates for each in rules)
        rebound, wider = _rebound(rules, held, was & is_now)
        if was != is_now or rebound:
            names = tuple(person.principal.id for person in group)
            yield Shift(kind, names, is_now & ~was, was & ~is_now, rebound, wider)


def _slice(program: Program, principal: Principal, kind: Kind) -> Slice:
    return program.slice(principal, kind.action, kind.type, kind.situation)


def _candidates(sides: Sides, principal: Principal, kind: Kind, held: Bitmaps) -> int:
    """Return where a changed policy applies, before or after."""
    rules = (rule for program in sides.only for rule in _slice(program, principal, kind).rules)
    return held.of(disjunction([_condition(rule) for rule in rules]))


def _classes(sides: Sides, people: Sequence[Person], kind: Kind) -> list[list[Person]]:
    """Return the people in groups that neither set, nor a grant, can tell apart."""
    groups: dict[Any, list[Person]] = {}
    for person in people:
        programs = (sides.shared, *sides.only)
        slices = [id(_slice(program, person.principal, kind)) for program in programs]
        groups.setdefault((*slices, person.permits), []).append(person)
    return list(groups.values())


def _rules_of(sides: Sides, side: int, person: Person, kind: Kind) -> tuple[Rule, ...]:
    """Return the rules of one whole set, with those of the person's grants."""
    shared, own = (
        _slice(program, person.principal, kind).rules
        for program in (sides.shared, sides.only[side])
    )
    return shared + own + _granted(person, kind)


def _granted(person: Person, kind: Kind) -> tuple[Rule, ...]:
    grants = [policy_of(permit.as_json()) for permit in person.permits]
    return tuple(rules_of(grants, person.principal, kind.action, kind.type, kind.situation))


def _condition(rule: Rule) -> Condition:
    if rule.condition is None:
        raise Unpushable(f"{rule.policy} cannot filter a list.", errors=[])
    return rule.condition


def allowed_to(
    policies: PolicySet, person: Person, action: Action, of_type: str, held: Bitmaps
) -> int:
    """Return on which resources of a type a person may do `action`; a token's scope narrows."""
    kind = Kind(action, of_type)
    rules = _slice(policies.program, person.principal, kind).rules + _granted(person, kind)
    found = held.of(Slice(rules).condition())
    scopes = person.principal.scopes
    if scopes is None:
        return found
    covered = [
        Within(Uid("Domain", scope.prefix)) if scope.prefix != "/" else True
        for scope in scopes
        if action in scope.actions
    ]
    return found & held.of(disjunction(covered))


_Cell = tuple[int, tuple[list[Obligations], list[Obligations]]]


def _rebound(rules: Sequence[tuple[Rule, ...]], held: Bitmaps, region: int) -> tuple[int, int]:
    """Return where in a region the obligations differ, and where they bind less.

    The region is cut into cells in which the same binding permits are met; all plain permits count
    as one, since they differ in nothing but their names.
    """
    if not region or all(rule.obligations == NONE for side in rules for rule in side):
        return 0, 0
    cells: list[_Cell] = [(region, ([], []))]
    for side in (BEFORE, AFTER):
        for bitmap, obligations in _permits(rules[side], held):
            cells = list(_cut(cells, side, bitmap, obligations))
    differs = wider = 0
    for cell, (was, is_now) in cells:
        one, other = together(was), together(is_now)
        if one != other:
            differs |= cell
            wider |= cell if binds_less(other, one) else 0
    return differs, wider


def _permits(rules: Iterable[Rule], held: Bitmaps) -> list[tuple[int, Obligations]]:
    """Return where permits apply: the plain ones together, each binding one by itself."""
    plain, binding = 0, []
    for rule in rules:
        if rule.forbids:
            continue
        if rule.obligations == NONE:
            plain |= held.of(_condition(rule))
        else:
            binding.append((held.of(_condition(rule)), rule.obligations))
    return [(plain, NONE), *binding]


def _cut(
    cells: Iterable[_Cell], side: int, bitmap: int, obligations: Obligations
) -> Iterator[_Cell]:
    for cell, (was, is_now) in cells:
        if inside := cell & bitmap:
            more = [*(is_now if side == AFTER else was), obligations]
            yield inside, (was, more) if side == AFTER else (more, is_now)
        if outside := cell & ~bitmap:
            yield outside, (was, is_now)


def binds_less(now: Obligations, before: Obligations) -> bool:
    """Say whether a reader may see or do more than before; in doubt, yes."""
    unmasked = any(
        key not in now.masks or now.masks[key].leniency > mask.leniency
        for key, mask in before.masks.items()
    )
    more_rows = now.rows != before.rows and before.rows is not True
    more_purposes = before.purposes is not None and (
        now.purposes is None or not now.purposes <= before.purposes
    )
    return (
        unmasked or more_rows or more_purposes or not set(before.watermarks) <= set(now.watermarks)
    )
