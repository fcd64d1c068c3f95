"""How far one site is from another, by where they lie; nearer copies are read and copied first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Distance(StrEnum):
    """From the nearest to the farthest."""

    SITE = "site"
    JURISDICTION = "jurisdiction"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Place:
    """A site's name and its jurisdictions, from the narrowest to the widest."""

    site: str = ""
    jurisdictions: Sequence[str] = ()


def distance(here: Place, there: Place) -> Distance:
    if here.site and here.site == there.site:
        return Distance.SITE
    if set(here.jurisdictions) & set(there.jurisdictions):
        return Distance.JURISDICTION
    return Distance.OTHER


def rank(here: Place, there: Place) -> tuple[int, int]:
    """Return a key that sorts places by their distance from `here`.

    Within a shared jurisdiction the narrower one is nearer: the same country before the same union.
    """
    order = list(Distance).index(distance(here, there))
    shared = [i for i, code in enumerate(here.jurisdictions) if code in set(there.jurisdictions)]
    return order, min(shared, default=len(here.jurisdictions))
