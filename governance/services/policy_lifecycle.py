"""Drafts of policies: written, validated, proposed, approved by a second person, activated.

Each function is one move of governance.engine.lifecycle: it locks the version, asks whether the
actor administers its scope, makes the move and writes it into the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import Conflict
from governance import audit
from governance.engine.entities import Decision, Principal
from governance.engine.lifecycle import Move, State, after
from governance.models import Policy, PolicyState
from governance.services.policies import (
    add_version,
    locked,
    needs_review,
    put_in_force,
    refuse_others,
    refuse_same_person,
    standing_version,
    without_names,
    writers,
)
from governance.services.policy_checks import check, read, require_scope
from governance.services.policy_pipelines import answer_for_pipelines

_CONTENT = ("owner", "prefix", "labels", "text", "spec", "tests", "digest")


@transaction.atomic
def draft_policy(
    actor: Principal,
    *,
    kind: str,
    text: str,
    slug: str = "",
    tests: Sequence[dict[str, Any]] | None = None,
) -> Policy:
    """Keep a document as the next version of its policy, in force for nobody."""
    policy = read(kind, text, slug, tests)
    decision = require_scope(actor, policy.prefix)
    add_version(actor, policy, [])
    audit.record(actor, "draft-policy", policy.prefix, decision, policy=str(policy))
    return policy


@transaction.atomic
def edit_draft(
    actor: Principal, policy_id: UUID, *, text: str, tests: Sequence[dict[str, Any]] | None = None
) -> Policy:
    """Replace the text of a version that is not in force; it is a draft again.

    It is based on what is in force now, and whoever edits it cannot approve it.
    """
    policy, decision = _moved(actor, policy_id, Move.EDIT)
    if policy.activated_at is not None:
        raise Conflict(f"{policy} was in force once and is never edited; draft its next version.")
    written = read(policy.kind, text, policy.slug, tests)
    require_scope(actor, written.prefix)
    standing = standing_version(policy.slug)
    refuse_others(actor, policy, standing)
    for field in _CONTENT:
        setattr(policy, field, getattr(written, field))
    policy.base = standing.version if standing else 0
    policy.authors = sorted({*policy.authors, *writers(actor)})
    answer_for_pipelines(actor, policy)
    policy.approved_by, policy.warnings = "", []
    policy.save()
    audit.record(
        actor, "edit-policy", policy.prefix, decision, policy=str(policy), digest=policy.digest
    )
    return policy


@transaction.atomic
def delete_draft(actor: Principal, policy_id: UUID) -> None:
    """Remove a version that was never in force."""
    policy, decision = locked(actor, policy_id)
    if policy.activated_at is not None:
        raise Conflict(f"{policy} was in force once; it stays, so that decisions can be explained.")
    after(State(policy.state), Move.DELETE)
    audit.record(actor, "delete-policy", policy.prefix, decision, policy=str(policy))
    policy.delete()


@transaction.atomic
def validate_draft(actor: Principal, policy_id: UUID) -> Policy:
    """Check a draft against the policies in force and run its own tests."""
    policy, decision = _moved(actor, policy_id, Move.VALIDATE)
    warnings = check(actor, policy)
    policy.warnings = without_names(warnings)
    policy.save(update_fields=["state", "warnings"])
    audit.record(
        actor, "validate-policy", policy.prefix, decision, policy=str(policy),
        warnings=len(warnings), tests=len(policy.tests),
    )  # fmt: skip
    policy.warnings = warnings
    return policy


@transaction.atomic
def propose_draft(actor: Principal, policy_id: UUID) -> Policy:
    """Ask for the approval of a version whose newest simulation passed."""
    policy, decision = _moved(actor, policy_id, Move.PROPOSE)
    policy.authors = sorted({*policy.authors, *writers(actor)})
    policy.save(update_fields=["state", "authors"])
    audit.record(actor, "propose-policy", policy.prefix, decision, policy=str(policy))
    return policy


@transaction.atomic
def approve_draft(
    actor: Principal, policy_id: UUID, *, digest: str = "", comment: str = ""
) -> Policy:
    """Approve a proposed version. Raises SecondPersonNeeded for those who wrote it.

    `digest` is that of the text that was read: another text is not approved by accident.
    """
    policy, decision = _moved(actor, policy_id, Move.APPROVE)
    refuse_same_person(actor, policy.authors)
    if digest and digest != policy.digest:
        raise Conflict(f"{policy} was edited since you read it.", digest=policy.digest)
    policy.approved_by = actor.id
    policy.save(update_fields=["state", "approved_by"])
    audit.record(
        actor, "approve-policy", policy.prefix, decision, policy=str(policy),
        digest=policy.digest, comment=comment,
    )  # fmt: skip
    return policy


@transaction.atomic
def activate_draft(actor: Principal, policy_id: UUID) -> Policy:
    """Bring an approved version into force; where nothing is reviewed, any that is not.

    It is checked once more: what is in force may have changed since.
    """
    policy, decision = locked(actor, policy_id)
    move = Move.ACTIVATE
    if policy.state != PolicyState.APPROVED and not needs_review():
        move = Move.ENACT
    after(State(policy.state), move)
    standing = standing_version(policy.slug)
    refuse_others(actor, policy, standing)
    now_in_force = standing.version if standing else 0
    if now_in_force != policy.base:
        raise Conflict(
            f"{policy} was written against version {policy.base or 'none'}, and "
            f"{now_in_force or 'none'} is in force now; edit the draft to take that up.",
            base=policy.base,
            in_force=now_in_force,
        )
    warnings = check(actor, policy)
    policy.warnings = without_names(warnings)
    put_in_force(actor, decision, policy, move)
    policy.warnings = warnings
    return policy


@transaction.atomic
def roll_back(actor: Principal, policy_id: UUID) -> Policy:
    """Return to an earlier version: at once to the one in force last, else by a new approval."""
    policy, decision = locked(actor, policy_id)
    after(State(policy.state), Move.RESTORE)
    standing = standing_version(policy.slug)
    refuse_others(actor, policy, standing)
    warnings = check(actor, policy)
    policy.base = standing.version if standing else 0
    policy.warnings = without_names(warnings)
    policy.retirement_asked_by = ""
    if needs_review() and _last_in_force(policy.slug) != policy.pk:
        policy.state = after(State(policy.state), Move.REVIVE)
        policy.approved_by = ""
        policy.authors = sorted({*policy.authors, *writers(actor)})
        policy.save()
        audit.record(actor, "revive-policy", policy.prefix, decision, policy=str(policy))
    else:
        policy.save(update_fields=["base", "retirement_asked_by"])
        put_in_force(actor, decision, policy, Move.RESTORE)
    policy.warnings = warnings
    return policy


def _last_in_force(slug: str) -> UUID | None:
    retired = Policy.objects.filter(slug=slug, state=PolicyState.RETIRED)
    return retired.order_by("-retired_at", "-version").values_list("pk", flat=True).first()


def _moved(actor: Principal, policy_id: UUID, move: Move) -> tuple[Policy, Decision]:
    """Return a locked version with its state after the move, not saved yet."""
    policy, decision = locked(actor, policy_id)
    policy.state = after(State(policy.state), move)
    return policy, decision
