"""Turns a residual condition into a Django filter over the caller's own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q

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
from governance.engine.entities import teams_owned_by
from governance.engine.residual import Unpushable
from governance.models import Label

_NOTHING = Q(pk__in=[])
_LOOKUPS: Mapping[Order, str] = {
    Order.LESS: "lt",
    Order.AT_MOST: "lte",
    Order.MORE: "gt",
    Order.AT_LEAST: "gte",
}


@dataclass(frozen=True)
class Fields:
    """Where a table keeps what policies speak of.

    `columns` maps a Cedar attribute to a field lookup. `name` is the lookup of the full name,
    which also serves labels and the domain tree. `owned` returns the filter for what some teams,
    by slug, own: a subquery, since a join would let the planner begin with the teams and sort all.
    """

    type: str
    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    owned: Callable[[Sequence[str]], Q] | None = None


def to_q(condition: Condition, fields: Fields) -> Q:
    """Return the filter; raise Unpushable for an attribute that the table does not keep."""
    match condition:
        case True:
            return Q()
        case False:
            return _NOTHING
        case Equals(attribute, value):
            return _equals(attribute, value, fields)
        case Compares(attribute, order, bound):
            return Q(**{f"{_column(attribute, fields)}__{_LOOKUPS[order]}": bound})
        case Begins(attribute, prefix):
            return Q(**{f"{_column(attribute, fields)}__startswith": prefix})
        case OneOf(attribute, values):
            return _one_of(attribute, values, fields)
        case Holds(attribute, value):
            return _holds(attribute, value, fields)
        case Within(uid, itself_only):
            itself = Q(**{fields.name: uid.id})
            if itself_only or uid.type != "Domain":
                return itself
            return itself | Q(**{f"{fields.name}__startswith": uid.id + "/"})
        case Not(of):
            return ~to_q(of, fields)
        case All(parts):
            result = Q()
            for part in parts:
                result &= to_q(part, fields)
            return result
        case Some(parts):
            return _some(parts, fields)


def _some(parts: tuple[Condition, ...], fields: Fields) -> Q:
    """Names and labels are one list each: a thousand grants must not be a thousand ORs deep."""
    names = [part.uid.id for part in parts if isinstance(part, Within) and part.itself_only]
    labels = [
        part.value for part in parts if isinstance(part, Holds) and part.attribute == "labels"
    ]
    result = Q(**{f"{fields.name}__in": names}) if names else _NOTHING
    if labels:
        result |= _carries(labels, fields)
    for part in parts:
        if not _is_listed(part):
            result |= to_q(part, fields)
    return result


def _is_listed(part: Condition) -> bool:
    if isinstance(part, Within):
        return part.itself_only
    return isinstance(part, Holds) and part.attribute == "labels"


def _column(attribute: str, fields: Fields) -> str:
    if attribute not in fields.columns:
        raise Unpushable(f"Lists of {fields.type} cannot be filtered by {attribute!r}.", errors=[])
    return fields.columns[attribute]


def _equals(attribute: str, value: str | bool | int, fields: Fields) -> Q:
    if attribute in {"owners", "team"}:
        return _one_of(attribute, frozenset({str(value)}), fields)
    return Q(**{_column(attribute, fields): value})


def _one_of(attribute: str, values: frozenset[str], fields: Fields) -> Q:
    teams = teams_owned_by(values) if attribute == "owners" else values
    if not teams:
        return _NOTHING
    if attribute in {"owners", "team"} and fields.owned is not None:
        return fields.owned(sorted(teams))
    return Q(**{f"{_column(attribute, fields)}__in": sorted(values)})


def _holds(attribute: str, value: str, fields: Fields) -> Q:
    if attribute != "labels":
        raise Unpushable(f"Lists cannot be filtered by members of {attribute!r}.", errors=[])
    return _carries([value], fields)


def _carries(labels: Sequence[str], fields: Fields) -> Q:
    live = Label.objects.filter(
        name=OuterRef(fields.name), label__in=sorted(labels), removed_at__isnull=True
    )
    return Q(Exists(live))
