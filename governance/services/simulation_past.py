"""Asking the decisions of the past again: what would have been answered otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from core.errors import FairmeshError
from core.names import Name
from governance.engine import leaves
from governance.engine.bitmaps import Bitmaps
from governance.engine.decision import Judge
from governance.engine.entities import (
    ANONYMOUS,
    MESH,
    MESH_NAME,
    RECONCILER,
    Action,
    Principal,
    Resource,
    Situation,
)
from governance.engine.policyset import PolicySet
from governance.grants import permits_of
from governance.models import AuditEntry, ClearText, User
from governance.selectors import principal_for

MAX_ASKED = 5_000
"""The questions asked most are asked again; there are rarely more different ones."""
_AT_ONCE = 500
_VERBS: Mapping[str, Action] = {
    **{str(action): action for action in Action},
    "update-product": Action.WRITE,
    "add-label": Action.WRITE,
    "open-version": Action.PUBLISH,
    "abort-draft": Action.PUBLISH,
    "sample": Action.TRANSFORM,
    "tombstone": Action.ADMINISTER,
    "move-product": Action.ADMINISTER,
}
"""What an act in the log was decided as."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question, with how often it came and what was answered."""

    principal: str
    action: Action
    name: str
    allowed: bool
    times: int


class _Past:
    """The principals and judges of one replay, each made once."""

    def __init__(self, sets: tuple[PolicySet, PolicySet]) -> None:
        self._sets = sets
        self._people: dict[str, Principal | None] = {}
        self._judges: dict[tuple[str, Action, str], tuple[Judge, Judge]] = {}

    def answers(self, asked: _Asked, resource: Resource) -> tuple[bool, bool] | None:
        """Return what both sets say today; None when the principal is no more."""
        principal = self._principal(asked.principal)
        if principal is None:
            return None
        key = (principal.id, asked.action, resource.type)
        if key not in self._judges:
            permits = permits_of(principal)
            old, new = (
                Judge(policies, principal, asked.action, resource.type, Situation(), permits)
                for policies in self._sets
            )
            self._judges[key] = old, new
        was, would = self._judges[key]
        return was(resource).allow, would(resource).allow

    def _principal(self, name: str) -> Principal | None:
        if name not in self._people:
            known = {each.id: each for each in (ANONYMOUS, RECONCILER)}
            user = User.objects.filter(username=name, is_active=True).first()
            self._people[name] = known.get(name) or (user and principal_for(user)) or None
        return self._people[name]


def replay(
    old: PolicySet, new: PolicySet, holdings: Mapping[str, Bitmaps], *, days: int, names: int
) -> dict[str, Any]:
    """Return which decisions of the last days the change would answer otherwise.

    Both sets are asked about things as they are today, so that a difference is the change's alone.
    Purposes are not recorded with decisions: the questions are asked without one.
    """
    known = {each.name: each for held in holdings.values() for each in held.resources}
    past = _Past((old, new))
    different: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for asked in _questions(days):
        counts["decisions"] += asked.times
        resource = _resource(asked.name, known)
        answers = past.answers(asked, resource) if resource is not None else None
        if resource is None or answers is None:
            counts["gone"] += asked.times
        elif answers[0] != answers[1]:
            counts["different"] += asked.times
            different.append(
                {
                    "principal": asked.principal,
                    "action": str(asked.action),
                    "name": resource.name,
                    "was": asked.allowed,
                    "would_be": answers[1],
                    "times": asked.times,
                }
            )
    return {
        "days": days,
        "decisions": counts["decisions"],
        "different": counts["different"],
        "gone": counts["gone"],
        "sample": different[: max(names, 0)],
    }


def _questions(days: int) -> list[_Asked]:
    """Return the different questions of the last days, those asked most first."""
    rows = (
        AuditEntry.objects.filter(
            at__gte=timezone.now() - timedelta(days=days), action__in=list(_VERBS)
        )
        .values_list("principal", "action", "name", "allowed")
        .annotate(times=Count("id"))
        .order_by("-times", "principal", "action", "name")[:MAX_ASKED]
    )
    listed = list(rows)
    clear = _clear({row[0] for row in listed})
    return [
        _Asked(leaves.revealed(who, clear), _VERBS[action], name, allowed, times)
        for who, action, name, allowed, times in listed
    ]


def _clear(principals: set[str]) -> dict[str, str]:
    """Return what the commitments among the principals stand for, as far as it is known."""
    wanted = sorted(who.removeprefix(leaves.PREFIX) for who in principals)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = ClearText.objects.filter(commitment__in=wanted[start : start + _AT_ONCE])
        found.update(rows.values_list("commitment", "value"))
    return found


def _resource(name: str, known: Mapping[str, Resource]) -> Resource | None:
    """Return what was asked about as it is today: a version stands for its product."""
    if name == MESH_NAME:
        return MESH
    try:
        parsed = Name.parse(name)
    except FairmeshError:
        return None
    asked = parsed.product_name if parsed.product is not None else parsed
    return known.get(str(asked))
