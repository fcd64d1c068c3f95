"""Reads of grants: those that count in a decision, and those that someone may look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.prepared import Prepared
from governance import last_use, resources
from governance.engine.entities import Action, Principal, owners_of
from governance.engine.permits import Permit
from governance.models import Grant, GrantKind, GrantReview, Membership, User
from governance.narrowing import within

UNUSED_AFTER = timedelta(days=30)
"""Whoever has read nothing for so long may not need the grant."""

_PERMIT = ("id", "user__username", "team__slug", "name", "purpose", "expires_at", "kind")


def _standing(user: str, teams: Sequence[str], **on: str) -> QuerySet[Grant, tuple[Any, ...]]:
    """Return the grants that nobody has revoked, of a user and of some teams."""
    mine = Q(user__username=user) | Q(team__slug__in=teams)
    rows = Grant.objects.filter(mine, revoked_at__isnull=True, **on)
    return rows.order_by("id").values_list(*_PERMIT)


_OF_ONE = Prepared(lambda user, *teams: _standing(user, teams))
_ON_ONE = Prepared(lambda name, user, *teams: _standing(user, teams, name=name))


def permits_of(principal: Principal) -> list[Permit]:
    """Return the live grants of the principal and of the teams they are in at this moment."""
    return _live(_OF_ONE(principal.id, *sorted(principal.teams)))


def permits_on(principal: Principal, name: str) -> list[Permit]:
    """Return those of them that are on one product."""
    return _live(_ON_ONE(name, principal.id, *sorted(principal.teams)))


def _live(rows: Iterable[tuple[Any, ...]]) -> list[Permit]:
    now = timezone.now()
    return [permit for permit in _permits(rows) if permit.until > now]


def permits_on_name(name: str) -> list[Permit]:
    """Return everyone's live grants on one product."""
    on_name = Grant.objects.live().filter(name=name)
    return _permits(on_name.order_by("id").values_list(*_PERMIT))


def _permits(rows: Iterable[tuple[Any, ...]]) -> list[Permit]:
    return [
        Permit(str(pk), user or "", name, purpose, until, team or "", kind == GrantKind.BREAK_GLASS)
        for pk, user, team, name, purpose, until, kind in rows
    ]


def grants_of(principal: Principal, user: User) -> Q:
    """Return which grants are one's own: in one's name, or of a team that one is in."""
    own = Q(user=user) | Q(team__slug__in=sorted(principal.teams))
    return own & within(principal, Grant.objects.filter(own))


def is_of(grant: Grant, principal: Principal) -> bool:
    """Say whether the principal, or a person behind it, reads by the grant."""
    if grant.team is not None:
        return grant.team.slug in principal.teams
    return grant.user is not None and grant.user.username in persons_in(principal)


def awaiting_review(principal: Principal) -> QuerySet[Grant]:
    """Return the broken glasses that the principal owes a review."""
    reviewed = GrantReview.objects.filter(grant=OuterRef("pk"))
    rows = Grant.objects.filter(~Exists(reviewed), kind=GrantKind.BREAK_GLASS).exclude(
        user__username__in=persons_in(principal)
    )
    names = set(rows.values_list("name", flat=True))
    return rows.filter(name__in=[name for name in names if owns(principal, name)])


def overdue(rows: QuerySet[Grant]) -> QuerySet[Grant]:
    return rows.filter(review_due_at__lte=timezone.now())


def owns(principal: Principal, name: str) -> bool:
    """Say whether the principal is an owner of the product, not only someone who administers it."""
    if owners_of(resources.load(name).team) not in principal.roles:
        return False
    return name in resources.visible_names(principal, Action.ADMINISTER, {name})


def persons_in(principal: Principal) -> list[str]:
    """Return the principal and everyone for whom it acts."""
    behind = principal.on_behalf_of
    return [principal.id, *([] if behind is None else persons_in(behind))]


def last_reads(grants: Iterable[Grant]) -> dict[str, datetime | None]:
    """Return when each grant's consumer last read its product, by the id of the grant.

    Of a team's grant, when a member last did. Two queries a product.
    """
    every = list(grants)
    readers = _readers(every)
    found: dict[str, datetime | None] = {}
    for name in {grant.name for grant in every}:
        reads = last_use.last_reads(name)
        for grant in every:
            if grant.name == name:
                times = [reads[who] for who in readers[str(grant.pk)] if who in reads]
                found[str(grant.pk)] = max(times, default=None)
    return found


def _readers(every: Sequence[Grant]) -> dict[str, list[str]]:
    """Return who reads by each grant now."""
    teams = {grant.team_id for grant in every if grant.team_id is not None}
    members: dict[UUID | None, list[str]] = defaultdict(list)
    rows = Membership.objects.filter(team__in=teams).values_list("team_id", "user__username")
    for team, username in rows:
        members[team].append(username)
    return {
        str(grant.pk): [grant.user.username] if grant.user is not None else members[grant.team_id]
        for grant in every
        if grant.user is not None or grant.team_id is not None
    }


def is_unused(grant: Grant, last_read: datetime | None) -> bool:
    """Say whether nobody has read by the grant for a month, as far as is known."""
    return timezone.now() - (last_read or grant.created_at) > UNUSED_AFTER
