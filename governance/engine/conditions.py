"""What is left of a policy when one thing is unknown: a condition over its attributes.

One condition, four readers: a Python closure for one thing (`closures`), a Django filter for lists
(`governance.pushdown`), an Arrow expression and a SQL text for rows (`rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.engine.uids import Uid

Scalar = str | bool | int


class Order(StrEnum):
    """The comparisons of whole numbers."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute has this value."""

    attribute: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Compares:
    """The attribute, a whole number, stands in this order to the value."""

    attribute: str
    order: Order
    value: int


@dataclass(frozen=True, slots=True)
class Begins:
    """The attribute, a text, begins with this one."""

    attribute: str
    prefix: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute is one of these values."""

    attribute: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holds:
    """The attribute is a set that holds this value."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Within:
    """The unknown is this one, or lies below it: a domain's product, a team's member."""

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


Condition = bool | Equals | Compares | Begins | OneOf | Holds | Within | Not | All | Some


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
