"""The mesh as planning sees it: sites, stores and links as values, without a database or a clock.

The reconciler fills it from tables, the simulator from a scenario; whoever plans cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

UNMEASURED_RATE = 50_000_000.0
"""Bytes a second that a link is taken for until a transfer has measured it."""
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SiteView:
    """What planning knows of a site."""

    name: str
    kind: str = "core"
    jurisdictions: tuple[str, ...] = ()
    """From the narrowest to the widest."""
    reachable: bool = True
    """False while it is off-line or lost: nothing is read from there or sent there."""
    accepts: bool = True
    """False while it is draining, off-line or lost: nothing new is placed there."""
    counts: bool = True
    """False when its copies do not count any more: it is draining, lost, or away for too long."""
    draining: bool = False
    """True while it is being emptied: its copies go once there are enough elsewhere."""


@dataclass(frozen=True, slots=True)
class StoreView:
    """What planning knows of a store."""

    name: str
    site: SiteView
    usable: bool = True
    """False when it is read only: nothing new goes there."""
    answers: bool = True
    """False when it did not answer the last time: what answers is chosen before it."""
    trusted: bool = True
    """False while it is in quarantine: its copies do not count and nothing is read from there."""
    locks: bool = False
    """True when it can keep objects from everyone for a time (object lock)."""
    tier: str = "hot"
    free_bytes: int | None = None
    """None for no limit."""
    erasable_days: float = 0.0
    """How long an erasure may take there: while its site may be away, nothing is removed."""
    cost_gb_month: float = 0.0
    cost_1000_puts: float = 0.0
    cost_1000_gets: float = 0.0

    @property
    def accepts(self) -> bool:
        return self.usable and self.trusted and self.site.accepts

    @property
    def counts(self) -> bool:
        return self.trusted and self.site.counts

    @property
    def vouches(self) -> bool:
        """Say whether a copy there can be asked for right now: only such back a removal."""
        return self.counts and self.answers and self.site.reachable


@dataclass(frozen=True, slots=True)
class LinkView:
    """The way from one site to another."""

    open: bool = True
    rate: float | None = None
    """Bytes a second of one transfer, measured; None before the first."""
    limit: float | None = None
    """Bytes a second of all transfers together; None for no limit."""
    slots: int | None = None
    cost_per_gb: float = 0.0
    failure_rate: float = 0.0
    """Share of attempts, 0 to 1."""

    @property
    def bytes_per_second(self) -> float:
        """What a transfer may expect."""
        rate = UNMEASURED_RATE if self.rate is None else self.rate
        return rate if self.limit is None else min(rate, self.limit)


_WITHIN_A_SITE = LinkView(rate=4 * UNMEASURED_RATE)
_UNDECLARED = LinkView()


@dataclass(frozen=True)
class Mesh:
    """All of it, by name."""

    stores: dict[str, StoreView]
    links: dict[tuple[str, str], LinkView] = field(default_factory=dict)
    """By the names of source and target site."""

    @classmethod
    def of(
        cls, stores: Iterable[StoreView], links: dict[tuple[str, str], LinkView] | None = None
    ) -> Mesh:
        return cls({store.name: store for store in stores}, links or {})

    def link(self, source: str, target: str) -> LinkView:
        """Return the link between two sites; one that nobody declared is open and free."""
        if source == target:
            return _WITHIN_A_SITE
        return self.links.get((source, target), _UNDECLARED)
