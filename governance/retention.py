"""How long a product's versions must stay, and when they must go: policies and labels together.

A minimum is the longest that any policy asks for, a maximum the shortest of policies and labels;
a legal hold beats both, and a minimum beats a maximum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.models import Label, Policy, PolicyKind, PolicyState
from governance.selectors import label_names_of, protection_of

_LABEL = re.compile(r"retention-max:([1-9][0-9]{0,5})")


class AtEnd(StrEnum):
    """What the end of a retention does: ask the owners, or erase because the policy says so."""

    ASK = "ask"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Retention:
    """The bounds of one product's versions, each with who asks for it."""

    at_least_days: int
    """0 when no policy says."""
    at_least_by: tuple[str, ...]
    at_most_days: int | None
    """None when nothing ends it."""
    at_most_by: tuple[str, ...]
    """Policies, and labels as they are written."""
    at_end: AtEnd
    held_by: tuple[tuple[str, str], ...]
    """(policy, its prefix) of the policies that hold the product."""

    def kept_until(self, published: datetime) -> datetime:
        return published + timedelta(days=self.at_least_days)

    def ends_at(self, published: datetime) -> datetime | None:
        """Return when a version must go: never before the minimum that binds it."""
        if self.at_most_days is None:
            return None
        return published + timedelta(days=max(self.at_most_days, self.at_least_days))


def retention_of(product: str) -> Retention:
    """Return what binds the versions of `product` now. Four queries at most."""
    labels = label_names_of(product)
    asked = protection_of(product, labels)
    days, by = asked.max_retention_days, asked.max_retention_by
    for label, told in _limits(labels):
        if days is None or told < days:
            days, by = told, (label,)
        elif told == days:
            by = (*by, label)
    named = _active({*asked.max_retention_by, *asked.hold_by}) if by or asked.hold_by else []
    erases = {row.slug for row in named if row.spec.get("on_retention_end") == AtEnd.ERASE}
    prefixes = {row.slug: row.prefix for row in named}
    return Retention(
        at_least_days=asked.retention_days,
        at_least_by=asked.retention_by,
        at_most_days=days,
        at_most_by=by,
        at_end=AtEnd.ERASE if erases & set(by) else AtEnd.ASK,
        held_by=tuple((slug, prefixes.get(slug, product)) for slug in asked.hold_by),
    )


def _limits(labels: Iterable[str]) -> list[tuple[str, int]]:
    found = [(label, _LABEL.fullmatch(label)) for label in sorted(labels)]
    return [(label, int(match[1])) for label, match in found if match is not None]


def _active(slugs: Iterable[str]) -> list[Policy]:
    live = Policy.objects.filter(kind=PolicyKind.PROTECTION, state=PolicyState.ACTIVE)
    return list(live.filter(slug__in=list(slugs)))


def may_end() -> tuple[set[str], set[str]]:
    """Return the prefixes and the product names whose versions have a maximum, one by one.

    So that the daily round looks at these alone and not at every version of the mesh.
    """
    live = Policy.objects.filter(kind=PolicyKind.PROTECTION, state=PolicyState.ACTIVE)
    prefixes = {row.prefix for row in live if row.spec.get("max_retention_days") is not None}
    labelled = Label.objects.filter(label__startswith="retention-max:", removed_at__isnull=True)
    return prefixes, set(labelled.values_list("name", flat=True))
