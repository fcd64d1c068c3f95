"""Access requests and grants: approving is granting, and the grant expires by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid, NotFound
from governance import audit, resources
from governance.engine.entities import Action, Decision, Principal
from governance.models import AccessRequest, Grant, RequestState, User
from governance.selectors import PURPOSES
from governance.services.decisions import decide, require

MAX_DAYS = 366


@transaction.atomic
def request_access(
    user: User, actor: Principal, *, name: str, purpose: str, reason: str, days: int
) -> AccessRequest:
    """Ask the owners of a product for access; one request per product and purpose at a time."""
    resource = resources.load(name)
    decision = require(actor, Action.DISCOVER, resource)
    if resource.type != "Product":
        raise Invalid("Access is asked for a product, not for a domain.", name=name)
    if purpose not in PURPOSES:
        raise Invalid(f"A purpose is one of {', '.join(PURPOSES)}.", purpose=purpose)
    if not 0 < days <= MAX_DAYS:
        raise Invalid(f"Access is asked for 1 to {MAX_DAYS} days.", days=days)
    pending = {"user": user, "name": resource.name, "purpose": purpose, "state": "pending"}
    if AccessRequest.objects.filter(**pending).exists():
        raise Conflict("You asked for this already; the owners have not decided yet.")
    try:
        with transaction.atomic():
            request = AccessRequest.objects.create(**pending, reason=reason, days=days)
    except IntegrityError as error:
        raise Conflict("You asked for this already; the owners have not decided yet.") from error
    audit.record(actor, "request-access", resource.name, decision, purpose=purpose, days=days)
    return request


@transaction.atomic
def approve_request(user: User, actor: Principal, request_id: UUID, *, comment: str = "") -> Grant:
    """Approve a pending request. The grant stands from this commit on, until it expires."""
    request, decision = _pending(actor, request_id)
    if request.user_id == user.pk:
        raise Conflict("Another owner must decide on your own request.")
    _decide_on(request, user, RequestState.APPROVED, comment)
    grant = Grant.objects.create(
        user=request.user,
        name=request.name,
        purpose=request.purpose,
        request=request,
        granted_by=user,
        expires_at=timezone.now() + timedelta(days=request.days),
    )
    audit.record(
        actor,
        "grant",
        request.name,
        decision,
        grant=str(grant.id),
        to=request.user.username,
        purpose=request.purpose,
        expires=grant.expires_at.isoformat(),
    )
    outbox.emit("grant.changed", {"name": request.name})
    return grant


@transaction.atomic
def deny_request(user: User, actor: Principal, request_id: UUID, *, comment: str) -> AccessRequest:
    """Deny a pending request, with a comment that says why."""
    request, decision = _pending(actor, request_id)
    if not comment.strip():
        raise Invalid("Say why: the person who asked reads the comment.")
    _decide_on(request, user, RequestState.DENIED, comment)
    audit.record(actor, "deny-access", request.name, decision, to=request.user.username)
    return request


@transaction.atomic
def withdraw_request(user: User, actor: Principal, request_id: UUID) -> AccessRequest:
    """Take back one's own pending request."""
    request = AccessRequest.objects.select_for_update().filter(pk=request_id, user=user).first()
    if request is None:
        raise NotFound("You have no such request.")
    if request.state != RequestState.PENDING:
        raise Conflict(f"The request is {request.state} already.")
    _decide_on(request, user, RequestState.WITHDRAWN, "")
    decision = decide(actor, Action.DISCOVER, resources.load(request.name))
    audit.record(actor, "withdraw-request", request.name, decision)
    return request


@transaction.atomic
def revoke_grant(actor: Principal, grant_id: UUID) -> Grant:
    """End a grant; the next request that relies on it is refused."""
    grant = Grant.objects.select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise resources.absent(str(grant_id))
    resource = resources.load(grant.name, asked=str(grant_id))
    decision = require(actor, Action.ADMINISTER, resource)
    if grant.revoked_at is None:
        grant.revoked_at = timezone.now()
        grant.save(update_fields=["revoked_at"])
        audit.record(actor, "revoke-grant", grant.name, decision, grant=str(grant.id))
        outbox.emit("grant.changed", {"name": grant.name})
    return grant


def _pending(actor: Principal, request_id: UUID) -> tuple[AccessRequest, Decision]:
    request = (
        AccessRequest.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(pk=request_id)
        .first()
    )
    if request is None:
        raise resources.absent(str(request_id))
    resource = resources.load(request.name, asked=str(request_id))
    decision = require(actor, Action.ADMINISTER, resource)
    if request.state != RequestState.PENDING:
        raise Conflict(f"The request is {request.state} already.")
    return request, decision


def _decide_on(request: AccessRequest, user: User, state: RequestState, comment: str) -> None:
    request.state = state
    request.decided_at = timezone.now()
    request.decided_by = user
    request.comment = comment
    request.save(update_fields=["state", "decided_at", "decided_by", "comment"])
