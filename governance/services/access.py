"""Access requests: approving is granting, by a person or by a policy.

What was asked is never changed: a request is closed once, and whatever is said of it is added.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NotRequired, TypedDict, Unpack
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid, NotFound, PolicyDenied
from governance import audit, denials, resources
from governance.engine.entities import Action, Decision, Principal, Resource
from governance.engine.requests import MEMBERS, Asked, MergedRules, belongs
from governance.grants import persons_in
from governance.models import AccessRequest, Grant, RequestComment, RequestState, Team, User
from governance.requests import in_scope, is_called, request_for, rules_for
from governance.selectors import PURPOSES
from governance.services.decisions import decide, require
from governance.services.grants import make_grant
from governance.services.subscriptions import subscription_of


class Wish(TypedDict):
    """What is asked for. `team` asks for all its members; `port` names one output port."""

    name: str
    purpose: str
    days: int
    reason: NotRequired[str]
    team: NotRequired[str]
    port: NotRequired[str]


def request_access(user: User, actor: Principal, **wish: Unpack[Wish]) -> AccessRequest:
    """Ask for access to a product; one request a consumer, port and purpose at a time.

    Where the policies approve by themselves, the request is approved and the grant stands when
    this returns.
    """
    return _ask(user, actor, wish, None)


@transaction.atomic
def renew_grant(
    user: User, actor: Principal, grant_id: UUID, *, days: int, reason: str = ""
) -> AccessRequest:
    """Ask for what a grant gives, for longer: a new request, and when approved a new grant."""
    grant = Grant.objects.select_related("team", "request").filter(pk=grant_id).first()
    if grant is None or not _is_of(grant, user, actor):
        raise resources.absent(str(grant_id))
    if grant.request is None:
        raise Conflict("A broken glass is not renewed; ask the owners for access.")
    if grant.revoked_at is not None:
        raise Conflict("The grant was revoked; ask anew, and say what has changed.")
    if timezone.now() + timedelta(days=days) <= grant.expires_at:
        raise Invalid(f"The grant is good until {grant.expires_at:%Y-%m-%d}; ask for longer.")
    wish = Wish(
        name=grant.name,
        purpose=grant.purpose,
        days=days,
        reason=reason,
        team="" if grant.team is None else grant.team.slug,
        port=grant.port,
    )
    return _ask(user, actor, wish, grant)


def _is_of(grant: Grant, user: User, actor: Principal) -> bool:
    return grant.user_id == user.pk if grant.team is None else belongs(actor, grant.team.slug)


@transaction.atomic
def _ask(user: User, actor: Principal, wish: Wish, renews: Grant | None) -> AccessRequest:
    resource = resources.load(wish["name"])
    decision = require(actor, Action.DISCOVER, resource)
    if resource.type != "Product":
        raise Invalid("Access is asked for a product, not for a domain.", name=wish["name"])
    rules = rules_for(resource.name)
    _check(wish, resource, rules)
    hours = rules.sla_hours
    team, port = _team_of(actor, wish.get("team", "")), wish.get("port", "")
    request = AccessRequest(
        subscription=subscription_of(user, team, name=resource.name, port=port),
        user=user,
        team=team,
        name=resource.name,
        port=port,
        purpose=wish["purpose"],
        reason=wish.get("reason", ""),
        days=wish["days"],
        renews=renews,
        due_at=None if hours is None else timezone.now() + timedelta(hours=hours),
    )
    _open(request)
    told = {"request": str(request.pk), "purpose": request.purpose, "days": request.days}
    for_team = {} if request.team is None else {"team": request.team.slug}
    audit.record(actor, "request-access", resource.name, decision, **told, **for_team)
    if by := rules.auto_approved_by(_asked(actor, request)):
        _approve_by_policy(actor, request, by)
    else:
        outbox.emit("request.opened", {"request": str(request.pk), "name": request.name})
    return request


def _check(wish: Wish, resource: Resource, rules: MergedRules) -> None:
    if wish["purpose"] not in PURPOSES:
        raise Invalid(f"A purpose is one of {', '.join(PURPOSES)}.", purpose=wish["purpose"])
    if not 0 < wish["days"] <= rules.max_days:
        limiting = list(rules.limiting())
        by = f" by {', '.join(limiting)}" if limiting else ""
        raise Invalid(
            f"Access is asked for 1 to {rules.max_days} days{by}.",
            days=wish["days"],
            policies=limiting,
        )
    ports = resources.ports_of(resource.name)
    if wish.get("port") and wish["port"] not in ports:
        raise Invalid(
            f"{resource.name} has no output port {wish['port']!r}; "
            f"it has {', '.join(sorted(ports)) or 'none'}.",
            port=wish["port"],
        )


def _team_of(actor: Principal, slug: str) -> Team | None:
    if not slug:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None or not belongs(actor, slug):
        raise Invalid(f"You are no member of a team {slug!r}; its members ask for it.", team=slug)
    return team


def _open(request: AccessRequest) -> None:
    known = AccessRequest.objects.filter(
        name=request.name, port=request.port, purpose=request.purpose, state=RequestState.PENDING
    )
    whose = {"user": request.user, "team": None} if request.team is None else {"team": request.team}
    asked = "You asked for this already; it is not decided yet."
    if known.filter(**whose).exists():
        raise Conflict(asked)
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(asked) from error


def _asked(actor: Principal, request: AccessRequest) -> Asked:
    if request.team is not None:
        groups = frozenset({MEMBERS, request.team.slug})
    else:
        groups = actor.groups | actor.teams
        person = actor.on_behalf_of
        groups &= groups if person is None else person.groups | person.teams
    return Asked(request.purpose, request.days, groups)


def _approve_by_policy(actor: Principal, request: AccessRequest, by: tuple[str, ...]) -> None:
    request.policies = list(by)
    _close(request, None, RequestState.APPROVED, "")
    decision = Decision(True, by, f"Approved by {', '.join(by)}.", "")
    make_grant(actor, decision, request, by=None, days=request.days)


@transaction.atomic
def approve_request(
    user: User, actor: Principal, request_id: UUID, *, comment: str = "", days: int | None = None
) -> Grant:
    """Approve a pending request. The grant stands from this commit on, until it expires.

    `days` may be fewer than were asked for, never more.
    """
    request, decision = _pending(actor, request_id)
    most = min(request.days, rules_for(request.name).max_days)
    if days is not None and not 0 < days <= request.days:
        raise Invalid(f"{request.days} days were asked for; give 1 to {request.days}.", days=days)
    _close(request, user, RequestState.APPROVED, comment)
    return make_grant(actor, decision, request, by=user, days=min(days or most, most))


@transaction.atomic
def deny_request(user: User, actor: Principal, request_id: UUID, *, comment: str) -> AccessRequest:
    """Deny a pending request, with a comment that says why."""
    request, decision = _pending(actor, request_id)
    if not comment.strip():
        raise Invalid("Say why: the person who asked reads the comment.")
    _close(request, user, RequestState.DENIED, comment)
    audit.record(
        actor,
        "deny-access",
        request.name,
        decision,
        request=str(request.pk),
        to=request.user.username,
    )
    return request


@transaction.atomic
def withdraw_request(user: User, actor: Principal, request_id: UUID) -> AccessRequest:
    """Take back one's own pending request."""
    request = AccessRequest.objects.select_for_update().filter(pk=request_id, user=user).first()
    if request is None:
        raise NotFound("You have no such request.")
    _close(request, user, RequestState.WITHDRAWN, "")
    decision = decide(actor, Action.DISCOVER, resources.load(request.name))
    audit.record(actor, "withdraw-request", request.name, decision, request=str(request.pk))
    return request


@transaction.atomic
def comment_on_request(
    user: User, actor: Principal, request_id: UUID, *, text: str
) -> RequestComment:
    """Add to the thread of a request, which both sides read. Nothing said is changed later."""
    request = request_for(actor, user, request_id)
    if not text.strip():
        raise Invalid("The comment is empty.")
    comment = RequestComment.objects.create(request=request, author=user, text=text.strip())
    decision = decide(actor, Action.DISCOVER, resources.load(request.name))
    audit.record(actor, "comment-request", request.name, decision, request=str(request.pk))
    outbox.emit("request.commented", {"request": str(request.pk), "name": request.name})
    return comment


def _pending(actor: Principal, request_id: UUID) -> tuple[AccessRequest, Decision]:
    """Return a pending request, locked, and why the actor may decide on it."""
    request = (
        AccessRequest.objects.select_for_update(of=("self",))
        .select_related("user", "team")
        .filter(pk=request_id)
        .first()
    )
    if request is None:
        raise resources.absent(str(request_id))
    decision = _may_decide(actor, request, resources.load(request.name, asked=str(request_id)))
    _refuse_own(actor, request)
    if request.state != RequestState.PENDING:
        raise Conflict(f"The request is {request.state} already.")
    return request, decision


def _may_decide(actor: Principal, request: AccessRequest, resource: Resource) -> Decision:
    """Return why the actor may decide; raise what they may learn otherwise.

    By default whoever administers the product decides. Where documents name approvers, these do.
    Whom a request was escalated to decides as well.
    """
    rules = rules_for(resource.name)
    called = is_called(actor, request.escalated_to)
    if not rules.approvers and not called:
        return require(actor, Action.ADMINISTER, resource)
    known = require(actor, Action.DISCOVER, resource)
    by = rules.naming() or known.policies
    if (called or rules.names(actor)) and in_scope(actor, resource.name):
        why = "The request was escalated to them." if called else "The policies name them."
        return Decision(True, by, why, known.policy_set)
    teams = ", ".join(sorted(rules.approvers)) or "whoever administers it"
    answer = Decision(False, by, f"Requests for it are decided by {teams}.", known.policy_set)
    error = PolicyDenied(answer.reason, action="approve", name=resource.name, policies=list(by))
    denials.attach(error, denials.Denial(actor, "approve", resource.name, answer, hidden=False))
    raise error


def _refuse_own(actor: Principal, request: AccessRequest) -> None:
    if request.user.username in persons_in(actor):
        raise Conflict("Another owner must decide on your own request.")
    if request.team is not None and request.team.slug in actor.teams:
        raise Conflict(f"Someone outside of {request.team.slug} must decide on its request.")


def _close(request: AccessRequest, user: User | None, state: RequestState, comment: str) -> None:
    """End a request, once: of two who decide at the same moment, the second is told."""
    closed = {
        "state": state,
        "decided_at": timezone.now(),
        "decided_by": user,
        "comment": comment,
        "policies": request.policies,
    }
    pending = AccessRequest.objects.filter(pk=request.pk, state=RequestState.PENDING)
    if not pending.update(**closed):
        state_now = AccessRequest.objects.values_list("state", flat=True).get(pk=request.pk)
        raise Conflict(f"The request is {state_now} already.")
    for field, value in closed.items():
        setattr(request, field, value)
    if comment.strip():
        RequestComment.objects.create(request=request, author=user, text=comment.strip())
    payload = {"request": str(request.pk), "name": request.name, "state": str(state)}
    outbox.emit("request.decided", payload)
