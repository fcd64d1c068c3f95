"""Protection policies: what must be true of a product's copies, merged without priorities.

copies = max, sites = union, residency = intersection. Source: DESIGN.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protection:
    """The specification of one protection policy."""

    id: str
    copies: int = 1
    sites: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    """Jurisdictions in which every copy must lie; None leaves it open."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What all policies that apply to a product ask for together, and which asks for what."""

    copies: int
    sites: frozenset[str]
    residency: frozenset[str] | None
    copies_by: tuple[str, ...]
    sites_by: tuple[tuple[str, str], ...]
    """(site, policy) pairs."""
    residency_by: tuple[str, ...]

    @property
    def contradiction(self) -> str | None:
        """Say why no placement can satisfy this, or None."""
        if self.residency is not None and not self.residency:
            return f"The residencies of {', '.join(self.residency_by)} have nothing in common."
        return None


def merge(policies: Iterable[Protection]) -> Requirement:
    """Return the requirement of all `policies`; the order in which they come does not matter."""
    ordered = sorted(policies, key=lambda policy: policy.id)
    copies = max((policy.copies for policy in ordered), default=1)
    bound = [policy for policy in ordered if policy.residency is not None]
    residency: frozenset[str] | None = None
    for policy in bound:
        wanted = policy.residency or frozenset()
        residency = wanted if residency is None else residency & wanted
    return Requirement(
        copies=copies,
        sites=frozenset().union(*(policy.sites for policy in ordered)),
        residency=residency,
        copies_by=tuple(p.id for p in ordered if p.copies == copies and copies > 1),
        sites_by=tuple((site, p.id) for p in ordered for site in sorted(p.sites)),
        residency_by=tuple(policy.id for policy in bound),
    )
