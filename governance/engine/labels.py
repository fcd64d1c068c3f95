"""Labels as a lattice, and how they flow: what an output must carry of what its inputs carry.

A set of labels restricts. `join` returns what restricts as much as both together: the higher
`sensitivity`, every tag of either, the places (`residency`) and the purposes (`purpose`) that both
allow, the shorter `retention-max`. So flowing labels only ever grow stricter, and the least fixed
point exists on every graph, with circles as without.
Algorithm: docs/explanation/algorithms/labels.md
"""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEVELS = ("public", "internal", "confidential", "restricted")
SENSITIVITY, RETENTION = "sensitivity", "retention-max"
NARROWING = ("residency", "purpose")
"""Families of which a set is what is allowed; none at all means no limit."""
NOTHING = "none"
"""As in `residency:none`: the inputs allow different things, so nothing is allowed."""
_DAYS = re.compile(r"[1-9][0-9]{0,5}")

Allowed = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What some labels mean together. The empty one, `FREE`, restricts nothing."""

    tags: frozenset[str] = frozenset()
    level: int = -1
    """The place in LEVELS; -1 when nothing is said."""
    residency: Allowed = None
    purpose: Allowed = None
    days: int | None = None

    def labels(self) -> frozenset[str]:
        """Return the labels that say this, and no more."""
        found = set(self.tags)
        if self.level >= 0:
            found.add(f"{SENSITIVITY}:{LEVELS[self.level]}")
        for family in NARROWING:
            allowed: Allowed = getattr(self, family)
            if allowed is not None:
                found |= {f"{family}:{value}" for value in allowed or {NOTHING}}
        if self.days is not None:
            found.add(f"{RETENTION}:{self.days}")
        return frozenset(found)

    def restricts_as(self, other: LabelSet) -> bool:
        """Say whether this restricts at least as much as `other`."""
        return join(self, other) == self


FREE = LabelSet()


def family_of(label: str) -> str:
    return label.partition(":")[0]


def read(labels: Iterable[str]) -> LabelSet:
    """Return what the labels of one place mean together.

    Of one place the values of `residency` and of `purpose` stand beside each other: DE and FR
    together allow both. A value that no rule knows makes its label a tag.
    """
    tags: set[str] = set()
    level, days = -1, None
    allowed: dict[str, set[str]] = {}
    for label in labels:
        family, _, value = label.partition(":")
        if family == SENSITIVITY and value in LEVELS:
            level = max(level, LEVELS.index(value))
        elif family == RETENTION and _DAYS.fullmatch(value):
            days = int(value) if days is None else min(days, int(value))
        elif family in NARROWING and value:
            allowed.setdefault(family, set()).update({value} - {NOTHING})
        else:
            tags.add(label)
    residency, purpose = (frozenset(allowed[f]) if f in allowed else None for f in NARROWING)
    return LabelSet(frozenset(tags), level, residency, purpose, days)


def join(one: LabelSet, other: LabelSet) -> LabelSet:
    """Return what restricts as both do: commutative, associative, idempotent, monotone."""
    days = [each for each in (one.days, other.days) if each is not None]
    return LabelSet(
        one.tags | other.tags,
        max(one.level, other.level),
        _both(one.residency, other.residency),
        _both(one.purpose, other.purpose),
        min(days) if days else None,
    )


def _both(one: Allowed, other: Allowed) -> Allowed:
    if one is None or other is None:
        return other if one is None else one
    return one & other


# -- flowing


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A dataset, or one of its columns. `dataset` is whatever tells datasets apart."""

    dataset: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """What `source` carries, `target` is to carry. `masked`: only masked values go this way."""

    source: Place
    target: Place
    masked: bool = False


Path = tuple[Place, ...]
Labelled = Mapping[Place, Mapping[str, Path]]
"""The labels of each place, each with the path it came by: from its origin to the place."""
Stop = tuple[Place, str]
"""A place that a label does not come to; `family:*` stands for the whole family."""


@dataclass(frozen=True, slots=True)
class Stops:
    """Where labels do not go on: `declassified` on any way, `masked` on masked ways alone."""

    declassified: frozenset[Stop] = frozenset()
    masked: frozenset[Stop] = frozenset()

    def lets(self, flow: Flow, label: str) -> bool:
        wanted = {(flow.target, label), (flow.target, f"{family_of(label)}:*")}
        if wanted & self.declassified:
            return False
        return not (flow.masked and (flow.target, label) in self.masked)


@dataclass(frozen=True, slots=True)
class Settled:
    """What one place carries once all has flowed."""

    inherited: Mapping[str, Path]
    """What comes to it by lineage, also what it carries by itself as well."""
    overruled: frozenset[str]
    """Those of its own labels that allow more than what it is made from does."""


def facet_of(label: str) -> str:
    """Return what flows as one: a tag by itself, the other families whole."""
    family, _, value = label.partition(":")
    if family == SENSITIVITY:
        return family if value in LEVELS else label
    if family == RETENTION:
        return family if _DAYS.fullmatch(value) else label
    return family if family in NARROWING and value else label


class _Spread:
    """The labels of every place while they flow; what has come somewhere never leaves it."""

    def __init__(self, given: Labelled, flows: Iterable[Flow], stops: Stops) -> None:
        self._stops = stops
        self._onward: dict[Place, list[Flow]] = defaultdict(list)
        self.targets: set[Place] = set()
        for flow in flows:
            if flow.source != flow.target:
                self._onward[flow.source].append(flow)
                self.targets.add(flow.target)
        self.own = {place: read(labels) for place, labels in given.items()}
        self.now = dict(self.own)
        self.arrived: dict[Place, LabelSet] = {}
        self.ways: dict[Place, dict[str, Path]] = defaultdict(dict)
        """How what has arrived somewhere came there; paths also tells of where labels begin."""
        self.paths: dict[Place, dict[str, Path]] = {}
        self._waiting: list[tuple[int, Path, Place, str]] = []
        for place, labels in given.items():
            for label, path in sorted(labels.items(), key=lambda item: (len(item[1]), item)):
                facet = facet_of(label)
                if facet not in self.paths.setdefault(place, {}):
                    self._come(place, facet, path)

    def _come(self, place: Place, facet: str, path: Path) -> None:
        self.paths.setdefault(place, {})[facet] = path
        heapq.heappush(self._waiting, (len(path), path, place, facet))

    def run(self) -> None:
        while self._waiting:
            _, path, place, facet = heapq.heappop(self._waiting)
            for flow in self._onward.get(place, ()):
                self._pass_on(flow, facet, path)

    def _pass_on(self, flow: Flow, facet: str, path: Path) -> None:
        held = {each for each in self.now[flow.source].labels() if facet_of(each) == facet}
        coming = read(label for label in held if self._stops.lets(flow, label))
        target, way = flow.target, (*path, flow.target)
        if coming == FREE:
            return
        before = self.now.get(target, FREE)
        after = join(before, coming)
        if after != before or target not in path:  # what merely comes back is no reason of its own
            arrived = join(self.arrived.get(target, FREE), coming)
            if arrived != self.arrived.get(target, FREE):
                self.arrived[target] = arrived
                self.ways[target][facet] = way
        if after != before:
            self.now[target] = after
            self._come(target, facet, way)

    def settled(self, place: Place) -> Settled:
        ours = self.own.get(place, FREE).labels()
        now = self.now.get(place, FREE).labels()
        arrived = self.arrived.get(place, FREE).labels()
        ways = self.ways.get(place, {})
        inherited = {
            label: ways[facet_of(label)]
            for label in sorted(now)
            if label in arrived or (label not in ours and facet_of(label) in ways)
        }
        return Settled(inherited, ours - now)


def settle(given: Labelled, flows: Iterable[Flow], stops: Stops) -> dict[Place, Settled]:
    """Return what every target of `flows` carries: the least fixed point above `given`.

    `given` are the labels that stand by themselves. Places are taken nearest first, so the path
    of a label is a shortest one, the first by name among equals. Cost: that of
    flows times labels, sorted.
    """
    spread = _Spread(given, flows, stops)
    spread.run()
    return {place: spread.settled(place) for place in sorted(spread.targets)}
