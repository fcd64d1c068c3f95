"""When somebody last read something: what a recertification wants to know of a grant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import chain

from governance.models import LastRead, ReadMeter

Read = tuple[str, str, datetime]


def last_reads(name: str) -> dict[str, datetime]:
    """Return who read a product and when they last did, themselves or through an agent."""
    rolled = LastRead.objects.filter(name=name)
    running = ReadMeter.objects.filter(name=name)
    newest = _newest(
        rolled.values_list("name", "principal", "at"),
        running.values_list("name", "principal", "last_at"),
        running.exclude(on_behalf_of="").values_list("name", "on_behalf_of", "last_at"),
    )
    return {reader: at for (_, reader), at in newest.items()}


def reads_of(
    names: Collection[str], readers: Collection[str]
) -> Mapping[tuple[str, str], datetime]:
    """Return when each of these readers last read each of these products; three queries."""
    rolled = LastRead.objects.filter(name__in=names, principal__in=readers)
    running = ReadMeter.objects.filter(name__in=names)
    return _newest(
        rolled.values_list("name", "principal", "at"),
        running.filter(principal__in=readers).values_list("name", "principal", "last_at"),
        running.filter(on_behalf_of__in=readers).values_list("name", "on_behalf_of", "last_at"),
    )


def _newest(*reads: Iterable[Read]) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for name, reader, at in chain(*reads):
        found[name, reader] = max(at, found.get((name, reader), at))
    return found


def last_read(principal: str, name: str) -> datetime | None:
    """Return when a principal last read a product; None when it never did."""
    return last_reads(name).get(principal)
