"""Bounded search of a graph that is too large to hold: frontier by frontier, from some roots.

`neighbours` is asked once a level, for all nodes of the level together, so the number of
questions is at most twice the depth whatever the size of the answer.
Algorithm: docs/explanation/algorithms/lineage-search.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Hop:
    """One step to `target`. With `onward` false the target is shown but not walked behind."""

    target: int
    onward: bool = True


Neighbours = Callable[[Sequence[int], Direction], Iterable[Hop]]


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest nodes and how many there are behind them."""

    distances: dict[int, int]
    """Node → number of steps from the nearest root; ordered by distance, then by node."""
    total: int
    """Nodes within the depth; a lower bound when `exhausted` is false."""
    exhausted: bool
    """False when the search stopped at its bound."""

    @property
    def truncated(self) -> bool:
        return not self.exhausted or self.total > len(self.distances)


@dataclass(frozen=True, slots=True)
class Bounds:
    depth: int
    limit: int
    """Most nodes in the answer."""
    visits: int = 5000
    """Most nodes looked at; what keeps a question about a hub cheap."""


def search(
    roots: Iterable[int], neighbours: Neighbours, direction: Direction, bounds: Bounds
) -> Found:
    """Return the nodes that lead to the roots (up), that the roots lead to (down), or both.

    Both means ancestors and descendants, not everything connected: a sibling is neither.
    The same graph gives the same answer, whatever the order of the hops.
    """
    starts = sorted(set(roots))
    ways = [Direction.UP, Direction.DOWN] if direction is Direction.BOTH else [direction]
    distances: dict[int, int] = {}
    exhausted = True
    for way in ways:
        reached, complete = _walk(starts, neighbours, way, bounds)
        exhausted = exhausted and complete
        for node, distance in reached.items():
            distances[node] = min(distance, distances.get(node, distance))
    nearest = sorted(distances, key=lambda node: (distances[node], node))
    kept = {node: distances[node] for node in nearest[: bounds.limit]}
    return Found(kept, total=len(distances), exhausted=exhausted)


def _walk(
    starts: list[int], neighbours: Neighbours, way: Direction, bounds: Bounds
) -> tuple[dict[int, int], bool]:
    distances = dict.fromkeys(starts, 0)
    walked = set(starts)
    frontier = starts
    for distance in range(1, bounds.depth + 1):
        if not frontier:
            break
        hops = list(neighbours(frontier, way))
        for hop in hops:
            distances.setdefault(hop.target, distance)
        frontier = sorted({hop.target for hop in hops if hop.onward} - walked)
        walked.update(frontier)
        if len(distances) > bounds.visits:
            return distances, False
    return distances, True
