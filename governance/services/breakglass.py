"""Breaking the glass: reading without a grant, in an emergency, for hours, under everyone's eyes.

It is a grant of its own template (policies/templates.cedar): read alone, for one person, and under
every forbid. The simple rules: a person, at a session, who proves again who they are; a second
glass on the same product waits for the review of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid, MfaRequired, PolicyDenied
from governance import audit, denials, resources
from governance.engine.entities import Action, Decision, Principal, Resource
from governance.engine.obligations import PURPOSES
from governance.engine.permits import BREAK_GLASS
from governance.grants import owns, persons_in
from governance.models import Grant, GrantKind, GrantReview, ReviewVerdict, User
from governance.services.decisions import require
from governance.services.grants import end_grant
from governance.services.sessions import check_password, check_second_factor

GROUPS = frozenset({"operators", BREAK_GLASS})
"""Who may: operators, and whom they put into the group `break-glass`."""
MAX_HOURS = 4
REVIEW_WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person at a session sends again to show who they are, and from where."""

    password: str
    code: str
    address: str


def prove(user: User, proof: Proof | None) -> None:
    """Return when the person has just shown who they are; a bearer token never has (`None`).

    The password is asked again, and the second factor of those who have one. Attempts are counted
    as those of signing in are. Whoever signs in elsewhere and has no password needs a second
    factor, and with FAIRMESH_BREAK_GLASS_MFA everyone does.
    """
    if proof is None:
        raise PolicyDenied(
            "A token does not break the glass: sign in to the portal and do it there."
        )
    has_password = user.has_usable_password()
    needs_factor = settings.FAIRMESH.break_glass_mfa or not has_password
    if needs_factor and not Authenticator.objects.filter(user=user).exists():
        raise MfaRequired("Set up a second factor first; breaking the glass takes one.", methods=[])
    if has_password:
        check_password(username=user.username, password=proof.password, address=proof.address)
    check_second_factor(user, proof.code, proof.address)


@transaction.atomic
def break_glass(
    user: User, actor: Principal, *, name: str, purpose: str, reason: str, hours: int
) -> Grant:
    """Let a person who has proved who they are (`prove`) read a product for up to four hours.

    The owner is told, and owes a review. A forbid stands above it, as above every permit.
    """
    resource = resources.load(name)
    known = require(actor, Action.DISCOVER, resource)
    decision = _may_break(actor, resource, known)
    _check(resource, purpose, reason, hours)
    _refuse_second(user, resource)
    until = timezone.now() + timedelta(hours=hours)
    grant = Grant.objects.create(
        kind=GrantKind.BREAK_GLASS,
        user=user,
        name=resource.name,
        purpose=purpose,
        reason=reason.strip(),
        granted_by=user,
        expires_at=until,
        review_due_at=until + REVIEW_WITHIN,
    )
    told = {"grant": str(grant.pk), "purpose": purpose, "expires": until.isoformat()}
    audit.record(actor, "break-glass", resource.name, decision, reason=grant.reason, **told)
    payload = {"grant": str(grant.pk), "name": resource.name, "by": user.username}
    outbox.emit("grant.break-glass", {**payload, "until": until.isoformat()})
    outbox.emit("grant.changed", {"name": resource.name})
    return grant


def _may_break(actor: Principal, resource: Resource, known: Decision) -> Decision:
    is_person = actor.kind == "person" and actor.on_behalf_of is None and actor.scopes is None
    if is_person and actor.groups & GROUPS:
        return Decision(True, (BREAK_GLASS,), "The glass was broken.", known.policy_set)
    answer = Decision(
        False,
        (BREAK_GLASS,),
        "The glass is for people who are operators or in the group break-glass.",
        known.policy_set,
    )
    error = PolicyDenied(answer.reason, action=BREAK_GLASS, name=resource.name)
    denials.attach(error, denials.Denial(actor, BREAK_GLASS, resource.name, answer, hidden=False))
    raise error


def _check(resource: Resource, purpose: str, reason: str, hours: int) -> None:
    if resource.type != "Product":
        raise Invalid("The glass is broken for a product, not for a domain.", name=resource.name)
    if purpose not in PURPOSES:
        raise Invalid(f"A purpose is one of {', '.join(PURPOSES)}.", purpose=purpose)
    if not reason.strip():
        raise Invalid("Say why: the owners read it, and review what you do.")
    if not 0 < hours <= MAX_HOURS:
        raise Invalid(f"The glass is broken for 1 to {MAX_HOURS} hours.", hours=hours)


def _refuse_second(user: User, resource: Resource) -> None:
    """Four hours are not made eight by asking twice: the first glass is reviewed first."""
    User.objects.select_for_update().get(pk=user.pk)  # of two at once, the second sees the first
    if Grant.objects.filter(
        kind=GrantKind.BREAK_GLASS, user=user, name=resource.name, review__isnull=True
    ).exists():
        raise Conflict(f"You broke the glass on {resource.name} already; its review is due first.")


@transaction.atomic
def review_grant(
    user: User, actor: Principal, grant_id: UUID, *, verdict: str, comment: str
) -> Grant:
    """Write down what an owner thinks of a broken glass; once, and never by the one who broke it.

    A verdict of `unjustified` ends a glass that is still broken.
    """
    grant = (
        Grant.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(pk=grant_id)
        .first()
    )
    if grant is None:
        raise resources.absent(str(grant_id))
    resource = resources.load(grant.name, asked=str(grant_id))
    decision = require(actor, Action.ADMINISTER, resource)
    _check_review(actor, grant, verdict, comment)
    GrantReview.objects.create(grant=grant, reviewer=user, verdict=verdict, comment=comment.strip())
    told = {"grant": str(grant.pk), "verdict": verdict}
    audit.record(actor, "review-grant", grant.name, decision, **told)
    if verdict == ReviewVerdict.UNJUSTIFIED and grant.revoked_at is None:
        end_grant(actor, decision, grant)
    outbox.emit("grant.reviewed", {"name": grant.name, **told})
    return grant


def _check_review(actor: Principal, grant: Grant, verdict: str, comment: str) -> None:
    if grant.kind != GrantKind.BREAK_GLASS:
        raise Conflict("Only a broken glass is reviewed; others are recertified by campaigns.")
    assert grant.user is not None
    if grant.user.username in persons_in(actor) or not owns(actor, grant.name):
        raise PolicyDenied(
            "An owner of the product reviews a broken glass, and not the one who broke it.",
            action="review",
            name=grant.name,
        )
    if verdict not in ReviewVerdict.values or not comment.strip():
        raise Invalid(f"Give a verdict ({', '.join(ReviewVerdict.values)}) and say why.")
    if GrantReview.objects.filter(grant=grant).exists():
        raise Conflict("It was reviewed already.")
