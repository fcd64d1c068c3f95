"""Reads of subscriptions: how each one stands follows from its requests and grants, right now.

Nothing here is kept: a grant that expires or is revoked ends the subscription without any job, and
one that renews it leaves it the same subscription.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Least

from governance import last_use, resources
from governance.engine.entities import Action, Principal
from governance.models import (
    AccessRequest,
    Grant,
    Membership,
    PortSubscription,
    RequestState,
    SubscriptionState,
    User,
)
from governance.narrowing import within


def standing(
    rows: QuerySet[PortSubscription], only: SubscriptionState | None = None
) -> QuerySet[PortSubscription]:
    """Return the rows with how they stand: `state`, `expires_at`, `ended_at`, `pending_request`
    and what was `asked_for` last; `granting` are the requests whose grants hold.

    With `only`, just those that stand so. Two queries, however many requests there are.
    """
    grants = Grant.objects.filter(request__subscription=OuterRef("pk"))
    live = grants.live().order_by("-expires_at")
    over = grants.annotate(over=Least("expires_at", Coalesce("revoked_at", "expires_at")))
    requests = AccessRequest.objects.filter(subscription=OuterRef("pk")).order_by("-id")
    pending = requests.filter(state=RequestState.PENDING)
    holding = AccessRequest.objects.filter(
        Exists(Grant.objects.live().filter(request=OuterRef("pk")))
    )
    found = (
        rows.select_related("user", "team")
        .annotate(
            expires_at=Subquery(live.values("expires_at")[:1]),
            last_over=Subquery(over.order_by("-over").values("over")[:1]),
            pending_request=Subquery(pending.values("id")[:1]),
            asked_for=Subquery(requests.values("purpose")[:1]),
            last_state=Subquery(requests.values("state")[:1]),
        )
        .annotate(
            state=Case(
                When(expires_at__isnull=False, then=Value(SubscriptionState.ACTIVE.value)),
                When(pending_request__isnull=False, then=Value(SubscriptionState.PENDING.value)),
                When(last_over__isnull=False, then=Value(SubscriptionState.ENDED.value)),
                default=F("last_state"),
            ),
            ended_at=Case(When(expires_at__isnull=True, then=F("last_over"))),
        )
        .prefetch_related(
            Prefetch("requests", holding.select_related("grant").order_by("-id"), "granting")
        )
    )
    return found if only is None else found.filter(state=only.value)


def subscriptions_of(principal: Principal, user: User) -> Q:
    """Return which subscriptions are one's own: in one's name, or of a team that one is in.

    A team's does not tell a member of a product that they may not know of.
    """
    teams = Q(team__slug__in=sorted(principal.teams))
    names = set(PortSubscription.objects.filter(teams).values_list("name", flat=True))
    known = resources.visible_names(principal, Action.DISCOVER, names) if names else set()
    own = Q(user=user) | (teams & Q(name__in=known))
    return own & within(principal, PortSubscription.objects.filter(own))


def administered_by(principal: Principal) -> Q:
    """Return which subscriptions are of products that the principal administers."""
    names = set(PortSubscription.objects.order_by().values_list("name", flat=True).distinct())
    mine = resources.visible_names(principal, Action.ADMINISTER, names) if names else set()
    return Q(name__in=mine)


def subscription_for(principal: Principal, user: User, subscription_id: UUID) -> PortSubscription:
    """Return a subscription that is one's own, or of a product that one administers; else raise
    NotFound."""
    found = standing(PortSubscription.objects.filter(pk=subscription_id)).first()
    if found is not None:
        own = PortSubscription.objects.filter(subscriptions_of(principal, user), pk=found.pk)
        if own.exists() or resources.visible_names(principal, Action.ADMINISTER, {found.name}):
            return found
    raise resources.absent(str(subscription_id))


def last_uses(rows: Iterable[PortSubscription]) -> Mapping[UUID, datetime]:
    """Return when each consumer last read the product: of a team, when a member last did.

    Reads are counted by product and not by port, since all output ports serve the same versions.
    Four queries a page.
    """
    every = list(rows)
    members: dict[UUID | None, list[str]] = defaultdict(list)
    of_teams = Membership.objects.filter(team__in={row.team_id for row in every if row.team_id})
    for team, username in of_teams.values_list("team_id", "user__username"):
        members[team].append(username)
    readers = {
        row.pk: members[row.team_id] if row.user is None else [row.user.username] for row in every
    }
    reads = last_use.reads_of(
        {row.name for row in every}, {who for listed in readers.values() for who in listed}
    )
    found = {}
    for row in every:
        times = [reads[row.name, who] for who in readers[row.pk] if (row.name, who) in reads]
        if times:
            found[row.pk] = max(times)
    return found
