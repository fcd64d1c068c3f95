"""Conditions over every product at once: a set of products is one whole number, a bit for each.

An `and` of two sets over 100,000 products takes a few microseconds, so a change of policy is
decided for everyone and everything without asking the database once for each of them. A bitmap
holds exactly those resources for which `closures.closure` of the same condition is true; a
property test holds the two equal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from operator import and_, attrgetter, or_

from governance.engine.closures import closure
from governance.engine.conditions import (
    All,
    Begins,
    Condition,
    Equals,
    Holds,
    Not,
    OneOf,
    Some,
    Within,
)
from governance.engine.entities import Resource, owners_of

_LAST = "\U0010ffff"
"""Sorts after every character of a name."""
_PLACES = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
_SINGLE = ("team", "owners", "visibility", "access", "lifecycle")


class Bitmaps:
    """Resources of one type, sorted by name, and which of them fulfil a condition."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources: Sequence[Resource] = sorted(resources, key=attrgetter("name"))
        self.names = [resource.name for resource in self.resources]
        self.everything = (1 << len(self.names)) - 1
        self._known: dict[Condition, int] = {}
        self._places: dict[str, Mapping[str, list[int]]] = {}

    def of(self, condition: Condition) -> int:
        """Return the bitmap of the resources that fulfil the condition."""
        match condition:
            case bool():
                return self.everything if condition else 0
            case Not(inner):
                return self.everything & ~self.of(inner)
            case All(parts):
                return reduce(and_, (self.of(part) for part in parts), self.everything)
            case Some(parts):
                return reduce(or_, (self.of(part) for part in parts), 0)
        if condition not in self._known:
            self._known[condition] = self._leaf(condition)
        return self._known[condition]

    def select(self, bitmap: int, limit: int | None = None) -> Iterator[Resource]:
        """Yield the resources of a bitmap in the order of their names, at most `limit`."""
        return islice(self._select(bitmap), limit)

    def _select(self, bitmap: int) -> Iterator[Resource]:
        held = bitmap.to_bytes((bitmap.bit_length() + 7) // 8, "little")
        for place, byte in enumerate(held):
            for bit in _PLACES[byte] if byte else ():
                yield self.resources[8 * place + bit]

    def _leaf(self, condition: Condition) -> int:
        match condition:
            case Equals("name", str(value)):
                return self._named(value)
            case OneOf("name", values):
                return reduce(or_, map(self._named, values), 0)
            case Equals(attribute, str(value)) if attribute in _SINGLE:
                return self._having(attribute, [value])
            case OneOf(attribute, values) if attribute in _SINGLE:
                return self._having(attribute, values)
            case Holds("labels", value):
                return self._having("labels", [value])
            case Begins("name", prefix):
                return self._range(prefix)
            case Within(uid, itself_only):
                below = not itself_only and uid.type == "Domain"
                return self._named(uid.id) | (self._range(uid.id + "/") if below else 0)
        test = closure(condition)
        return _bits(place for place, each in enumerate(self.resources) if test(each))

    def _named(self, name: str) -> int:
        place = bisect_left(self.names, name)
        found = place < len(self.names) and self.names[place] == name
        return 1 << place if found else 0

    def _range(self, prefix: str) -> int:
        low, high = bisect_left(self.names, prefix), bisect_left(self.names, prefix + _LAST)
        return (1 << high) - (1 << low)

    def _having(self, attribute: str, values: Iterable[str]) -> int:
        """Return the bitmap of some values. Cost: once for an attribute, all resources."""
        if attribute not in self._places:
            places: dict[str, list[int]] = defaultdict(list)
            for place, resource in enumerate(self.resources):
                for value in _values(resource, attribute):
                    places[value].append(place)
            self._places[attribute] = places
        held = self._places[attribute]
        return reduce(or_, (_bits(held[value]) for value in values if value in held), 0)


def _values(resource: Resource, attribute: str) -> Iterable[str]:
    match attribute:
        case "labels":
            return resource.labels
        case "owners":
            return (owners_of(resource.team),)
    return (str(getattr(resource, attribute)),)


def _bits(places: Iterable[int]) -> int:
    """Return the bitmap of some places in rising order."""
    listed = list(places)
    if not listed:
        return 0
    held = bytearray((listed[-1] >> 3) + 1)
    for place in listed:
        held[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(held, "little")
