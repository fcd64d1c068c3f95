"""Grants: made from a request, and ended."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from governance import audit, resources
from governance.engine.entities import Action, Decision, Principal
from governance.models import AccessRequest, Grant, User
from governance.requests import in_scope, rules_for
from governance.services.decisions import decide, require


def make_grant(
    actor: Principal, decision: Decision, request: AccessRequest, *, by: User | None, days: int
) -> Grant:
    """Make the grant of an approved request, in the transaction that approves it.

    `decision` says why; `by` is the person who approved, None when a policy did.
    """
    team = request.team
    grant = Grant.objects.create(
        user=None if team is not None else request.user,
        team=team,
        name=request.name,
        port=request.port,
        purpose=request.purpose,
        request=request,
        granted_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    whom = {"to": request.user.username} if team is None else {"team": team.slug}
    audit.record(
        actor,
        "grant",
        request.name,
        decision,
        **whom,
        grant=str(grant.pk),
        purpose=request.purpose,
        expires=grant.expires_at.isoformat(),
    )
    outbox.emit("grant.changed", {"name": request.name})
    return grant


@transaction.atomic
def revoke_grant(actor: Principal, grant_id: UUID) -> Grant:
    """End a grant; the next request that relies on it is refused."""
    grant = Grant.objects.select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise resources.absent(str(grant_id))
    decision = _may_revoke(actor, grant)
    end_grant(actor, decision, grant)
    return grant


def _may_revoke(actor: Principal, grant: Grant) -> Decision:
    """Whoever could have given a grant may take it: who administers, and named approvers.

    And the person who holds it may give it up.
    """
    resource = resources.load(grant.name, asked=str(grant.pk))
    known = decide(actor, Action.DISCOVER, resource)
    if known.allow and grant.user is not None and grant.user.username == actor.id:
        return Decision(True, (), "They give up what they hold.", known.policy_set)
    rules = rules_for(grant.name)
    if known.allow and rules.names(actor) and in_scope(actor, grant.name):
        return Decision(True, rules.naming(), "The policies name them.", known.policy_set)
    return require(actor, Action.ADMINISTER, resource)


def end_grant(actor: Principal, decision: Decision, grant: Grant) -> bool:
    """End a locked grant; return False when it had ended by being revoked. `decision` says why."""
    if grant.revoked_at is not None:
        return False
    grant.revoked_at, grant.revoked_by = timezone.now(), actor.id
    grant.save(update_fields=["revoked_at", "revoked_by"])
    audit.record(actor, "revoke-grant", grant.name, decision, grant=str(grant.pk))
    outbox.emit("grant.changed", {"name": grant.name})
    return True
