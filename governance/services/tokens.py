"""Bearer tokens: made for oneself, for a machine one answers for, or for an agent to act for one.

Shown once, kept as a digest, good for some actions below some names and for some days.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.errors import Conflict, Invalid, NotFound
from core.names import Name
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.models import ApiToken, PrincipalKind, User
from governance.selectors import token_digest
from governance.services.decisions import decide
from governance.services.principals import manage_machine
from governance.services.teams import manages

MAX_TOKEN_DAYS = 366
Scopes = Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True)
class Asked:
    """What a new token is to be: its title, its days, what it is good for; None is everything."""

    title: str
    days: float
    scopes: Scopes = None
    client: str = ""
    scopes_checked: list[dict[str, Any]] | None = field(init=False)

    def __post_init__(self) -> None:
        if not 0 < self.days <= MAX_TOKEN_DAYS:
            raise Invalid(
                f"A token lives more than 0 and at most {MAX_TOKEN_DAYS} days.", days=self.days
            )
        checked = None if self.scopes is None else [checked_scope(scope) for scope in self.scopes]
        object.__setattr__(self, "scopes_checked", checked)

    @property
    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.days)


@transaction.atomic
def issue_token(
    user: User, actor: Principal, *, title: str, days: float, scopes: Scopes
) -> tuple[ApiToken, str]:
    """Return a new token of one's own and its secret, which cannot be shown again.

    A token made with a narrowed one might do more than that one: it is refused.
    """
    _refuse_narrowed(actor)
    token, secret = mint(user, Asked(title, days, scopes))
    _note(actor, "issue-token", token)
    return token, secret


@transaction.atomic
def issue_for(actor: Principal, username: str, asked: Asked) -> tuple[ApiToken, str]:
    """Return a new token of a machine, made by an owner of its team or an operator."""
    _refuse_narrowed(actor)
    machine = manage_machine(actor, username)
    if not machine.is_active:
        raise Conflict(f"{username!r} was put out; let it in again first.")
    token, secret = mint(machine, asked)
    _note(actor, "issue-token", token)
    return token, secret


@transaction.atomic
def delegate(person: User, actor: Principal, agent: str, asked: Asked) -> tuple[ApiToken, str]:
    """Return a token with which the agent acts on behalf of the person, and its secret.

    Its holder may do what the agent may and the person may and the scopes cover, each asked at
    every request.
    """
    _refuse_narrowed(actor)
    if person.kind != PrincipalKind.PERSON:
        raise Invalid("Only a person delegates to an agent.")
    found = User.objects.filter(username=agent, kind=PrincipalKind.AGENT, is_active=True).first()
    if found is None:
        raise NotFound(f"There is no agent {agent!r}.")
    token, secret = mint(found, asked, on_behalf_of=person)
    _note(actor, "delegate", token, on_behalf_of=person.username)
    return token, secret


def mint(user: User, asked: Asked, on_behalf_of: User | None = None) -> tuple[ApiToken, str]:
    """Return a new row and its secret; who calls has asked whether it may be."""
    secret = "fm_" + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        on_behalf_of=on_behalf_of,
        title=asked.title,
        client=asked.client,
        digest=token_digest(secret),
        scopes=asked.scopes_checked,
        expires_at=asked.expires_at,
    )
    return token, secret


@transaction.atomic
def revoke_token(user: User, actor: Principal, token_id: UUID) -> None:
    """Revoke a token of one's own, a delegation one gave, or a token of a machine of one's team.

    The next request with it is refused. Raises NotFound for any other, there or not.
    """
    _refuse_narrowed(actor)
    live = ApiToken.objects.select_related("user__team").filter(revoked_at__isnull=True)
    token = live.filter(pk=token_id).first()
    if token is None or not _may_revoke(user, actor, token):
        raise NotFound("You have no such token.")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    _note(actor, "revoke-token", token)


@transaction.atomic
def revoke_by_secret(secret: str, client: str) -> None:
    """Revoke the token that the OIDC client holds; quiet when there is none. Source: RFC 7009."""
    token = ApiToken.objects.filter(
        Q(digest=token_digest(secret)), client=client, revoked_at__isnull=True
    ).first()
    if token is None:
        return
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    _note(Principal(token.user.username, kind=token.user.kind), "revoke-token", token)


def _may_revoke(user: User, actor: Principal, token: ApiToken) -> bool:
    if user.pk == (token.on_behalf_of_id or token.user_id):
        return True
    return token.user.team is not None and manages(actor, token.user.team.slug)


def _refuse_narrowed(actor: Principal) -> None:
    if actor.scopes is not None:
        raise Invalid("A token with scopes cannot make or revoke tokens; sign in to do it.")
    if actor.on_behalf_of is not None:
        raise Invalid("An agent that acts for a person cannot make or revoke tokens.")


def _note(actor: Principal, act: str, token: ApiToken, **told: str) -> None:
    decision = decide(actor, Action.DISCOVER, MESH)
    told = {"token": str(token.pk), "title": token.title, **told}
    audit.record(actor, act, token.user.username, decision, **told)


def checked_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope in its one spelling; raise Invalid when it makes no sense."""
    unknown = set(scope["actions"]) - set(Action)
    if unknown or not scope["actions"]:
        raise Invalid(
            f"A scope's actions are some of {', '.join(Action)}.", unknown=sorted(unknown)
        )
    prefix = scope["prefix"]
    if prefix != "/" and Name.parse(prefix).kind not in {"domain", "product"}:
        raise Invalid(f"A scope is a domain or a product, not {prefix}.", prefix=prefix)
    return {"actions": sorted(scope["actions"]), "prefix": prefix}


SCOPE = "fm:"


def read_scopes(text: str) -> list[dict[str, Any]]:
    """Return the scopes that `fm:<action>[+<action>]:<prefix>`, spaces between, stand for.

    Raises Invalid for anything else. Source: RFC 6749 section 3.3 for the text.
    """
    found = []
    for word in text.split():
        actions, colon, prefix = word.removeprefix(SCOPE).partition(":")
        if not word.startswith(SCOPE) or not colon:
            raise Invalid(f"{word!r} is no scope; write fm:read+discover:/acme/nlp.", scope=word)
        found.append(checked_scope({"actions": actions.split("+"), "prefix": prefix}))
    return found


def write_scopes(scopes: Scopes) -> str:
    """Return scopes as one text, the inverse of `read_scopes`."""
    return " ".join(
        f"{SCOPE}{'+'.join(scope['actions'])}:{scope['prefix']}" for scope in scopes or ()
    )
