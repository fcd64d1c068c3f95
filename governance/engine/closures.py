"""A condition over a resource as a Python closure: what a point decision runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

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
)
from governance.engine.entities import Resource, teams_owned_by

Test = Callable[[Resource], bool]

_ORDERS: Mapping[Order, Callable[[int, int], bool]] = {
    Order.LESS: operator.lt,
    Order.AT_MOST: operator.le,
    Order.MORE: operator.gt,
    Order.AT_LEAST: operator.ge,
}
TRUE = frozenset({True})


def probe(condition: Condition) -> tuple[Callable[[Resource], Any], frozenset[Any]]:
    """Return what to read of a resource and the values that fulfil the condition.

    Most conditions ask for one attribute: reading it without a Python call halves their time.
    """
    match condition:
        case Equals("owners", str(value)):
            return probe(OneOf("owners", frozenset({value})))
        case OneOf("owners", values):
            return operator.attrgetter("team"), teams_owned_by(values)
        case Equals(attribute, value):
            return operator.attrgetter(attribute), frozenset({value})
        case OneOf(attribute, values):
            return operator.attrgetter(attribute), values
    return closure(condition), TRUE


def closure(condition: Condition) -> Test:
    """Return a test that is true of just those resources that fulfil the condition."""
    match condition:
        case bool():
            return lambda resource: condition
        case Equals() | OneOf():
            read, wanted = probe(condition)
            return lambda resource: read(resource) in wanted
        case Compares(attribute, order, bound):
            read, compare = operator.attrgetter(attribute), _ORDERS[order]
            return lambda resource: compare(read(resource), bound)
        case Begins(attribute, prefix):
            read = operator.attrgetter(attribute)
            return lambda resource: read(resource).startswith(prefix)
        case Holds(attribute, member):
            read = operator.attrgetter(attribute)
            return lambda resource: member in read(resource)
        case Within():
            return _within(condition)
        case Not(of):
            inner = closure(of)
            return lambda resource: not inner(resource)
        case All(parts):
            return _all([closure(part) for part in parts])
        case Some(parts):
            return _some([closure(part) for part in parts])


def _within(condition: Within) -> Test:
    name = condition.uid.id
    if condition.itself_only or condition.uid.type != "Domain":
        return lambda resource: resource.name == name
    below = name + "/"
    return lambda resource: resource.name == name or resource.name.startswith(below)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda resource: first(resource) and second(resource)

    def every(resource: Resource) -> bool:
        for test in tests:  # noqa: SIM110  # all() over a generator takes twice the time
            if not test(resource):
                return False
        return True

    return every


def _some(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda resource: first(resource) or second(resource)

    def some(resource: Resource) -> bool:
        for test in tests:  # noqa: SIM110
            if test(resource):
                return True
        return False

    return some
