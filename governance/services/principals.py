"""People and machines: how they come into the mesh, and how they are put out of it."""

from __future__ import annotations

import re

from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import BooleanField, Case, F, Q, QuerySet, When
from django.utils import timezone

from core.errors import Conflict, Invalid, NotFound
from governance import audit
from governance.engine.entities import ANONYMOUS, MESH, Action, Decision, Principal
from governance.models import ApiToken, PrincipalKind, User
from governance.services.decisions import decide, require
from governance.services.teams import manage, manages, team_named

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_RESERVED = "service."
MACHINES = tuple(kind for kind in PrincipalKind.values if kind != PrincipalKind.PERSON)


@transaction.atomic
def create_user(actor: Principal, *, username: str, password: str, operator: bool = False) -> User:
    """Create a person who signs in with a password. Operators only."""
    decision = require(actor, Action.ADMINISTER, MESH)
    _check_free(username)
    candidate = User(username=username, is_operator=operator)
    try:
        validate_password(password, candidate)
    except ValidationError as error:
        raise Invalid("The password is too weak: " + " ".join(error.messages)) from error
    candidate.set_password(password)
    candidate.save()
    audit.record(actor, "create-user", username, decision, kind="person", operator=operator)
    return candidate


@transaction.atomic
def create_machine(
    actor: Principal, *, username: str, kind: str, team: str, site: str = ""
) -> User:
    """Create a service account, an agent or a site. Its team's owners and operators may.

    A site's voice is lent by operators alone: whoever says that a site lives keeps its copies
    counted. None has a password or ever signs in: they hold tokens, which the team's owners make.
    """
    if kind not in MACHINES:
        raise Invalid(f"A machine is one of {', '.join(MACHINES)}.", kind=kind)
    if (kind == PrincipalKind.SITE) != bool(site):
        raise Invalid("A principal of the kind site, and no other, names its `site`.", site=site)
    if site and not _SITE.fullmatch(site):
        raise Invalid(f"{site!r} cannot be a site's name: use a-z, 0-9 and '-'.", site=site)
    decision = require(actor, Action.ADMINISTER, MESH) if site else manage(actor, team)
    _check_free(username)
    machine = User(username=username, kind=kind, team=team_named(team), site=site)
    machine.set_unusable_password()
    machine.save()
    audit.record(actor, "create-user", username, decision, kind=kind, team=team, site=site)
    return machine


@transaction.atomic
def admit(username: str, *, issuer: str) -> User:
    """Return a new plain member, vouched for by the mesh's OIDC provider, without a password.

    Raises Invalid for a name that policies cannot hold, Conflict for one that is taken: whoever
    holds it signs in and connects the provider himself.
    """
    _check_free(username)
    member = User(username=username)
    member.set_unusable_password()
    member.save()
    decision = Decision(True, (), "The provider of the mesh vouches for them.", "")
    audit.record(Principal(username), "create-user", username, decision, kind="person", by=issuer)
    return member


@transaction.atomic
def set_active(actor: Principal, username: str, *, active: bool) -> User:
    """Put a principal out, or let it in again; operators may, for a machine its team's owners too.

    Put out, its sessions end and its tokens, and the delegations it gave or holds, are revoked for
    good: the next request with any of them is refused.
    """
    user = User.objects.select_related("team").filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no user {username!r}.")
    decision = may_manage(actor, user)
    if not active and user.username == actor.id:
        raise Conflict("Nobody puts themselves out; ask another operator.")
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        _end_everything(user)
    audit.record(actor, "enable-user" if active else "disable-user", username, decision)
    return user


def manage_machine(actor: Principal, username: str) -> User:
    """Return the machine, put out or not, if `actor` manages it; raise NotFound or PolicyDenied."""
    machine = User.objects.select_related("team").filter(username=username).first()
    if machine is None or machine.kind == PrincipalKind.PERSON:
        raise NotFound(f"There is no machine {username!r}.")
    may_manage(actor, machine)
    return machine


def with_details(actor: Principal, users: QuerySet[User]) -> QuerySet[User]:
    """Return the rows with `told_active` and `told_last_login`: null to who may not manage them."""
    if decide(actor, Action.ADMINISTER, MESH).allow:
        return users.annotate(told_active=F("is_active"), told_last_login=F("last_login"))
    owned = [slug for slug in actor.teams if manages(actor, slug)]
    active = Case(When(team__slug__in=owned, then=F("is_active")), output_field=BooleanField())
    return users.annotate(told_active=active)


def may_manage(actor: Principal, user: User) -> Decision:
    """Return the decision that lets `actor` manage the principal; raise PolicyDenied."""
    if user.team is None:
        return require(actor, Action.ADMINISTER, MESH)
    return manage(actor, user.team.slug)


def _end_everything(user: User) -> None:
    held = ApiToken.objects.filter(Q(user=user) | Q(on_behalf_of=user), revoked_at__isnull=True)
    held.update(revoked_at=timezone.now())
    for session in UserSession.objects.filter(user=user):
        session.end()


def _check_free(username: str) -> None:
    check_username(username)
    if User.objects.filter(username=username).exists():
        raise Conflict(f"There is already a {username!r}.")


def check_username(username: str) -> None:
    """Raise Invalid unless `username` can stand in a policy text and is nobody else's."""
    if (
        not _USERNAME.fullmatch(username)
        or username.startswith(_RESERVED)
        or username == ANONYMOUS.id
    ):
        raise Invalid(
            f"{username!r} cannot be a user name: use a-z, 0-9, '.', '_' and '-', "
            f"64 at most, not beginning with {_RESERVED!r}."
        )
