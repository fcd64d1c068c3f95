"""The one evaluator of policies, with at most one thing unknown.

`residual` substitutes everything that is known into Cedar's JSON form of a policy and returns what
is left: True or False when nothing was unknown, else a condition over the unknown. With the
resource unknown it filters lists; with the principal unknown it says who may; with a row unknown it
filters rows. So a list, a page, a search and a stream read the same text.

What it cannot express raises Unpushable: refused, never ignored. Property tests hold it equal to
Cedar. See docs/explanation/algorithms/decision.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidSpec
from governance.engine.conditions import (
    All,
    Begins,
    Compares,
    Condition,
    Equals,
    Holds,
    Not,
    OneOf,
    Order,
    Some,
    Within,
    conjunction,
    disjunction,
    negation,
)
from governance.engine.entities import (
    CONTAINERS,
    REFERENCES,
    SHAPES,
    Action,
    Principal,
    Resource,
    Situation,
)
from governance.engine.uids import Uid


class Unpushable(InvalidSpec):
    """A policy uses what cannot become a filter over a list."""

    code = "unpushable_policy"
    title = "A policy cannot filter lists"


class EvaluationFailed(Exception):
    """A policy reads what is not there; whoever catches this denies."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Someone or something of which everything is known."""

    uid: Uid
    ancestors: frozenset[Uid] = frozenset()
    attributes: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Someone or something of a type; `attributes` is None for a row, whose columns may be any."""

    type: str
    attributes: frozenset[str] | None = None


Known = str | bool | int | Uid | frozenset[Any]
ROW = Unknown("Row")


@dataclass(frozen=True, slots=True)
class Question:
    """What is known when policies are evaluated. At most one of the two sides is unknown."""

    principal: Entity | Unknown
    action: Action
    resource: Entity | Unknown
    context: Mapping[str, Known]
    every_branch: bool = False
    """True to look at both sides of every operator, as when a policy is checked."""


@dataclass(frozen=True, slots=True)
class _Attribute:
    """An attribute of the unknown."""

    name: str


_Term = Condition | Known | Entity | Unknown | _Attribute


def known_principal(principal: Principal) -> Entity:
    return Entity(principal.uid, principal.ancestors(), principal.attributes())


def known_resource(resource: Resource) -> Entity:
    attributes = {key: _plain_json(value) for key, value in resource.attributes().items()}
    return Entity(resource.uid, frozenset(resource.parents()), attributes)


def unknown(kind: str) -> Unknown:
    return Unknown(kind, SHAPES[kind])


def known_context(situation: Situation) -> dict[str, Known]:
    return {key: _plain_json(value) for key, value in situation.as_json().items()}


def _plain_json(value: Any) -> Known:
    if isinstance(value, dict):
        return _uid(value["__entity"])
    return frozenset(value) if isinstance(value, list) else value


def residual(policy: Mapping[str, Any], question: Question) -> Condition:
    """Return the condition under which the policy applies.

    Raises Unpushable for what has no condition, EvaluationFailed for what is not there.
    """
    scope = conjunction(
        [
            _scope(policy["principal"], question.principal),
            _scope(policy["action"], Entity(Uid("Action", str(question.action)))),
            _scope(policy["resource"], question.resource),
        ]
    )
    if scope is False:
        return False  # as in Cedar: a policy out of scope is not evaluated
    parts: list[Condition] = [scope]
    for clause in policy["conditions"]:
        body = truth(clause["body"], question)
        parts.append(body if clause["kind"] == "when" else negation(body))
        if parts[-1] is False and not question.every_branch:
            return False
    return conjunction(parts)


def truth(expression: Mapping[str, Any], question: Question) -> Condition:
    """Return the condition under which one Cedar expression is true."""
    return _boolean(_reduce(expression, question))


def _uid(raw: Mapping[str, str]) -> Uid:
    return Uid(raw["type"], raw["id"])


def _scope(scope: Mapping[str, Any], side: Entity | Unknown) -> Condition:
    match scope["op"]:
        case "All":
            return True
        case "==":
            return _is(side, _uid(scope["entity"]))
        case "in":
            listed = scope["entities"] if "entities" in scope else [scope["entity"]]
            return disjunction([_within(side, _uid(raw)) for raw in listed])
        case "is":
            if scope["entity_type"] != _type(side):
                return False
            return _within(side, _uid(scope["in"]["entity"])) if "in" in scope else True
    raise Unpushable(f"The scope {scope['op']!r} cannot filter a list.", errors=[])


def _type(side: Entity | Unknown) -> str:
    return side.uid.type if isinstance(side, Entity) else side.type


def _is(side: Entity | Unknown, uid: Uid) -> Condition:
    if isinstance(side, Entity):
        return side.uid == uid
    return Within(uid, itself_only=True) if uid.type == side.type else False


def _within(side: Entity | Unknown, uid: Uid) -> Condition:
    if isinstance(side, Entity):
        return uid == side.uid or uid in side.ancestors
    return Within(uid) if uid.type in CONTAINERS.get(side.type, ()) else _is(side, uid)


def _boolean(term: _Term) -> Condition:
    if isinstance(term, _Attribute):
        return Equals(term.name, True)
    if isinstance(
        term, bool | Equals | Compares | Begins | OneOf | Holds | Within | Not | All | Some
    ):
        return term
    raise Unpushable(f"A condition over {term!r} cannot filter a list.", errors=[])


def _reduce(expression: Mapping[str, Any], question: Question) -> _Term:
    """Evaluate one expression as far as the known parts allow."""
    (operator, operands), *more = expression.items()
    if more or operator not in _OPERATORS:
        raise Unpushable(f"The operator {operator!r} cannot filter a list.", errors=[])
    return _OPERATORS[operator](operands, question)


def _both(operands: Mapping[str, Any], question: Question) -> tuple[_Term, _Term]:
    left, right = (_reduce(operands[side], question) for side in ("left", "right"))
    return left, right


def _variable(name: str, question: Question) -> _Term:
    match name:
        case "principal":
            return question.principal
        case "action":
            return Entity(Uid("Action", str(question.action)))
        case "resource":
            return question.resource
    raise Unpushable("The context can only be used by its attributes.", errors=[])


def _value(raw: Any, question: Question) -> _Term:
    del question
    if isinstance(raw, dict) and "__entity" in raw:
        return _uid(raw["__entity"])
    if isinstance(raw, str | bool | int):
        return raw
    raise Unpushable(f"The literal {raw!r} cannot filter a list.", errors=[])


def _attribute(operands: Mapping[str, Any], question: Question) -> _Term:
    name = str(operands["attr"])
    if operands["left"] == {"Var": "context"}:
        return _read(question.context, name)
    owner = _reduce(operands["left"], question)
    if isinstance(owner, Entity):
        return _read(owner.attributes, name)
    if isinstance(owner, Unknown):
        if owner.attributes is not None and name not in owner.attributes:
            raise EvaluationFailed(f"{owner.type} has no attribute {name!r}")
        return _Attribute(name)
    raise Unpushable("Only attributes of principal, resource and context are known.", errors=[])


def _read(attributes: Mapping[str, Known], name: str) -> Known:
    if name not in attributes:
        raise EvaluationFailed(f"there is no attribute {name!r}")
    return attributes[name]


def _has(operands: Mapping[str, Any], question: Question) -> _Term:
    name = operands["attr"]
    if operands["left"] == {"Var": "context"}:
        return name in question.context
    owner = _reduce(operands["left"], question)
    if isinstance(owner, Entity) or (isinstance(owner, Unknown) and owner.attributes is not None):
        return name in (owner.attributes or ())
    raise Unpushable("`has` is known of principal and resource only.", errors=[])


def _set(operands: list[Any], question: Question) -> _Term:
    members = [_reduce(raw, question) for raw in operands]
    if any(isinstance(member, _Attribute | Unknown) for member in members):
        raise Unpushable("A set of unknown members cannot filter a list.", errors=[])
    return frozenset(m.uid if isinstance(m, Entity) else m for m in members)


def _and(operands: Mapping[str, Any], question: Question) -> _Term:
    left = truth(operands["left"], question)
    if left is False and not question.every_branch:
        return False  # short circuit, as in Cedar: the right side may not apply to this type
    return conjunction([left, truth(operands["right"], question)])


def _or(operands: Mapping[str, Any], question: Question) -> _Term:
    left = truth(operands["left"], question)
    if left is True and not question.every_branch:
        return True
    return disjunction([left, truth(operands["right"], question)])


def _choose(operands: Mapping[str, Any], question: Question) -> _Term:
    test = truth(operands["if"], question)
    if isinstance(test, bool) and not question.every_branch:
        return _reduce(operands["then"] if test else operands["else"], question)
    then, otherwise = (truth(operands[key], question) for key in ("then", "else"))
    return disjunction([conjunction([test, then]), conjunction([negation(test), otherwise])])


def _not(operands: Mapping[str, Any], question: Question) -> _Term:
    return negation(truth(operands["arg"], question))


def _equals(operands: Mapping[str, Any], question: Question) -> _Term:
    one, other = _both(operands, question)
    if isinstance(other, _Attribute | Unknown):
        one, other = other, one
    if isinstance(other, Entity):
        other = other.uid
    if isinstance(one, _Attribute):
        if isinstance(other, str | bool | int):
            return Equals(one.name, other)
        if isinstance(other, Uid):
            return Equals(one.name, other.id)
    elif isinstance(one, Unknown):
        if isinstance(other, Uid):
            return _is(one, other)
    elif not isinstance(other, _Attribute | Unknown):
        return (one.uid if isinstance(one, Entity) else one) == other
    raise Unpushable("This comparison cannot filter a list.", errors=[])


def _differs(operands: Mapping[str, Any], question: Question) -> _Term:
    return negation(_boolean(_equals(operands, question)))


_FLIPPED = {
    Order.LESS: Order.MORE,
    Order.MORE: Order.LESS,
    Order.AT_MOST: Order.AT_LEAST,
    Order.AT_LEAST: Order.AT_MOST,
}
_ORDERS: Mapping[Order, Callable[[int, int], bool]] = {
    Order.LESS: int.__lt__,
    Order.AT_MOST: int.__le__,
    Order.MORE: int.__gt__,
    Order.AT_LEAST: int.__ge__,
}


def _compare(order: Order) -> Callable[[Mapping[str, Any], Question], _Term]:
    def compare(operands: Mapping[str, Any], question: Question) -> _Term:
        one, other = _both(operands, question)
        if isinstance(one, _Attribute) and isinstance(other, int):
            return Compares(one.name, order, other)
        if isinstance(one, int) and isinstance(other, _Attribute):
            return Compares(other.name, _FLIPPED[order], one)
        if isinstance(one, int) and isinstance(other, int):
            return _ORDERS[order](one, other)
        raise Unpushable(f"This {order} cannot filter a list.", errors=[])

    return compare


def _like(operands: Mapping[str, Any], question: Question) -> _Term:
    pattern = [part if part == "Wildcard" else part["Literal"] for part in operands["pattern"]]
    wild = [place for place, part in enumerate(pattern) if part == "Wildcard"]
    text = _reduce(operands["left"], question)
    if isinstance(text, str):
        parts = [".*" if n in wild else re.escape(part) for n, part in enumerate(pattern)]
        return re.fullmatch("".join(parts), text, re.DOTALL) is not None
    if isinstance(text, _Attribute) and not wild:
        return Equals(text.name, "".join(pattern))
    if isinstance(text, _Attribute) and wild == [len(pattern) - 1]:
        return Begins(text.name, "".join(pattern[:-1]))
    raise Unpushable("`like` filters lists by a beginning only, as in `/acme/*`.", errors=[])


def _in(operands: Mapping[str, Any], question: Question) -> _Term:
    left, right = _both(operands, question)
    if isinstance(right, Entity):
        right = right.uid
    if isinstance(left, Entity | Unknown) and isinstance(right, Uid | frozenset):
        targets = right if isinstance(right, frozenset) else frozenset({right})
        return disjunction([_within(left, uid) for uid in sorted(targets, key=str)])
    if isinstance(left, Entity) and isinstance(right, _Attribute) and right.name in REFERENCES:
        mine = left.ancestors | {left.uid}
        wanted = REFERENCES[right.name]
        ids = frozenset(uid.id for uid in mine if uid.type == wanted)
        return OneOf(right.name, ids) if ids else False
    raise Unpushable("`in` is known of the principal and the resource only.", errors=[])


def _contains(operands: Mapping[str, Any], question: Question) -> _Term:
    left, right = _both(operands, question)
    if isinstance(right, Entity):
        right = right.uid
    if isinstance(left, frozenset) and isinstance(right, _Attribute):
        return OneOf(right.name, frozenset(_plain(member) for member in left))
    if isinstance(left, frozenset) and isinstance(right, Unknown):
        return disjunction([_is(right, uid) for uid in sorted(left, key=str)])
    if isinstance(left, frozenset):
        return right in left
    if isinstance(left, _Attribute) and isinstance(right, str):
        return Holds(left.name, right)
    raise Unpushable("This `contains` cannot filter a list.", errors=[])


def _plain(member: Any) -> str:
    return member.id if isinstance(member, Uid) else str(member)


def _contains_any(operands: Mapping[str, Any], question: Question) -> _Term:
    left, right = _both(operands, question)
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return bool(left & right)
    if isinstance(left, frozenset):
        left, right = right, left
    if isinstance(left, _Attribute) and isinstance(right, frozenset):
        return disjunction([Holds(left.name, str(member)) for member in sorted(right)])
    raise Unpushable("This `containsAny` cannot filter a list.", errors=[])


def _contains_all(operands: Mapping[str, Any], question: Question) -> _Term:
    left, right = _both(operands, question)
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left >= right
    if isinstance(left, _Attribute) and isinstance(right, frozenset):
        return conjunction([Holds(left.name, str(member)) for member in sorted(right)])
    raise Unpushable("This `containsAll` cannot filter a list.", errors=[])


def _is_empty(operands: Mapping[str, Any], question: Question) -> _Term:
    members = _reduce(operands["arg"], question)
    if isinstance(members, frozenset):
        return not members
    raise Unpushable("`isEmpty` cannot filter a list.", errors=[])


def _is_type(operands: Mapping[str, Any], question: Question) -> _Term:
    side = _reduce(operands["left"], question)
    if not isinstance(side, Entity | Unknown):
        raise Unpushable("`is` is known of principal and resource only.", errors=[])
    if operands["entity_type"] != _type(side):
        return False
    return (
        _in({"left": operands["left"], "right": operands["in"]}, question)
        if "in" in operands
        else True
    )


_OPERATORS: dict[str, Callable[[Any, Question], _Term]] = {
    "Var": _variable,
    "Value": _value,
    ".": _attribute,
    "has": _has,
    "Set": _set,
    "&&": _and,
    "||": _or,
    "!": _not,
    "if-then-else": _choose,
    "==": _equals,
    "!=": _differs,
    **{order: _compare(order) for order in Order},
    "like": _like,
    "in": _in,
    "contains": _contains,
    "containsAny": _contains_any,
    "containsAll": _contains_all,
    "isEmpty": _is_empty,
    "is": _is_type,
}
