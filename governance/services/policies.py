"""Policy documents: checked as a whole when saved, versioned, never edited in place."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Max

from core import outbox
from core.digests import sha256_digest
from core.errors import Invalid, InvalidSpec, NotFound
from core.names import is_under
from governance import audit, resources
from governance.engine import documents
from governance.engine.decision import policy_set
from governance.engine.entities import MESH, Action, Decision, Principal, Situation
from governance.engine.protection import merge
from governance.engine.residual import Question, residual
from governance.models import Policy, PolicyKind, PolicyState, Team
from governance.selectors import default_policies, schema_text
from governance.services.decisions import require


@transaction.atomic
def save_policy(actor: Principal, *, kind: str, text: str, slug: str = "") -> Policy:
    """Check a policy document and make it the active version of its id.

    An access policy is Cedar text under `slug`; the other kinds are YAML and name themselves.
    Raises InvalidSpec with every place that is wrong, before anything is written.
    """
    if kind == PolicyKind.ACCESS:
        return _save_access(actor, text, slug)
    if kind != PolicyKind.PROTECTION:
        raise Invalid(f"Policies of the kind {kind!r} are not supported.", kind=kind)
    document = documents.parse(text)
    decision = require_scope(actor, document.prefix)
    _refuse_contradiction(document)
    owner = None
    if document.owner is not None:
        owner = Team.objects.filter(slug=document.owner).first()
        if owner is None:
            raise Invalid(f"There is no team {document.owner!r} to own the policy.")
    return _activate(
        actor,
        decision,
        Policy(
            kind=kind,
            slug=document.id,
            owner=owner,
            prefix=document.prefix,
            labels=list(document.labels),
            text=text,
            spec=document.spec,
        ),
    )


def _save_access(actor: Principal, text: str, slug: str) -> Policy:
    decision = require_scope(actor, "/")
    if not slug:
        raise Invalid("An access policy is saved under a slug.")
    together = policy_set(default_policies() + "\n" + text, schema_text())
    for resource_type in ("Product", "Domain"):  # every list must be able to filter by it
        attributes = frozenset({"team", "owners", "visibility", "access", "lifecycle", "labels"})
        for action in (Action.DISCOVER, Action.READ):
            residual(
                together.parsed, Question(actor, action, resource_type, attributes, Situation())
            )
    return _activate(
        actor, decision, Policy(kind=PolicyKind.ACCESS, slug=slug, prefix="/", text=text)
    )


def require_scope(actor: Principal, prefix: str) -> Decision:
    """Raise unless the actor administers everything below `prefix`."""
    return require(actor, Action.ADMINISTER, MESH if prefix == "/" else resources.load(prefix))


def _refuse_contradiction(document: documents.Document) -> None:
    mine = documents.protection(document.id, document.spec)
    for other in Policy.objects.filter(kind=PolicyKind.PROTECTION, state=PolicyState.ACTIVE):
        overlap = is_under(document.prefix, other.prefix) or is_under(other.prefix, document.prefix)
        if other.slug == document.id or not overlap:
            continue
        conflict = merge([mine, documents.protection(other.slug, other.spec)]).contradiction
        if conflict:
            raise InvalidSpec(
                f"The policy contradicts {other.slug!r}: {conflict}",
                errors=[{"where": "spec.residency", "message": conflict}],
            )


def _activate(actor: Principal, decision: Decision, policy: Policy) -> Policy:
    earlier = Policy.objects.filter(slug=policy.slug)
    policy.digest = sha256_digest(policy.text.encode())
    same = earlier.filter(state=PolicyState.ACTIVE, digest=policy.digest).first()
    if same is not None:
        return same
    earlier.filter(state=PolicyState.ACTIVE).update(state=PolicyState.RETIRED)
    policy.version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    policy.state = PolicyState.ACTIVE
    policy.created_by = actor.id
    policy.save()
    audit.record(actor, "activate-policy", policy.prefix, decision, policy=str(policy))
    outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})
    return policy


@transaction.atomic
def retire_policy(actor: Principal, policy_id: UUID) -> Policy:
    """Take a policy out of force. Its text stays, so past decisions can be explained."""
    policy = Policy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise NotFound("There is no such policy.")
    decision = require_scope(actor, policy.prefix)
    if policy.state == PolicyState.ACTIVE:
        policy.state = PolicyState.RETIRED
        policy.save(update_fields=["state"])
        audit.record(actor, "retire-policy", policy.prefix, decision, policy=str(policy))
        outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})
    return policy
