"""Source choice: from where, and over which store, a copy is taken; the best way first.

Pure: the mesh, the stores that hold the bytes and a judge in; routes out. The reconciler, the
worker and the simulator ask the same function. See docs/explanation/algorithms/source-choice.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from movement.engine.costs import copy_cost
from movement.engine.distance import Distance, Place, distance, rank
from movement.engine.mesh import Mesh, StoreView

LEG_SECONDS = 1.0
"""What a copy takes however small it is."""
SECONDS_PER_MONEY = 600.0
"""One unit of money weighs as much as ten minutes."""
LEAST_SUCCESS = 0.05
"""A link that always fails is taken for one of twenty: so it is tried again one day."""
FAR_SHARE = 0.5
"""A link nobody measured, to a site that shares no jurisdiction, is taken for half as fast."""
LOAD_SHARE = 0.25
"""Each transfer that reads from a store already makes it this much slower for one more."""
KIND_ORDER = {"core": 0, "edge": 1, "mobile": 2}

Judge = Callable[[str], bool]
"""Says whether policy lets the bytes lie in a store, for however short a time."""


@dataclass(frozen=True, slots=True)
class Route:
    """The stores that a copy passes, and what is expected of it."""

    stores: tuple[str, ...]
    """The source, the stop on the way if there is one, the target."""
    seconds: float
    """From the first byte to the last, all attempts that are likely to fail included."""
    cost: float

    @property
    def source(self) -> str:
        return self.stores[0]

    @property
    def hop(self) -> str | None:
        """Return the store where the copy stops on its way; None for a direct one."""
        return self.stores[1] if len(self.stores) > 2 else None

    @property
    def score(self) -> float:
        """Return seconds, and money as seconds; less is better."""
        return self.seconds + SECONDS_PER_MONEY * self.cost


def routes(  # noqa: PLR0913 - a question in its own words, asked by three callers
    mesh: Mesh,
    sources: Iterable[str],
    target: str,
    bytes: int,
    files: int,
    judge: Judge,
    load: Mapping[str, int] | None = None,
) -> list[Route]:
    """Return the ways that are open now from stores that hold the bytes, the best first.

    A direct way goes over one open link. Only when there is none the ways over one store at a third
    site are returned, which is in contact, takes the bytes and is allowed to hold them: `judge` is
    asked for every such stop, and for no other store, since whether the bytes may be at the target
    is decided by whoever wants them there. Empty while the target is out of reach. `load` counts
    the transfers that read from a store already. Costs sources x stores.
    """
    if not mesh.stores[target].site.reachable:
        return []
    choice = _Choice(mesh, target, bytes, files, load or {})
    ready = [name for name in sorted(set(sources)) if name != target and _gives(mesh, name)]
    found = [choice.route(source, target) for source in ready if choice.is_open(source, target)]
    if not found:
        stops = [name for name in choice.stops() if judge(name)] if ready else []
        found = [
            choice.route(source, stop, target)
            for stop in stops
            for source in ready
            if choice.is_third(source, stop) and choice.is_open(source, stop)
        ]
    return sorted(found, key=choice.preference)


def _gives(mesh: Mesh, name: str) -> bool:
    store = mesh.stores.get(name)
    return store is not None and store.trusted and store.site.reachable


@dataclass(frozen=True)
class _Choice:
    """One question: everything but the source."""

    mesh: Mesh
    target: str
    bytes: int
    files: int
    load: Mapping[str, int]

    def is_open(self, source: str, target: str) -> bool:
        return self.mesh.link(self._site(source), self._site(target)).open

    def is_third(self, source: str, stop: str) -> bool:
        return self._site(stop) not in {self._site(source), self._site(self.target)}

    def stops(self) -> list[str]:
        """Return the stores that could take the bytes for a while and hand them to the target."""
        return [
            store.name
            for store in self.mesh.stores.values()
            if store.accepts
            and store.answers
            and store.site.reachable
            and (store.free_bytes is None or store.free_bytes >= self.bytes)
            and self.is_open(store.name, self.target)
        ]

    def route(self, *stores: str) -> Route:
        legs = list(pairwise(stores))
        seconds = sum(self._seconds(source, target) for source, target in legs)
        cost = sum(
            copy_cost(self.mesh, source, target, self.files, self.bytes) for source, target in legs
        )
        return Route(stores, seconds * (1 + LOAD_SHARE * self.load.get(stores[0], 0)), cost)

    def preference(
        self, route: Route
    ) -> tuple[bool, bool, bool, float, tuple[int, int], int, tuple[str, ...]]:
        """Return what sorts routes: health, then the same site, then score; names break ties."""
        source, target = self.mesh.stores[route.source], self.mesh.stores[self.target]
        here, there = _place(target), _place(source)
        return (
            not source.answers,
            not source.site.accepts,
            distance(here, there) is not Distance.SITE,
            route.score,
            rank(here, there),
            KIND_ORDER.get(source.site.kind, len(KIND_ORDER)),
            route.stores,
        )

    def _seconds(self, source: str, target: str) -> float:
        link = self.mesh.link(self._site(source), self._site(target))
        here, there = _place(self.mesh.stores[source]), _place(self.mesh.stores[target])
        far = link.rate is None and distance(here, there) is Distance.OTHER
        rate = link.bytes_per_second * (FAR_SHARE if far else 1.0)
        tries = 1 / max(LEAST_SUCCESS, 1 - link.failure_rate)
        return (LEG_SECONDS + self.bytes / max(rate, 1.0)) * tries

    def _site(self, store: str) -> str:
        return self.mesh.stores[store].site.name


def _place(store: StoreView) -> Place:
    return Place(store.site.name, store.site.jurisdictions)
