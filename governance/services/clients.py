"""OIDC clients: how a machine without a token, or a person at a bare machine, comes to one.

allauth carries the protocol and authenticates the client. What it issues is exchanged at once for
a token of ours, so that there is one table to list, to revoke and to look at on every request.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from allauth.idp.oidc.models import Client, Token
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from core.errors import Invalid, NotAuthenticated, NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Principal, Scope
from governance.models import ApiToken
from governance.selectors import principal_for
from governance.services.decisions import decide
from governance.services.principals import manage_machine, may_manage
from governance.services.tokens import Asked, Scopes, checked_scope, mint, read_scopes

DEVICE_CLIENT = "fairmesh"
"""The public client of every `fairmesh login`."""
OURS = "fairmesh"
"""The one scope that allauth knows; what a token is good for is decided here."""
HOURS_OF_A_MACHINE = 1
HOURS_OF_A_DEVICE = 12
_DAY = 24


@transaction.atomic
def create_client(
    actor: Principal, *, username: str, title: str, scopes: Scopes
) -> tuple[Client, str]:
    """Return a client whose tokens are the machine's, within `scopes`, and its secret.

    An owner of the machine's team may, or an operator. The secret is kept as a hash.
    """
    machine = manage_machine(actor, username)
    decision = may_manage(actor, machine)
    secret = secrets.token_urlsafe(32)
    client = Client(
        id="fmc_" + secrets.token_hex(12),
        name=title,
        owner=machine,
        scopes=OURS,
        default_scopes=OURS,
        grant_types=Client.GrantType.CLIENT_CREDENTIALS,
        response_types="",
        data={"scopes": None if scopes is None else [checked_scope(scope) for scope in scopes]},
    )
    client.set_secret(secret)
    client.save()
    audit.record(actor, "create-client", username, decision, client=client.id, title=title)
    return client, secret


@transaction.atomic
def remove_client(actor: Principal, client_id: str) -> None:
    """Remove the client and revoke the tokens it was given; raise NotFound for no such machine."""
    client = Client.objects.select_related("owner__team").filter(pk=client_id).first()
    if client is None or client.owner is None:
        raise NotFound(f"There is no client {client_id!r}.")
    decision = may_manage(actor, client.owner)
    revoked = _revoke_all(client.id)
    client.delete()
    name = client.owner.username
    audit.record(actor, "remove-client", name, decision, client=client_id, revoked=revoked)


def _revoke_all(client_id: str) -> int:
    live = ApiToken.objects.filter(client=client_id, revoked_at__isnull=True)
    return live.update(revoked_at=timezone.now())


def ensure_device_client() -> None:
    """See to it that the public client of the device flow is there."""
    Client.objects.get_or_create(
        pk=DEVICE_CLIENT,
        defaults={
            "name": "Fairmesh on another device",
            "type": Client.Type.PUBLIC,
            "scopes": OURS,
            "default_scopes": OURS,
            "grant_types": Client.GrantType.DEVICE_CODE,
            "response_types": "",
        },
    )


def remember_device(device_code: str, user_code: str, asked: str, seconds: int) -> None:
    """Keep what a device asked for until its person says yes; the codes lie there as digests."""
    cache.set(_of_device(device_code), asked, seconds)
    cache.set(_of_user(user_code), asked, seconds)


def asked_by_device(user_code: str) -> Scopes:
    """Return what the device that shows this code asked for; None is everything."""
    return _scopes_or_all(cache.get(_of_user(user_code)) or "")


def _of_device(code: str) -> str:
    return f"fairmesh.device.{code}"


def _of_user(code: str) -> str:
    return f"fairmesh.device.user.{code.replace('-', '').upper()}"


def _scopes_or_all(text: str) -> Scopes:
    return read_scopes(text) or None


@transaction.atomic
def exchange(issued: str, *, asked: str = "", device_code: str = "") -> tuple[ApiToken, str]:
    """Return our token, and its secret, in the place of one that allauth has just issued.

    Raises NotAuthenticated when its principal was put out, Invalid when more is asked for than the
    client was given.
    """
    row = Token.objects.select_related("client__owner", "user").by_value(issued).get()
    Token.objects.filter(client=row.client, user=row.user).delete()
    client = row.client
    if device_code:
        scopes = _scopes_or_all(cache.get(_of_device(device_code)) or "")
        holder, hours = row.user, HOURS_OF_A_DEVICE
    else:
        scopes = _within(client.data["scopes"], asked)
        holder, hours = client.owner, HOURS_OF_A_MACHINE
    if holder is None or not holder.is_active:
        raise NotAuthenticated("The principal of this client was put out.")
    told = Asked(title=client.name, days=hours / _DAY, scopes=scopes, client=client.id)
    token, secret = mint(holder, told)
    actor = principal_for(holder)
    decision = decide(actor, Action.DISCOVER, MESH)
    detail = {"token": str(token.pk), "title": client.name, "client": client.id}
    audit.record(actor, "issue-token", holder.username, decision, **detail)
    return token, secret


def _within(given: Scopes, asked: str) -> Scopes:
    """Return what was asked for, or all that was given; raise Invalid for more than that."""
    wanted = _scopes_or_all(asked)
    if wanted is None or given is None:
        return wanted or given
    held = [_as_scope(scope) for scope in given]
    for scope in wanted:
        for action in scope["actions"]:
            if not any(one.covers(Action(action), scope["prefix"]) for one in held):
                raise Invalid(f"The client was not given {action} on {scope['prefix']}.")
    return wanted


def _as_scope(scope: Mapping[str, Any]) -> Scope:
    actions: Sequence[str] = scope["actions"]
    return Scope(frozenset(Action(action) for action in actions), scope["prefix"])
