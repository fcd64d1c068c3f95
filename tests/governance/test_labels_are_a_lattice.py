"""Joining labels has the laws of a lattice, and flowing them is a least fixed point."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.engine.labels import (
    FREE,
    LEVELS,
    Flow,
    LabelSet,
    Place,
    Stops,
    family_of,
    join,
    read,
    settle,
)

LABELS = [
    *(f"sensitivity:{level}" for level in LEVELS),
    "pii:email", "pii:iban", "secret:jwt", "topic:news", "sensitivity:odd",
    "residency:de", "residency:fr", "residency:us", "residency:none",
    "purpose:training", "purpose:analytics", "retention-max:30", "retention-max:365",
    "retention-max:soon",
]  # fmt: skip
label_sets = st.sets(st.sampled_from(LABELS), max_size=6).map(read)
places = st.builds(Place, st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]))
flows = st.lists(st.builds(Flow, places, places, st.booleans()), max_size=12)
labelled = st.dictionaries(places, st.sets(st.sampled_from(LABELS), min_size=1, max_size=3))


@given(label_sets, label_sets, label_sets)
def test_joining_is_commutative_associative_idempotent_and_monotone(
    a: LabelSet, b: LabelSet, c: LabelSet
) -> None:
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a
    assert join(a, FREE) == a
    assert join(a, b).restricts_as(a)
    if b.restricts_as(a):
        assert join(b, c).restricts_as(join(a, c))


@given(label_sets)
def test_labels_say_what_they_mean(a: LabelSet) -> None:
    assert read(a.labels()) == a


def test_each_family_has_its_rule() -> None:
    def joined(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
        return join(read(one), read(other)).labels()

    assert joined(["sensitivity:internal"], ["sensitivity:restricted"]) == {
        "sensitivity:restricted"
    }
    assert joined(["pii:email"], ["secret:jwt"]) == {"pii:email", "secret:jwt"}
    assert joined(["residency:de", "residency:fr"], ["residency:de", "residency:us"]) == {
        "residency:de"
    }
    assert joined(["residency:de"], []) == {"residency:de"}
    assert joined(["residency:de"], ["residency:us"]) == {"residency:none"}
    assert joined(["purpose:training"], ["purpose:training", "purpose:ads"]) == {"purpose:training"}
    assert joined(["retention-max:30"], ["retention-max:365"]) == {"retention-max:30"}


def naive(given_labels: dict[Place, set[str]], all_flows: list[Flow]) -> dict[Place, LabelSet]:
    """Join along every flow until nothing moves any more."""
    now = {place: read(labels) for place, labels in given_labels.items()}
    moved = True
    while moved:
        moved = False
        for flow in all_flows:
            after = join(now.get(flow.target, FREE), now.get(flow.source, FREE))
            moved |= after != now.get(flow.target, FREE)
            now[flow.target] = after
    return now


def with_paths(labels: dict[Place, set[str]]) -> dict[Place, dict[str, tuple[Place, ...]]]:
    return {place: dict.fromkeys(some, (place,)) for place, some in labels.items()}


A, B, C, D = (Place(name) for name in "abcd")
JOINED_ON_ITS_WAY = (
    {C: {"residency:fr"}, D: {"residency:us"}},
    [Flow(C, B), Flow(D, B), Flow(B, A), Flow(A, C)],
)
"""What D says joins the circle of C, which gets back more than it gave."""


@settings(max_examples=300)
@given(labelled, flows)
@example(*JOINED_ON_ITS_WAY)
def test_flowing_is_the_fixed_point_that_a_naive_loop_finds(
    own: dict[Place, set[str]], all_flows: list[Flow]
) -> None:
    expected = naive(own, all_flows)
    for place, settled in settle(with_paths(own), all_flows, Stops()).items():
        ours = read(own.get(place, ())).labels()
        assert ours - settled.overruled | set(settled.inherited) == expected[place].labels()


@given(labelled, flows)
@example(*JOINED_ON_ITS_WAY)
def test_a_path_follows_flows_from_an_origin_and_a_tags_is_shortest(
    own: dict[Place, set[str]], all_flows: list[Flow]
) -> None:
    pairs = {(flow.source, flow.target) for flow in all_flows}
    for place, settled in settle(with_paths(own), all_flows, Stops()).items():
        for label, path in settled.inherited.items():
            assert path[-1] == place
            assert all(step in pairs for step in itertools.pairwise(path))
            if family_of(label) in {"pii", "secret", "topic"}:
                assert label in own[path[0]]
                if label not in own.get(place, ()):
                    assert len(path) == 1 + steps_from(label, own, place, pairs)


def steps_from(
    label: str, own: dict[Place, set[str]], place: Place, pairs: set[tuple[Place, Place]]
) -> int:
    reached, steps = {origin for origin, some in own.items() if label in some}, 0
    while place not in reached:
        reached |= {target for source, target in pairs if source in reached}
        steps += 1
    return steps


A, B, C, D = (Place(name) for name in "abcd")


def test_a_circle_keeps_no_label_alive() -> None:
    circle = [Flow(A, B), Flow(B, C), Flow(C, B)]
    assert set(settle({A: {"pii:email": (A,)}}, circle, Stops())[C].inherited) == {"pii:email"}
    assert all(not found.inherited for found in settle({}, circle, Stops()).values())


def test_a_diamond_tells_one_shortest_path() -> None:
    diamond = [Flow(A, C), Flow(A, B), Flow(C, D), Flow(B, D)]
    assert settle({A: {"pii:email": (A,)}}, diamond, Stops())[D].inherited == {
        "pii:email": (A, B, D)
    }


def test_a_declassified_label_goes_no_further_and_others_do() -> None:
    chain = [Flow(A, B), Flow(B, C)]
    own = {A: {"pii:email": (A,), "pii:iban": (A,)}}
    found = settle(own, chain, Stops(declassified=frozenset({(B, "pii:email")})))
    assert set(found[B].inherited) == set(found[C].inherited) == {"pii:iban"}


def test_a_clean_scan_lowers_on_masked_ways_alone() -> None:
    own = {A: {"pii:email": (A,)}}
    clean = Stops(masked=frozenset({(B, "pii:email")}))
    assert not settle(own, [Flow(A, B, masked=True)], clean)[B].inherited
    assert settle(own, [Flow(A, B, masked=True)], Stops())[B].inherited
    both = [Flow(A, B, masked=True), Flow(A, C), Flow(C, B)]
    assert settle(own, both, clean)[B].inherited


def test_what_allows_less_overrules_ones_own() -> None:
    own = {A: {"residency:de": (A,)}, B: {"residency:de": (B,), "residency:us": (B,)}}
    found = settle(own, [Flow(A, B)], Stops())[B]
    assert set(found.inherited) == {"residency:de"}
    assert found.overruled == {"residency:us"}
