"""Reads of access requests: which rules apply, who may decide, who may look on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Q, QuerySet

from core.names import is_under
from governance import resources
from governance.engine.entities import Action, Principal
from governance.engine.requests import MergedRules, RequestRules, belongs, merge, parse
from governance.grants import persons_in
from governance.models import (
    AccessRequest,
    Label,
    Policy,
    PolicyKind,
    PolicyState,
    RequestState,
    User,
)
from governance.narrowing import within


def rules_for(name: str) -> MergedRules:
    """Return what the active policies say of requests for one product."""
    return rules_by_name([name])[name]


def rules_by_name(names: Iterable[str]) -> Mapping[str, MergedRules]:
    """Return what the active policies say of requests for each product. Two queries."""
    wanted = sorted(set(names))
    policies = _documents()
    labels: dict[str, set[str]] = defaultdict(set)
    if any(policy.labels for policy, _ in policies):
        rows = Label.objects.filter(name__in=wanted, removed_at__isnull=True)
        for name, label in rows.values_list("name", "label"):
            labels[name].add(label)
    return {
        name: merge(
            rules
            for policy, rules in policies
            if is_under(name, policy.prefix) and set(policy.labels) <= labels[name]
        )
        for name in wanted
    }


def _documents() -> list[tuple[Policy, RequestRules]]:
    active = Policy.objects.filter(kind=PolicyKind.SERVICES, state=PolicyState.ACTIVE)
    return [
        (policy, parse(policy.spec["requests"], str(policy)))
        for policy in active
        if "requests" in policy.spec
    ]


def inbox_of(principal: Principal) -> QuerySet[AccessRequest]:
    """Return the pending requests that the principal may decide on: never their own."""
    pending = AccessRequest.objects.filter(state=RequestState.PENDING)
    pending = pending.exclude(user__username__in=persons_in(principal))
    pending = pending.exclude(team__slug__in=sorted(principal.teams))
    rows = list(pending.values_list("id", "name", "escalated_to"))
    names = {name for _, name, _ in rows}
    administered = resources.visible_names(principal, Action.ADMINISTER, names)
    known = resources.visible_names(principal, Action.DISCOVER, names)
    rules = rules_by_name(names)
    known = {name for name in known if in_scope(principal, name)}
    mine = {
        name
        for name in names
        if (name in known and rules[name].names(principal))
        or (name in administered and not rules[name].approvers)
    }
    called = [pk for pk, name, teams in rows if name in known and is_called(principal, teams)]
    return pending.filter(Q(name__in=mine) | Q(pk__in=called))


def is_called(principal: Principal, teams: Iterable[str]) -> bool:
    """Say whether the principal is of a team that a request was escalated to."""
    return any(belongs(principal, team) for team in teams)


def in_scope(principal: Principal, name: str) -> bool:
    """Say whether a token lets its bearer decide on what concerns `name`.

    Whom a document names decides without being able to administer, but not by a token that could
    not be used for it.
    """
    person = principal.on_behalf_of
    covered = principal.scopes is None or any(
        scope.covers(Action.ADMINISTER, name) for scope in principal.scopes
    )
    return covered and (person is None or in_scope(person, name))


def requests_of(principal: Principal, user: User) -> Q:
    """Return which requests are one's own: made by oneself, or for a team that one is in.

    A team's request does not tell a member of a product that they may not know of.
    """
    teams = Q(team__slug__in=sorted(principal.teams))
    names = set(AccessRequest.objects.filter(teams).values_list("name", flat=True))
    known = resources.visible_names(principal, Action.DISCOVER, names) if names else set()
    own = Q(user=user) | (teams & Q(name__in=known))
    return own & within(principal, AccessRequest.objects.filter(own))


def request_for(principal: Principal, user: User, request_id: UUID) -> AccessRequest:
    """Return a request that is one's own, or that one may decide on; raise NotFound."""
    rows = AccessRequest.objects.select_related("user", "team", "decided_by")
    own = rows.filter(requests_of(principal, user), pk=request_id).first()
    if own is not None:
        return own
    request = rows.filter(pk=request_id).first()
    if request is None or not _looks_on(principal, request):
        raise resources.absent(str(request_id))
    return request


def _looks_on(principal: Principal, request: AccessRequest) -> bool:
    """Say whether someone decides on such requests, or did, and so may read what was said."""
    if resources.visible_names(principal, Action.ADMINISTER, {request.name}):
        return True
    called = is_called(principal, request.escalated_to)
    named = called or rules_for(request.name).names(principal)
    if not (named and in_scope(principal, request.name)):
        return False
    return bool(resources.visible_names(principal, Action.DISCOVER, {request.name}))
