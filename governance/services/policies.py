"""Policy documents: checked as a whole, versioned, never edited once in force.

What may happen to a version when is the table in governance.engine.lifecycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from core import outbox
from core.errors import Conflict, SecondPersonNeeded
from governance import audit, resources
from governance.engine.entities import Decision, Principal
from governance.engine.lifecycle import Move, State, after
from governance.models import Policy, PolicyKind, PolicyState
from governance.services.policy_checks import check, read, require_scope
from governance.services.policy_pipelines import answer_for_pipelines
from governance.services.policy_sets import note_policy_set


def needs_review() -> bool:
    """Say whether this mesh has policies simulated and approved by a second person."""
    return bool(settings.FAIRMESH.policy_review)


@transaction.atomic
def save_policy(
    actor: Principal,
    *,
    kind: str,
    text: str,
    slug: str = "",
    tests: Sequence[dict[str, Any]] | None = None,
) -> Policy:
    """Check a policy document and make it the active version of its id.

    An access policy is Cedar text under `slug`; the other kinds are YAML and name themselves.
    Where policies are reviewed, the checked document becomes a draft instead. Raises InvalidSpec
    with every place that is wrong, before anything is written.
    """
    policy = read(kind, text, slug, tests)
    decision = require_scope(actor, policy.prefix)
    warnings = check(actor, policy)
    if (same := _same_in_force(policy)) is not None:
        return same
    add_version(actor, policy, warnings)
    if needs_review():
        policy.state = after(State(policy.state), Move.VALIDATE)
        policy.save(update_fields=["state"])
        audit.record(actor, "draft-policy", policy.prefix, decision, policy=str(policy))
    else:
        put_in_force(actor, decision, policy, Move.ENACT)
    policy.warnings = warnings
    return policy


def _same_in_force(policy: Policy) -> Policy | None:
    standing = standing_version(policy.slug)
    same = standing is not None and (standing.digest, standing.tests, standing.kind) == (
        policy.digest, policy.tests, policy.kind
    )  # fmt: skip
    return standing if same else None


def standing_version(slug: str) -> Policy | None:
    return Policy.objects.filter(slug=slug, state=PolicyState.ACTIVE).first()


def add_version(actor: Principal, policy: Policy, warnings: list[dict[str, Any]]) -> None:
    """Save a new policy as a draft, the next version of its slug."""
    earlier = Policy.objects.filter(slug=policy.slug)
    standing = earlier.filter(state=PolicyState.ACTIVE).first()
    refuse_others(actor, policy, standing)
    policy.version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    policy.base = standing.version if standing else 0
    policy.state = PolicyState.DRAFT
    policy.created_by = actor.id
    policy.authors = sorted(writers(actor))
    answer_for_pipelines(actor, policy)
    policy.warnings = without_names(warnings)
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise Conflict(f"{policy.slug!r} was saved by someone else just now.") from error


def refuse_others(actor: Principal, policy: Policy, standing: Policy | None) -> None:
    """Raise when the policy would take the id of one of another kind, or of another's."""
    if standing is None:
        return
    # a new version puts the old one out of force
    require_scope(actor, standing.prefix, asked=standing.slug)
    if standing.kind != policy.kind:
        raise Conflict(f"{policy.slug!r} is a policy of the kind {standing.kind}.")


def writers(actor: Principal) -> set[str]:
    """Return who stands behind an act: the actor, and the person for whom an agent acts."""
    person = actor.on_behalf_of
    return {actor.id} | (writers(person) if person is not None else set())


def without_names(warnings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what may be shown to everyone: which products suffer is for whoever checked."""
    return [{**each, "products": [], "count": 0} for each in warnings]


def put_in_force(actor: Principal, decision: Decision, policy: Policy, move: Move) -> None:
    """Make a checked version the active one of its slug, and retire the one before."""
    target = after(State(policy.state), move)
    listed = policy.kind == PolicyKind.ACCESS
    if listed:
        note_policy_set()
    now = timezone.now()
    Policy.objects.filter(slug=policy.slug, state=PolicyState.ACTIVE).update(
        state=PolicyState.RETIRED, retired_at=now
    )
    policy.state, policy.activated_at, policy.retired_at = target, now, None
    try:
        with transaction.atomic():
            policy.save(update_fields=["state", "activated_at", "retired_at", "warnings"])
    except IntegrityError as error:
        raise Conflict(f"{policy.slug!r} was activated by someone else just now.") from error
    if listed:
        note_policy_set()
    audit.record(
        actor,
        "activate-policy",
        policy.prefix,
        decision,
        policy=str(policy),
        move=str(move),
        approver=policy.approved_by,
    )
    outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})


@transaction.atomic
def retire_policy(actor: Principal, policy_id: UUID) -> Policy:
    """Take a policy out of force. Its text stays, so past decisions can be explained.

    Where policies are reviewed the first person asks and a second one carries it out: the end of
    a forbid lets people in as much as a new permit does.
    """
    policy, decision = locked(actor, policy_id)
    if policy.state == PolicyState.RETIRED:
        return policy
    target = after(State(policy.state), Move.RETIRE)
    if needs_review() and policy.retirement_asked_by in {"", actor.id}:
        policy.retirement_asked_by = actor.id
        policy.save(update_fields=["retirement_asked_by"])
        audit.record(actor, "ask-retirement", policy.prefix, decision, policy=str(policy))
        return policy
    if needs_review():
        refuse_same_person(actor, {policy.retirement_asked_by})
    listed = policy.kind == PolicyKind.ACCESS
    if listed:
        note_policy_set()
    policy.state, policy.retired_at = target, timezone.now()
    policy.save(update_fields=["state", "retired_at"])
    if listed:
        note_policy_set()
    audit.record(actor, "retire-policy", policy.prefix, decision, policy=str(policy))
    outbox.emit("policy.changed", {"slug": policy.slug, "kind": policy.kind})
    return policy


def refuse_same_person(actor: Principal, authors: Iterable[str]) -> None:
    """Raise SecondPersonNeeded unless the actor is a person and none of these."""
    if actor.kind != "person" or actor.on_behalf_of is not None:
        raise SecondPersonNeeded("A machine cannot approve; a person must.", by=actor.id)
    if actor.id in authors:
        raise SecondPersonNeeded(
            f"{actor.id} took part in this change; someone else must approve it.", by=actor.id
        )


def locked(actor: Principal, policy_id: UUID) -> tuple[Policy, Decision]:
    """Return a policy whose scope the actor administers, locked, and the decision."""
    policy = (
        Policy.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(pk=policy_id)
        .first()
    )
    if policy is None:
        raise resources.absent(str(policy_id))
    return policy, require_scope(actor, policy.prefix, asked=str(policy_id))
