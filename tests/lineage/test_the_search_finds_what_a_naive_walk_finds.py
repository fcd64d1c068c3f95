"""The frontier search against the plainest model there is: paths, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from lineage.engine.search import Bounds, Direction, Hop, search

NODES = st.integers(0, 11)
EDGES = st.sets(st.tuples(NODES, NODES), max_size=40)


def asker(
    edges: set[tuple[int, int]], calls: list[Sequence[int]] | None = None
) -> Callable[[Sequence[int], Direction], list[Hop]]:
    def neighbours(ids: Sequence[int], way: Direction) -> list[Hop]:
        if calls is not None:
            calls.append(ids)
        if way is Direction.DOWN:
            return [Hop(dst) for src, dst in edges if src in ids]
        return [Hop(src) for src, dst in edges if dst in ids]

    return neighbours


def naive(edges: set[tuple[int, int]], root: int, depth: int, *, down: bool) -> dict[int, int]:
    steps = edges if down else {(dst, src) for src, dst in edges}
    best = {root: 0}
    for _ in range(depth * len(steps) + 1):
        for src, dst in steps:
            if src in best and best[src] < depth and best[src] + 1 < best.get(dst, depth + 1):
                best[dst] = best[src] + 1
    return best


@given(EDGES, NODES, st.integers(0, 6), st.sampled_from(Direction))
def test_distances_are_those_of_the_shortest_paths(
    edges: set[tuple[int, int]], root: int, depth: int, way: Direction
) -> None:
    found = search([root], asker(edges), way, Bounds(depth, limit=1000))
    ways = {Direction.UP: [False], Direction.DOWN: [True], Direction.BOTH: [False, True]}[way]
    expected: dict[int, int] = {}
    for down in ways:
        for node, distance in naive(edges, root, depth, down=down).items():
            expected[node] = min(distance, expected.get(node, distance))
    assert found.distances == expected
    assert found.total == len(expected)
    assert not found.truncated


@given(EDGES, NODES, st.integers(1, 12))
def test_a_limit_keeps_the_nearest_and_tells_the_total(
    edges: set[tuple[int, int]], root: int, limit: int
) -> None:
    whole = search([root], asker(edges), Direction.BOTH, Bounds(6, limit=1000))
    some = search([root], asker(edges), Direction.BOTH, Bounds(6, limit=limit))
    assert list(some.distances.items()) == list(whole.distances.items())[:limit]
    assert some.total == whole.total
    assert some.truncated == (whole.total > limit)


@given(EDGES, NODES)
def test_the_order_of_hops_does_not_matter(edges: set[tuple[int, int]], root: int) -> None:
    def backwards(ids: Sequence[int], way: Direction) -> list[Hop]:
        return list(reversed(asker(edges)(ids, way)))

    bounds = Bounds(5, limit=7)
    forwards = search([root], asker(edges), Direction.BOTH, bounds)
    assert search([root], backwards, Direction.BOTH, bounds) == forwards
    assert list(search([root], backwards, Direction.BOTH, bounds).distances) == list(
        forwards.distances
    )


@given(EDGES, NODES, st.integers(1, 6))
def test_there_is_one_question_a_level_and_no_node_is_asked_twice(
    edges: set[tuple[int, int]], root: int, depth: int
) -> None:
    calls: list[Sequence[int]] = []
    search([root], asker(edges, calls), Direction.DOWN, Bounds(depth, limit=1000))
    assert len(calls) <= depth
    asked = [node for call in calls for node in call]
    assert len(asked) == len(set(asked))


def test_a_node_that_is_only_shown_is_not_walked_behind() -> None:
    def neighbours(ids: Sequence[int], way: Direction) -> list[Hop]:
        return [Hop(node + 1, onward=node != 1) for node in ids]

    found = search([0], neighbours, Direction.DOWN, Bounds(10, limit=100))
    assert found.distances == {0: 0, 1: 1, 2: 2}


def test_a_hub_stops_the_search_at_its_bound() -> None:
    def neighbours(ids: Sequence[int], way: Direction) -> list[Hop]:
        return [Hop(node * 100 + each) for node in ids for each in range(1, 100)]

    found = search([1], neighbours, Direction.DOWN, Bounds(9, limit=50, visits=500))
    assert found.truncated
    assert not found.exhausted
    assert len(found.distances) == 50
