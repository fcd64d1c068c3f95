"""Protection policies: what must be true of a product's copies, merged without priorities.

copies = max, min_sites = max, sites and never_sites = union, residency = intersection,
jurisdictions (at least so many) = max, retention_days (keep at least) = max, max_retention_days
(delete after) = min, object_lock_days = max, legal_hold = or, time_to_replicate_minutes = min,
erasable_within_days = min, budget_per_month = min, priority = max, tiers and caches = union.
A hold beats the end of retention. Source: DESIGN.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeVar

SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_CODE = {"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}


TIERS = ("hot", "cold", "archive")
"""From the dearest to keep to the dearest to read."""


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
        "erasable_within_days": _count(
            1, 3_650, "No copy where an erasure could take longer; the shortest counts."
        ),
        "budget_per_month": {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "What storing one version's copies may cost a month; lowest counts.",
        },
        "priority": _count(0, 9, "Of its transfers; the highest counts."),
        "tiers": _list(
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["after_days", "tier"],
                "properties": {
                    "after_days": _count(0, 36_500, "Since the version was published."),
                    "tier": {"enum": list(TIERS)},
                },
            },
            "In which class of store the copies lie as they age; all lists together count.",
        ),
        "caches": _list(
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["reads", "days"],
                "properties": {
                    "reads": _count(1, 1_000_000, "Asked for so often at a site,"),
                    "days": _count(1, 365, "in so many days."),
                    "sites": _list(SLUG, "Only at these; any without it."),
                },
            },
            "A copy at a site while it is in demand there; all lists together count.",
        ),
    },
}


@dataclass(frozen=True, slots=True, order=True)
class TierRule:
    """From an age on, copies lie in stores of a tier."""

    after_days: int
    tier: str


@dataclass(frozen=True, slots=True, order=True)
class CacheRule:
    """A copy at a site at which a version was asked for so often in so many days."""

    reads: int
    days: int
    sites: tuple[str, ...] = ()
    """Only at these; empty for any."""


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
    erasable_within_days: int | None = None
    budget_per_month: float | None = None
    priority: int | None = None
    tiers: tuple[TierRule, ...] = ()
    caches: tuple[CacheRule, ...] = ()

    @classmethod
    def from_spec(cls, policy_id: str, spec: dict[str, Any]) -> Protection:
        """Return the value of a checked specification."""
        read = dict(spec)
        read["tiers"] = tuple(TierRule(**rule) for rule in spec.get("tiers", ()))
        read["caches"] = tuple(
            CacheRule(rule["reads"], rule["days"], tuple(sorted(rule.get("sites", ()))))
            for rule in spec.get("caches", ())
        )
        for key in ("sites", "never_sites", "residency"):
            if key in read:
                read[key] = frozenset(read[key])
        return cls(policy_id, **read)


_Named = tuple[str, ...]
_Number = TypeVar("_Number", int, float)


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
    erasable_within_days: int | None = None
    erasable_by: _Named = ()
    budget_per_month: float | None = None
    budget_by: _Named = ()
    priority: int | None = None
    """0 to 9; None when no policy says."""
    priority_by: _Named = ()
    tiers_by: tuple[tuple[TierRule, str], ...] = ()
    """(rule, policy) pairs, by age."""
    caches_by: tuple[tuple[CacheRule, str], ...] = ()
    """(rule, policy) pairs."""

    @property
    def places(self) -> int:
        """How many different sites there must be: copies count by site."""
        return max(self.copies, self.min_sites, self.jurisdictions)

    @property
    def places_by(self) -> _Named:
        """The policies that ask for so many sites."""
        asked = (
            (self.copies, self.copies_by),
            (self.min_sites, self.min_sites_by),
            (self.jurisdictions, self.jurisdictions_by),
        )
        return _union((), tuple(p for n, by in asked if n == self.places for p in by))

    def tier_at(self, age_days: float) -> tuple[str | None, _Named]:
        """Return the tier for copies of a version of this age and who asks for it; None for any.

        The rule of the greatest age that is reached counts; of two at one age the hotter tier.
        """
        due = [rule for rule, _ in self.tiers_by if rule.after_days <= age_days]
        if not due:
            return None, ()
        oldest = max(rule.after_days for rule in due)
        tier = min((r.tier for r in due if r.after_days == oldest), key=TIERS.index)
        by = {policy for rule, policy in self.tiers_by if rule == TierRule(oldest, tier)}
        return tier, tuple(sorted(by))

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
        erasable_within_days=policy.erasable_within_days,
        erasable_by=by if policy.erasable_within_days is not None else (),
        budget_per_month=policy.budget_per_month,
        budget_by=by if policy.budget_per_month is not None else (),
        priority=policy.priority,
        priority_by=by if policy.priority is not None else (),
        tiers_by=tuple(sorted((rule, policy.id) for rule in policy.tiers)),
        caches_by=tuple(sorted((rule, policy.id) for rule in policy.caches)),
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
    erased, erased_by = _least(
        (one.erasable_within_days, one.erasable_by), (other.erasable_within_days, other.erasable_by)
    )
    budget, budget_by = _least(
        (one.budget_per_month, one.budget_by), (other.budget_per_month, other.budget_by)
    )
    first, first_by = _greatest(
        (one.priority, one.priority_by), (other.priority, other.priority_by)
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
        erasable_within_days=erased,
        erasable_by=erased_by,
        budget_per_month=budget,
        budget_by=budget_by,
        priority=first,
        priority_by=first_by,
        tiers_by=tuple(sorted({*one.tiers_by, *other.tiers_by})),
        caches_by=tuple(sorted({*one.caches_by, *other.caches_by})),
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
    one: tuple[_Number | None, _Named], other: tuple[_Number | None, _Named]
) -> tuple[_Number | None, _Named]:
    return _strictest(one, other, lambda a, b: a < b)


def _greatest(
    one: tuple[_Number | None, _Named], other: tuple[_Number | None, _Named]
) -> tuple[_Number | None, _Named]:
    return _strictest(one, other, lambda a, b: a > b)


def _strictest(
    one: tuple[_Number | None, _Named],
    other: tuple[_Number | None, _Named],
    beats: Callable[[_Number, _Number], bool],
) -> tuple[_Number | None, _Named]:
    """Return the side that beats; who says nothing never does, who says the same is named too."""
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] == other[0]:
        return one[0], _union(one[1], other[1])
    return one if beats(one[0], other[0]) else other


def _shared(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
