"""Protection policies: what must be true of a product's copies, merged without priorities.

copies = max, min_sites = max, sites and never_sites = union, residency = intersection,
jurisdictions (at least so many) = max, retention_days (keep at least) = max, max_retention_days
(delete after) = min, object_lock_days = max, legal_hold = or, time_to_replicate_minutes = min.
A hold beats the end of retention. Source: DESIGN.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_CODE = {"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}


def _count(low: int, high: int, told: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "description": told}


def _list(item: dict[str, Any], told: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, "uniqueItems": True, "description": told, **more}


SPEC_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "copies": _count(1, 20, "At least so many whole copies; the highest counts."),
        "min_sites": _count(1, 20, "At so many different sites; the highest counts."),
        "sites": _list(SLUG, "A copy at each of these; all lists together count."),
        "never_sites": _list(SLUG, "No copy at any of these; all lists together count."),
        "residency": _list(
            _CODE, "Every copy lies in one of these; what all lists share counts.", minItems=1
        ),
        "jurisdictions": _count(1, 20, "Under so many different jurisdictions; highest counts."),
        "retention_days": _count(1, 36_500, "Kept at least so long; the longest counts."),
        "max_retention_days": _count(1, 36_500, "Deleted after so long; the shortest counts."),
        "on_retention_end": {
            "enum": ["ask", "erase"],
            "description": "Whether the end of max_retention_days asks an owner or erases.",
        },
        "object_lock_days": _count(1, 36_500, "Locked in the stores; the longest counts."),
        "legal_hold": {
            "type": "boolean",
            "description": "Nothing is deleted while any policy says true; beats every other.",
        },
        "time_to_replicate_minutes": _count(1, 525_600, "Copies stand by then; shortest counts."),
    },
}


@dataclass(frozen=True, slots=True)
class Protection:
    """The specification of one protection policy; what it does not speak of is None or empty."""

    id: str
    copies: int = 1
    sites: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    """Jurisdictions in which every copy must lie; None leaves it open."""
    min_sites: int = 1
    never_sites: frozenset[str] = frozenset()
    jurisdictions: int = 1
    retention_days: int = 0
    max_retention_days: int | None = None
    on_retention_end: str = "ask"
    """Read by governance.retention of the policy whose limit is the shortest; nothing to merge."""
    object_lock_days: int = 0
    legal_hold: bool = False
    time_to_replicate_minutes: int | None = None

    @classmethod
    def from_spec(cls, policy_id: str, spec: dict[str, Any]) -> Protection:
        """Return the value of a checked specification."""
        read = dict(spec)
        for key in ("sites", "never_sites", "residency"):
            if key in read:
                read[key] = frozenset(read[key])
        return cls(policy_id, **read)


_Named = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What all policies that apply to a product ask for together, and which asks for what."""

    copies: int = 1
    sites: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    copies_by: _Named = ()
    sites_by: tuple[tuple[str, str], ...] = ()
    """(site, policy) pairs."""
    residency_by: _Named = ()
    min_sites: int = 1
    min_sites_by: _Named = ()
    never_sites: frozenset[str] = frozenset()
    never_by: tuple[tuple[str, str], ...] = ()
    """(site, policy) pairs."""
    jurisdictions: int = 1
    jurisdictions_by: _Named = ()
    retention_days: int = 0
    """Kept at least so long; 0 when no policy says."""
    retention_by: _Named = ()
    max_retention_days: int | None = None
    """Deleted after so long, unless held; None when no policy says."""
    max_retention_by: _Named = ()
    object_lock_days: int = 0
    object_lock_by: _Named = ()
    legal_hold: bool = False
    hold_by: _Named = ()
    time_to_replicate_minutes: int | None = None
    time_to_replicate_by: _Named = ()

    @property
    def contradiction(self) -> str | None:
        """Say why no placement can satisfy this, or None."""
        if self.residency is not None and not self.residency:
            return f"The residencies of {', '.join(self.residency_by)} have nothing in common."
        return None


NOTHING = Requirement()


def requirement_of(policy: Protection) -> Requirement:
    """Return what one policy asks for by itself."""
    by = (policy.id,)
    return Requirement(
        copies=policy.copies,
        copies_by=by if policy.copies > 1 else (),
        sites=policy.sites,
        sites_by=tuple((site, policy.id) for site in sorted(policy.sites)),
        residency=policy.residency,
        residency_by=by if policy.residency is not None else (),
        min_sites=policy.min_sites,
        min_sites_by=by if policy.min_sites > 1 else (),
        never_sites=policy.never_sites,
        never_by=tuple((site, policy.id) for site in sorted(policy.never_sites)),
        jurisdictions=policy.jurisdictions,
        jurisdictions_by=by if policy.jurisdictions > 1 else (),
        retention_days=policy.retention_days,
        retention_by=by if policy.retention_days else (),
        max_retention_days=policy.max_retention_days,
        max_retention_by=by if policy.max_retention_days is not None else (),
        object_lock_days=policy.object_lock_days,
        object_lock_by=by if policy.object_lock_days else (),
        legal_hold=policy.legal_hold,
        hold_by=by if policy.legal_hold else (),
        time_to_replicate_minutes=policy.time_to_replicate_minutes,
        time_to_replicate_by=by if policy.time_to_replicate_minutes is not None else (),
    )


def join(one: Requirement, other: Requirement) -> Requirement:
    """Return what both ask for together: commutative, associative and idempotent."""
    copies, copies_by = _most((one.copies, one.copies_by), (other.copies, other.copies_by))
    min_sites, min_sites_by = _most(
        (one.min_sites, one.min_sites_by), (other.min_sites, other.min_sites_by)
    )
    places, places_by = _most(
        (one.jurisdictions, one.jurisdictions_by), (other.jurisdictions, other.jurisdictions_by)
    )
    kept, kept_by = _most(
        (one.retention_days, one.retention_by), (other.retention_days, other.retention_by)
    )
    locked, locked_by = _most(
        (one.object_lock_days, one.object_lock_by), (other.object_lock_days, other.object_lock_by)
    )
    ended, ended_by = _least(
        (one.max_retention_days, one.max_retention_by),
        (other.max_retention_days, other.max_retention_by),
    )
    soon, soon_by = _least(
        (one.time_to_replicate_minutes, one.time_to_replicate_by),
        (other.time_to_replicate_minutes, other.time_to_replicate_by),
    )
    return Requirement(
        copies=copies,
        copies_by=copies_by,
        sites=one.sites | other.sites,
        sites_by=_pairs(one.sites_by, other.sites_by),
        residency=_shared(one.residency, other.residency),
        residency_by=_union(one.residency_by, other.residency_by),
        min_sites=min_sites,
        min_sites_by=min_sites_by,
        never_sites=one.never_sites | other.never_sites,
        never_by=_pairs(one.never_by, other.never_by),
        jurisdictions=places,
        jurisdictions_by=places_by,
        retention_days=kept,
        retention_by=kept_by,
        max_retention_days=ended,
        max_retention_by=ended_by,
        object_lock_days=locked,
        object_lock_by=locked_by,
        legal_hold=one.legal_hold or other.legal_hold,
        hold_by=_union(one.hold_by, other.hold_by),
        time_to_replicate_minutes=soon,
        time_to_replicate_by=soon_by,
    )


def merge(policies: Iterable[Protection]) -> Requirement:
    """Return the requirement of all `policies`; the order in which they come does not matter."""
    return reduce(join, map(requirement_of, policies), NOTHING)


def _union(one: _Named, other: _Named) -> _Named:
    return tuple(sorted({*one, *other}))


def _pairs(
    one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({*one, *other}))


def _most(one: tuple[int, _Named], other: tuple[int, _Named]) -> tuple[int, _Named]:
    if one[0] == other[0]:
        return one[0], _union(one[1], other[1])
    return max(one, other, key=lambda side: side[0])


def _least(
    one: tuple[int | None, _Named], other: tuple[int | None, _Named]
) -> tuple[int | None, _Named]:
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] == other[0]:
        return one[0], _union(one[1], other[1])
    return one if one[0] < other[0] else other


def _shared(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
