"""Policy documents: checked as a whole when saved, versioned, never edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from core import outbox
from core.digests import sha256_digest
from core.errors import Conflict, Invalid, InvalidSpec
from core.names import is_under
from governance import audit, resources
from governance.engine import documents
from governance.engine.policyset import check_pushable, policy_set
from governance.engine.entities import MESH, Action, Decision, Principal
from governance.engine.protection import Protection, merge
from governance.models import Policy, PolicyKind, PolicyState, Team
from governance.selectors import default_policies, schema_text
from governance.services.decisions import require

LISTED = frozenset({"name", "team", "owners", "visibility", "access", "lifecycle", "labels"})
"""The attributes of a product by which lists can be filtered; see governance.pushdown."""


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
    others = Policy.objects.filter(kind=PolicyKind.ACCESS, state=PolicyState.ACTIVE)
    texts = [default_policies(), *others.exclude(slug=slug).values_list("text", flat=True), text]
    check_pushable(policy_set("\n".join(texts), schema_text()).policies, LISTED)
    return _activate(
        actor, decision, Policy(kind=PolicyKind.ACCESS, slug=slug, prefix="/", text=text)
    )


def require_scope(actor: Principal, prefix: str) -> Decision:
    """Raise unless the actor administers everything below `prefix`."""
    resource = MESH if prefix == "/" else resources.load(prefix)
    decision = require(actor, Action.ADMINISTER, resource)
    if resource.name != prefix:
        raise Invalid(f"{prefix} is called {resource.name} now; write that.", name=resource.name)
    return decision


@dataclass(frozen=True, slots=True)
class _Bound:
    """A protection policy and what it binds."""

    prefix: str
    labels: frozenset[str]
    protection: Protection

    def covers(self, other: _Bound) -> bool:
        """True when this policy binds whatever `other` binds."""
        return is_under(other.prefix, self.prefix) and self.labels <= other.labels


def _refuse_contradiction(document: documents.Document) -> None:
    """Raise when some policy would bind nothing but products for which no place is left.

    Policies with labels of their own meet only on a product that carries both; whether one does
    is not known here, and such a product is refused every copy, which is safe.
    """
    mine = _Bound(
        document.prefix,
        frozenset(document.labels),
        documents.protection(document.id, document.spec),
    )
    others = [
        _Bound(row.prefix, frozenset(row.labels), documents.protection(row.slug, row.spec))
        for row in Policy.objects.filter(kind=PolicyKind.PROTECTION, state=PolicyState.ACTIVE)
        if row.slug != document.id
    ]
    for least in (mine, *others):
        together = [bound for bound in (mine, *others) if bound.covers(least)]
        conflict = merge(bound.protection for bound in together).contradiction
        if mine in together and conflict:
            raise InvalidSpec(
                f"The policy contradicts others: {conflict}",
                errors=[{"where": "spec.residency", "message": conflict}],
            )


def _activate(actor: Principal, decision: Decision, policy: Policy) -> Policy:
    earlier = Policy.objects.filter(slug=policy.slug)
    if (standing := earlier.filter(state=PolicyState.ACTIVE).first()) is not None:
        require_scope(actor, standing.prefix)  # a new version puts the old one out of force
        if standing.kind != policy.kind:
            raise Conflict(f"{policy.slug!r} is a policy of the kind {standing.kind}.")
    policy.digest = sha256_digest(policy.text.encode())
    same = earlier.filter(state=PolicyState.ACTIVE, digest=policy.digest).first()
    if same is not None:
        return same
    earlier.filter(state=PolicyState.ACTIVE).update(state=PolicyState.RETIRED)
    policy.version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    policy.state = PolicyState.ACTIVE
    policy.created_by = actor.id
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise Conflict(f"{policy.slug!r} was saved by someone else just now.") from error
    audit.record(actor, "activate-policy", policy.prefix, decision, policy=str(policy))
    outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})
    return policy


@transaction.atomic
def retire_policy(actor: Principal, policy_id: UUID) -> Policy:
    """Take a policy out of force. Its text stays, so past decisions can be explained."""
    policy = Policy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise resources.absent(str(policy_id))
    decision = require_scope(actor, policy.prefix)
    if policy.state == PolicyState.ACTIVE:
        policy.state = PolicyState.RETIRED
        policy.save(update_fields=["state"])
        audit.record(actor, "retire-policy", policy.prefix, decision, policy=str(policy))
        outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})
    return policy
