"""People, machines, teams and their tokens."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from core.errors import Conflict, Invalid, NotFound
from core.names import Name
from governance import audit
from governance.engine.entities import ANONYMOUS, MESH, Action, Principal
from governance.models import ApiToken, Membership, PrincipalKind, Team, TeamRole, User
from governance.selectors import token_digest
from governance.services.decisions import decide, require

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_RESERVED = "service."
MAX_TOKEN_DAYS = 366


@transaction.atomic
def create_user(
    actor: Principal, *, username: str, password: str, kind: str = "person", operator: bool = False
) -> User:
    """Create a principal that can sign in. Operators only."""
    decision = require(actor, Action.ADMINISTER, MESH)
    check_username(username)
    if kind not in PrincipalKind.values:
        raise Invalid(f"A principal is one of {', '.join(PrincipalKind.values)}.", kind=kind)
    if User.objects.filter(username=username).exists():
        raise Conflict(f"There is already a {username!r}.")
    candidate = User(username=username, kind=kind, is_operator=operator)
    try:
        validate_password(password, candidate)
    except ValidationError as error:
        raise Invalid("The password is too weak: " + " ".join(error.messages)) from error
    candidate.set_password(password)
    candidate.save()
    audit.record(actor, "create-user", username, decision, kind=kind, operator=operator)
    return candidate


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


@transaction.atomic
def create_team(
    actor: Principal, *, slug: str, title: str, members: Sequence[Mapping[str, str]]
) -> Team:
    """Create a team with its members (`username`, `role`), or raise with what is wrong."""
    decision = require(actor, Action.ADMINISTER, MESH)
    if not _SLUG.fullmatch(slug):
        raise Invalid(f"{slug!r} cannot be a team's name: use a-z, 0-9 and '-'.")
    if Team.objects.filter(slug=slug).exists():
        raise Conflict(f"There is already a team {slug!r}.")
    team = Team.objects.create(slug=slug, title=title)
    for member in members:
        if member["role"] not in TeamRole.values:
            raise Invalid(f"A role is one of {', '.join(TeamRole.values)}.", role=member["role"])
        user = User.objects.filter(username=member["username"]).first()
        if user is None:
            raise NotFound(f"There is no user {member['username']!r}.")
        Membership.objects.create(team=team, user=user, role=member["role"])
    audit.record(actor, "create-team", slug, decision, members=[dict(m) for m in members])
    return team


@transaction.atomic
def issue_token(
    user: User,
    actor: Principal,
    *,
    title: str,
    days: float,
    scopes: Sequence[Mapping[str, Any]] | None,
) -> tuple[ApiToken, str]:
    """Return a new token and its secret, which is not kept and cannot be shown again.

    A token made with a scoped token might do more than that one: it is refused.
    """
    _refuse_scoped(actor)
    if not 0 < days <= MAX_TOKEN_DAYS:
        raise Invalid(f"A token lives more than 0 and at most {MAX_TOKEN_DAYS} days.", days=days)
    secret = "fm_" + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        title=title,
        digest=token_digest(secret),
        scopes=None if scopes is None else [_checked_scope(scope) for scope in scopes],
        expires_at=timezone.now() + timedelta(days=days),
    )
    decision = decide(actor, Action.DISCOVER, MESH)
    audit.record(actor, "issue-token", user.username, decision, token=str(token.id), title=title)
    return token, secret


def _refuse_scoped(actor: Principal) -> None:
    if actor.scopes is not None:
        raise Invalid("A token with scopes cannot make or revoke tokens; sign in to do it.")


def _checked_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(scope["actions"]) - set(Action)
    if unknown or not scope["actions"]:
        raise Invalid(
            f"A scope's actions are some of {', '.join(Action)}.", unknown=sorted(unknown)
        )
    prefix = scope["prefix"]
    if prefix != "/" and Name.parse(prefix).kind not in {"domain", "product"}:
        raise Invalid(f"A scope is a domain or a product, not {prefix}.", prefix=prefix)
    return {"actions": sorted(scope["actions"]), "prefix": prefix}


@transaction.atomic
def revoke_token(user: User, actor: Principal, token_id: UUID) -> None:
    """Revoke one of the user's own tokens; the next request with it is refused."""
    _refuse_scoped(actor)
    token = ApiToken.objects.filter(pk=token_id, user=user, revoked_at__isnull=True).first()
    if token is None:
        raise NotFound("You have no such token.")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    audit.record(
        actor,
        "revoke-token",
        user.username,
        decide(actor, Action.DISCOVER, MESH),
        token=str(token_id),
    )
