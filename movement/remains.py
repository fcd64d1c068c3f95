"""What else keeps bytes of a version: the apps above say so, since movement cannot know them.

Like `governance.resources`: whoever keeps such bytes registers how to find them and how to stop
what is still writing them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Version
from governance.models import TargetKind


@dataclass(frozen=True, slots=True)
class Remains:
    """A key prefix in a store below which rows of a version lie outside any version."""

    kind: TargetKind
    store: str
    base: str
    """Ends with `/`."""
    about: str
    """What left it there, as in `run 0197…`."""


Places = Callable[[Version], Iterable[Remains]]
Stop = Callable[[Version], datetime | None]
_providers: list[tuple[Places, Stop]] = []


def register(places: Places, stop: Stop) -> None:
    """Register a keeper: where it has bytes of a version, and how it is told to end its work.

    `stop` runs inside the transaction that removes the version, and returns until when a worker
    that has not heard of it yet may still write; None when nobody is.
    """
    _providers.append((places, stop))


def remains_of(version: Version) -> list[Remains]:
    return [place for places, _ in _providers for place in places(version)]


def stop_work_on(version: Version) -> datetime | None:
    """Stop all that reads the version; return until when somebody may still write."""
    ends = [stop(version) for _, stop in _providers]
    return max((end for end in ends if end is not None), default=None)
