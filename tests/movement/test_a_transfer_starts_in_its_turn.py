"""Turns: priority, deadline, then tenants by turns, within the slots of stores and links."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from movement.engine.turns import (
    NEVER,
    Limits,
    Running,
    Waiting,
    slots_after,
    turns,
)

SITE_OF = {"s0": "a", "s1": "a", "s2": "b", "s3": "c"}
STORES = sorted(SITE_OF)
rows = st.lists(
    st.builds(
        Waiting,
        id=st.uuids(),
        tenant=st.sampled_from(["nlp", "health", "ads"]),
        target=st.sampled_from(STORES),
        sources=st.lists(st.sampled_from(STORES), max_size=2, unique=True).map(tuple),
        bytes=st.integers(0, 100),
        since=st.integers(0, 50).map(float),
        priority=st.integers(4, 6),
        due_at=st.sampled_from([NEVER, 10.0, 20.0, 400.0]),
    ).filter(lambda row: row.target not in row.sources),
    max_size=14,
    unique_by=lambda row: row.id,
)
running = st.lists(
    st.builds(
        Running,
        tenant=st.sampled_from(["nlp", "health"]),
        target=st.sampled_from(["s0", "s2"]),
        source=st.sampled_from([None, "s1", "s3"]),
    ),
    max_size=4,
)
limits = st.builds(
    Limits,
    site_of=st.just(SITE_OF),
    store_slots=st.dictionaries(st.sampled_from(STORES), st.integers(0, 4)),
    link_slots=st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), st.integers(0, 3)
    ),
)


class Naive:
    """The rule told once more: look at all that is left, take the best, see whether it fits."""

    def __init__(self, busy: list[Running], limits: Limits) -> None:
        self.limits = limits
        self.taken = [(row.source, row.target) for row in busy]
        self.tenants = Counter(row.tenant for row in busy)
        self.used: Counter[str] = Counter()

    def fits(self, source: str | None, target: str) -> bool:
        ends = [store for way in self.taken for store in set(way)]
        for end in {source, target} - {None}:
            if ends.count(end) >= self.limits.store_slots.get(str(end), 99):
                return False
        if source is None:
            return True
        link = (SITE_OF[source], SITE_OF[target])
        ways = [(SITE_OF[one], SITE_OF[other]) for one, other in self.taken if one and one != other]
        return ways.count(link) < self.limits.link_slots.get(link, 99)

    def order(self, waiting: list[Waiting]) -> list[UUID]:
        started, left = [], list(waiting)
        while left:
            row = min(left, key=self.key)
            left.remove(row)
            sources: list[str | None] = list(row.sources) or [None]
            fitting = [source for source in sources if self.fits(source, row.target)]
            if fitting:
                self.taken.append((fitting[0], row.target))
                self.tenants[row.tenant] += 1
                self.used[row.tenant] += row.bytes
                started.append(row.id)
        return started

    def key(self, row: Waiting) -> tuple[object, ...]:
        due = row.due_at if row.due_at == NEVER else row.due_at // 60
        share = (self.tenants[row.tenant], self.used[row.tenant])
        return (-row.priority, due, *share, row.since, row.tenant, row.id)


def oldest_of_each(waiting: list[Waiting]) -> list[Waiting]:
    """Make `since` distinct within a tenant, so that only one of its rows can be its next."""
    return [
        Waiting(
            r.id, r.tenant, r.target, r.sources, r.bytes, r.since + n / 100, r.priority, r.due_at
        )
        for n, r in enumerate(waiting)
    ]


@settings(max_examples=80, deadline=None)
@given(rows, running, limits)
def test_the_order_is_that_of_a_naive_rule(
    waiting: list[Waiting], busy: list[Running], limits: Limits
) -> None:
    waiting = oldest_of_each(waiting)
    found = turns(waiting, busy, limits)
    assert list(found.start) == Naive(busy, limits).order(waiting)
    assert {*found.start, *found.held} == {row.id for row in waiting}
    assert not {*found.start} & {*found.held}
    assert all(found.held.values()), "whoever waits is told why"


def waits(number: int, tenant: str = "nlp", **facts: object) -> Waiting:
    row = {"target": "s0", "sources": ("s2",), "bytes": 1, "since": float(number), **facts}
    return Waiting(UUID(int=number), tenant, **row)  # type: ignore[arg-type]  # facts of the row


def numbers(ids: tuple[UUID, ...]) -> list[int]:
    return [each.int for each in ids]


FREE = Limits(SITE_OF)


def test_a_tenant_with_much_to_do_does_not_starve_one_with_little() -> None:
    many = [waits(n, "nlp") for n in range(1, 101)]
    few = [waits(n, "health") for n in (101, 102)]
    assert numbers(turns(many + few, [], FREE, most=4).start) == [1, 101, 2, 102]
    busy = [Running("health", "s3", None)] * 3
    assert numbers(turns(many + few, busy, FREE, most=4).start) == [1, 2, 3, 101]
    eaten = {"nlp": 10**9}
    assert numbers(turns(many + few, [], FREE, recent_bytes=eaten, most=2).start) == [101, 1]


def test_priority_goes_before_deadline_and_deadline_before_turns() -> None:
    plain, due, urgent = waits(1), waits(2, due_at=90.0), waits(3, priority=9)
    later = waits(4, "health", due_at=5000.0)
    order = numbers(turns([plain, later, due, urgent], [], FREE).start)
    assert order == [3, 2, 4, 1]


def test_a_full_store_holds_up_its_own_transfers_alone() -> None:
    limits = Limits(SITE_OF, store_slots={"s0": 1})
    found = turns([waits(1), waits(2), waits(3, target="s3")], [], limits)
    assert numbers(found.start) == [1, 3]
    assert found.held == {UUID(int=2): "s0 has as many transfers as it takes at once (1)"}


def test_another_source_is_taken_when_the_link_of_the_best_is_full() -> None:
    limits = Limits(SITE_OF, link_slots={("b", "a"): 1})
    two_ways = [waits(n, sources=("s2", "s3")) for n in (1, 2)]
    assert numbers(turns(two_ways, [], limits).start) == [1, 2]
    one_way = [waits(n) for n in (1, 2)]
    found = turns(one_way, [], limits)
    assert numbers(found.start) == [1]
    assert "b → a" in found.held[UUID(int=2)]


def test_a_store_that_fails_is_given_fewer_at_once() -> None:
    assert [slots_after(8, failures) for failures in (0, 1, 2, 4, 100)] == [8, 4, 2, 1, 1]
    assert [slots_after(None, failures) for failures in (0, 1, 3)] == [None, 8, 4]
    assert slots_after(1, 9) == 1
