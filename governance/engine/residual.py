"""The list form of the decision: what is left of the policies when only the resource is unknown.

`residual` substitutes the principal, the action and the situation into Cedar's JSON form of the
same policy text that `decide` evaluates, and returns a condition over the resource's attributes.
Lists, counts and search filter by that condition, so they cannot show what a page forbids.

What this reduction cannot express raises Unpushable: refused, never ignored. A property test
holds it equal to Cedar. See docs/explanation/algorithms/decision.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidSpec
from governance.engine.entities import ANONYMOUS, Action, Principal, Situation
from governance.engine.uids import Uid


class Unpushable(InvalidSpec):
    """A policy uses what cannot become a filter over a list."""

    code = "unpushable_policy"
    title = "A policy cannot filter lists"


@dataclass(frozen=True, slots=True)
class Equals:
    """The resource's attribute has this value."""

    attribute: str
    value: str | bool | int


@dataclass(frozen=True, slots=True)
class OneOf:
    """The resource's attribute is one of these values."""

    attribute: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holds:
    """The resource's attribute is a set that holds this value."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Within:
    """The resource is this one, or lies below it."""

    uid: Uid
    itself_only: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition


@dataclass(frozen=True, slots=True)
class All:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    of: tuple[Condition, ...]


Condition = bool | Equals | OneOf | Holds | Within | Not | All | Some
_Known = str | bool | int | Uid | frozenset[Any]


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str


@dataclass(frozen=True, slots=True)
class _Resource:
    """The unknown itself."""


_Term = Condition | _Known | _Attribute | _Resource


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that is known when a list is asked for."""

    principal: Principal
    action: Action
    resource_type: str
    attributes: frozenset[str]
    """The attributes that resources of the type have."""
    situation: Situation
    every_branch: bool = False
    """True to look at both sides of every operator, as when a policy is checked."""


def residual(policies: Iterable[dict[str, Any]], question: Question) -> Condition:
    """Return the condition under which the policies allow; they come from PolicySet.policies."""
    permits: list[Condition] = []
    forbids: list[Condition] = []
    for policy in policies:
        condition = _policy(policy, question)
        (permits if policy["effect"] == "permit" else forbids).append(condition)
    return conjunction([disjunction(permits), negation(disjunction(forbids))])


def check_pushable(policies: Iterable[dict[str, Any]], columns: frozenset[str]) -> None:
    """Raise Unpushable unless every policy can filter a list, whoever asks for it.

    `columns` are the attributes of a product that its table keeps. A policy whose scope is the
    action `replicate` alone is free: what is copied is decided one by one, never as a list.
    """
    for policy in policies:
        if policy["action"].get("entity", {}).get("id") == Action.REPLICATE:
            continue
        for clause in policy["conditions"]:
            missing = _attributes_in(clause["body"]) - columns
            if missing:
                raise Unpushable(
                    f"{_id(policy)}: lists cannot be filtered by {', '.join(sorted(missing))}; "
                    "only a policy for the action replicate may speak of it.",
                    errors=[{"where": _id(policy), "message": ", ".join(sorted(missing))}],
                )
            for action in Action:
                question = Question(
                    ANONYMOUS, action, "Product", columns, Situation(), every_branch=True
                )
                _checked(policy, clause["body"], question)


def _checked(policy: dict[str, Any], body: dict[str, Any], question: Question) -> None:
    try:
        _boolean(_reduce(body, question))
    except Unpushable as error:
        found = [{"where": _id(policy), "message": error.detail}]
        raise Unpushable(f"{_id(policy)}: {error.detail}", errors=found) from error


def _id(policy: dict[str, Any]) -> str:
    return str(policy["annotations"]["id"])


def _attributes_in(expression: Any) -> set[str]:
    """Return the attributes of the resource that an expression reads, wherever it does."""
    if isinstance(expression, list):
        return set().union(*map(_attributes_in, expression))
    if not isinstance(expression, dict):
        return set()
    found = set().union(*map(_attributes_in, expression.values()))
    read = expression.get(".")
    if isinstance(read, dict) and read.get("left") == {"Var": "resource"}:
        found.add(str(read["attr"]))
    return found


def conjunction(parts: Sequence[Condition]) -> Condition:
    kept = [part for part in parts if part is not True]
    if any(part is False for part in kept):
        return False
    return True if not kept else kept[0] if len(kept) == 1 else All(tuple(kept))


def disjunction(parts: Sequence[Condition]) -> Condition:
    kept = [part for part in parts if part is not False]
    if any(part is True for part in kept):
        return True
    return False if not kept else kept[0] if len(kept) == 1 else Some(tuple(kept))


def negation(part: Condition) -> Condition:
    if isinstance(part, bool):
        return not part
    return part.of if isinstance(part, Not) else Not(part)


def _policy(policy: dict[str, Any], question: Question) -> Condition:
    scope = [
        _scope(policy["principal"], question.principal.uid, _ancestors(question)),
        _scope(policy["action"], Uid("Action", str(question.action)), frozenset()),
        _resource_scope(policy["resource"], question),
    ]
    if conjunction(scope) is False:
        return False  # as in Cedar: a policy out of scope is not evaluated
    for clause in policy["conditions"]:
        body = _boolean(_reduce(clause["body"], question))
        scope.append(body if clause["kind"] == "when" else negation(body))
    return conjunction(scope)


def _ancestors(question: Question) -> frozenset[Uid]:
    return question.principal.ancestors()


def _uid(raw: dict[str, str]) -> Uid:
    return Uid(raw["type"], raw["id"])


def _scope(scope: dict[str, Any], known: Uid, ancestors: frozenset[Uid]) -> bool:
    match scope["op"]:
        case "All":
            return True
        case "==":
            return known == _uid(scope["entity"])
        case "in":
            listed = scope["entities"] if "entities" in scope else [scope["entity"]]
            return any(_uid(raw) == known or _uid(raw) in ancestors for raw in listed)
        case "is":
            inside = scope.get("in")
            return known.type == scope["entity_type"] and (
                inside is None or _scope({"op": "in", **inside}, known, ancestors)
            )
    raise Unpushable(f"The scope {scope['op']!r} cannot filter a list.", errors=[])


def _resource_scope(scope: dict[str, Any], question: Question) -> Condition:
    match scope["op"]:
        case "All":
            return True
        case "==":
            return _is(_uid(scope["entity"]), question)
        case "in":
            return _within(_uid(scope["entity"]), question)
        case "is":
            if scope["entity_type"] != question.resource_type:
                return False
            inside = scope.get("in")
            return True if inside is None else _within(_uid(inside["entity"]), question)
    raise Unpushable(f"The resource scope {scope['op']!r} cannot filter a list.", errors=[])


def _is(uid: Uid, question: Question) -> Condition:
    return Within(uid, itself_only=True) if uid.type == question.resource_type else False


def _within(uid: Uid, question: Question) -> Condition:
    if uid.type == "Domain" and question.resource_type in {"Domain", "Product"}:
        return Within(uid)
    return _is(uid, question)


def _boolean(term: _Term) -> Condition:
    if isinstance(term, _Attribute):
        return Equals(term.name, True)
    if isinstance(term, bool | Equals | OneOf | Holds | Within | Not | All | Some):
        return term
    raise Unpushable(f"A condition over {term!r} cannot filter a list.", errors=[])


def _reduce(expression: dict[str, Any], question: Question) -> _Term:
    """Evaluate one expression as far as the known parts allow."""
    (operator, operands), *more = expression.items()
    if more or operator not in _OPERATORS:
        raise Unpushable(f"The operator {operator!r} cannot filter a list.", errors=[])
    return _OPERATORS[operator](operands, question)


def _variable(name: str, question: Question) -> _Term:
    match name:
        case "principal":
            return question.principal.uid
        case "action":
            return Uid("Action", str(question.action))
        case "resource":
            return _Resource()
    raise Unpushable("The context can only be used by its attributes.", errors=[])


def _value(raw: Any, question: Question) -> _Term:
    del question
    if isinstance(raw, dict) and "__entity" in raw:
        return _uid(raw["__entity"])
    if isinstance(raw, str | bool | int):
        return raw
    raise Unpushable(f"The literal {raw!r} cannot filter a list.", errors=[])


def _attribute(operands: dict[str, Any], question: Question) -> _Term:
    if operands["left"] == {"Var": "context"}:
        known = question.situation.as_json()[operands["attr"]]
        return frozenset(known) if isinstance(known, list) else known
    if isinstance(_reduce(operands["left"], question), _Resource):
        return _Attribute(operands["attr"])
    raise Unpushable("Only attributes of the resource and the context are known.", errors=[])


def _has(operands: dict[str, Any], question: Question) -> _Term:
    if isinstance(_reduce(operands["left"], question), _Resource):
        return operands["attr"] in question.attributes
    raise Unpushable("`has` is known of the resource only.", errors=[])


def _set(operands: list[Any], question: Question) -> _Term:
    members = [_reduce(raw, question) for raw in operands]
    if any(isinstance(m, _Attribute | _Resource) for m in members):
        raise Unpushable("A set of unknown members cannot filter a list.", errors=[])
    return frozenset(members)


def _and(operands: dict[str, Any], question: Question) -> _Term:
    left = _boolean(_reduce(operands["left"], question))
    if left is False and not question.every_branch:
        return False  # short circuit, as in Cedar: the right side may not apply to this type
    return conjunction([left, _boolean(_reduce(operands["right"], question))])


def _or(operands: dict[str, Any], question: Question) -> _Term:
    left = _boolean(_reduce(operands["left"], question))
    if left is True and not question.every_branch:
        return True
    return disjunction([left, _boolean(_reduce(operands["right"], question))])


def _choose(operands: dict[str, Any], question: Question) -> _Term:
    test = _boolean(_reduce(operands["if"], question))
    if isinstance(test, bool) and not question.every_branch:
        return _reduce(operands["then"] if test else operands["else"], question)
    then, otherwise = (_boolean(_reduce(operands[key], question)) for key in ("then", "else"))
    return disjunction([conjunction([test, then]), conjunction([negation(test), otherwise])])


def _equals(operands: dict[str, Any], question: Question) -> _Term:
    sides = [_reduce(operands[key], question) for key in ("left", "right")]
    if isinstance(sides[1], _Attribute | _Resource):
        sides.reverse()
    unknown, known = sides
    if isinstance(unknown, _Attribute):
        if isinstance(known, str | bool | int):
            return Equals(unknown.name, known)
        if isinstance(known, Uid):
            return Equals(unknown.name, known.id)
    elif isinstance(unknown, _Resource):
        if isinstance(known, Uid):
            return _is(known, question)
    elif not isinstance(known, _Attribute | _Resource):
        return unknown == known
    raise Unpushable("This comparison cannot filter a list.", errors=[])


def _in(operands: dict[str, Any], question: Question) -> _Term:
    left, right = (_reduce(operands[key], question) for key in ("left", "right"))
    if isinstance(left, _Resource):
        targets = right if isinstance(right, frozenset) else frozenset({right})
        return disjunction([_within(uid, question) for uid in targets if isinstance(uid, Uid)])
    if left != question.principal.uid:
        raise Unpushable("`in` is known of the principal and the resource only.", errors=[])
    mine = _ancestors(question) | {question.principal.uid}
    if isinstance(right, _Attribute):
        return OneOf(right.name, frozenset(uid.id for uid in mine if uid.type in {"Team", "Role"}))
    if isinstance(right, Uid):
        return right in mine
    if isinstance(right, frozenset):
        return bool(right & mine)
    raise Unpushable("This `in` cannot filter a list.", errors=[])


def _contains(operands: dict[str, Any], question: Question) -> _Term:
    left, right = (_reduce(operands[key], question) for key in ("left", "right"))
    if isinstance(left, frozenset) and isinstance(right, _Attribute):
        return OneOf(right.name, frozenset(_plain(member) for member in left))
    if isinstance(left, frozenset) and not isinstance(right, _Resource):
        return right in left
    if isinstance(left, _Attribute) and isinstance(right, str):
        return Holds(left.name, right)
    raise Unpushable("This `contains` cannot filter a list.", errors=[])


def _plain(member: Any) -> str:
    return member.id if isinstance(member, Uid) else str(member)


def _contains_any(operands: dict[str, Any], question: Question) -> _Term:
    left, right = (_reduce(operands[key], question) for key in ("left", "right"))
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return bool(left & right)
    if isinstance(left, frozenset):
        left, right = right, left
    if isinstance(left, _Attribute) and isinstance(right, frozenset):
        return disjunction([Holds(left.name, str(member)) for member in sorted(right)])
    raise Unpushable("This `containsAny` cannot filter a list.", errors=[])


def _contains_all(operands: dict[str, Any], question: Question) -> _Term:
    left, right = (_reduce(operands[key], question) for key in ("left", "right"))
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left >= right
    if isinstance(left, _Attribute) and isinstance(right, frozenset):
        return conjunction([Holds(left.name, str(member)) for member in sorted(right)])
    raise Unpushable("This `containsAll` cannot filter a list.", errors=[])


def _not(operands: dict[str, Any], question: Question) -> _Term:
    return negation(_boolean(_reduce(operands["arg"], question)))


def _is_type(operands: dict[str, Any], question: Question) -> _Term:
    if isinstance(_reduce(operands["left"], question), _Resource):
        if operands["entity_type"] != question.resource_type:
            return False
        return (
            True
            if "in" not in operands
            else _in({"left": operands["left"], "right": operands["in"]}, question)
        )
    raise Unpushable("`is` is known of the resource only.", errors=[])


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
    "!=": lambda operands, question: negation(_boolean(_equals(operands, question))),
    "in": _in,
    "contains": _contains,
    "containsAny": _contains_any,
    "containsAll": _contains_all,
    "is": _is_type,
}
