"""Turns: which of the transfers that are due may start now, and why the others may not.

Pure: what waits, what runs and the limits in; an order out. Priority goes first, then the deadline,
then tenants take turns. See docs/explanation/algorithms/source-choice.md.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

DEADLINE_GRAIN = 60.0
"""Seconds within which two deadlines are the same, so that tenants still take turns."""
UNLIMITED_SLOTS = 16
"""What a store without a limit is taken for while it fails."""
MOST_HALVINGS = 3
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transfer that is due."""

    id: UUID
    tenant: str
    target: str
    sources: tuple[str, ...]
    """The stores it may be taken from, the best first; empty when there is none just now."""
    bytes: int
    since: float
    """When it became due, in seconds of any clock."""
    priority: int = 5
    due_at: float = NEVER
    """Its deadline by the same clock."""


@dataclass(frozen=True, slots=True)
class Running:
    """A transfer that has its slot."""

    tenant: str
    target: str
    source: str | None


@dataclass(frozen=True)
class Limits:
    """How many transfers may pass a place at once; what is not in here has no limit."""

    site_of: Mapping[str, str]
    """The site of each store."""
    store_slots: Mapping[str, int] = field(default_factory=dict)
    link_slots: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By the names of source and target site."""


@dataclass(frozen=True)
class Turns:
    """Who may start, in order, and what holds the others up, in words."""

    start: tuple[UUID, ...]
    held: Mapping[UUID, str]


@dataclass
class Places:
    """The slots that are taken."""

    limits: Limits
    stores: Counter[str] = field(default_factory=Counter)
    links: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, source: str | None, target: str) -> None:
        self.stores[target] += 1
        if source is not None and source != target:
            self.stores[source] += 1
            self.links[self._link(source, target)] += 1

    def obstacle(self, source: str | None, target: str) -> str | None:
        """Return why one more may not pass now; None when it may."""
        for store in (target, source):
            slots = None if store is None else self.limits.store_slots.get(store)
            if store is not None and slots is not None and self.stores[store] >= slots:
                return f"{store} has as many transfers as it takes at once ({slots})"
        if source is None:
            return None
        link = self._link(source, target)
        slots = self.limits.link_slots.get(link)
        if slots is not None and self.links[link] >= slots:
            return f"the link {link[0]} → {link[1]} carries as many as it takes at once ({slots})"
        return None

    def way(self, sources: Iterable[str], target: str) -> tuple[str | None, str | None]:
        """Return the first source with a free way, and why there is none; of both one is None.

        Without sources what counts is the target alone.
        """
        first: str | None = None
        asked: list[str | None] = list(sources)
        for source in asked or [None]:
            obstacle = self.obstacle(source, target)
            if obstacle is None:
                return source, None
            first = first or obstacle
        return None, first

    def _link(self, source: str, target: str) -> tuple[str, str]:
        return self.limits.site_of[source], self.limits.site_of[target]


def turns(
    waiting: Sequence[Waiting],
    running: Iterable[Running],
    limits: Limits,
    *,
    recent_bytes: Mapping[str, int] | None = None,
    most: int | None = None,
) -> Turns:
    """Return who starts now. Whoever is held up holds up nobody else.

    Of equal priority and deadline the next is the tenant with the fewest transfers under way, then
    with the fewest bytes in the last while, then the one that waits longest. Each that starts takes
    its slots and its tenant's turn. At most `most` start; those not looked at are in no answer.
    Costs n log n.
    """
    places = Places(limits)
    under_way: Counter[str] = Counter()
    for busy in running:
        places.take(busy.source, busy.target)
        under_way[busy.tenant] += 1
    used = Counter(recent_bytes or {})
    start: list[UUID] = []
    held: dict[UUID, str] = {}
    for _, rows in groupby(sorted(waiting, key=_order), key=_urgency):
        queues: dict[str, deque[Waiting]] = {}
        for row in rows:
            queues.setdefault(row.tenant, deque()).append(row)
        heads = [_head(queue, under_way, used) for queue in queues.values()]
        heapq.heapify(heads)
        while heads:
            if most is not None and len(start) >= most:
                return Turns(tuple(start), held)
            tenant = heads[0][-1]
            row = queues[tenant].popleft()
            source, obstacle = places.way(row.sources, row.target)
            if obstacle is None:
                places.take(source, row.target)
                under_way[tenant] += 1
                used[tenant] += row.bytes
                start.append(row.id)
            else:
                held[row.id] = obstacle
            if queues[tenant]:
                heapq.heapreplace(heads, _head(queues[tenant], under_way, used))
            else:
                heapq.heappop(heads)
    return Turns(tuple(start), held)


def slots_after(slots: int | None, failures: int) -> int | None:
    """Return the slots of a store after so many transfers have failed there and wait to try again.

    Halved for the first, again for two and for four; never below one. As the waits end the slots
    come back, so a store that recovers is not met by everyone at once.
    """
    if failures == 0:
        return slots
    halvings = min(failures.bit_length(), MOST_HALVINGS)
    return max(1, (UNLIMITED_SLOTS if slots is None else slots) >> halvings)


def _urgency(row: Waiting) -> tuple[int, float]:
    return -row.priority, NEVER if row.due_at == NEVER else row.due_at // DEADLINE_GRAIN


def _order(row: Waiting) -> tuple[tuple[int, float], float, UUID]:
    return _urgency(row), row.since, row.id


def _head(
    queue: deque[Waiting], under_way: Counter[str], used: Counter[str]
) -> tuple[int, int, float, str]:
    row = queue[0]
    return under_way[row.tenant], used[row.tenant], row.since, row.tenant
