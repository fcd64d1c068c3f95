"""Who is calling: a bearer token for machines and pipelines, a session for the portal."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from core.errors import NotAuthenticated
from governance.engine.entities import ANONYMOUS, Principal
from governance.models import ApiToken, User
from governance.selectors import principal_for, token_of

_USE_RESOLUTION = timedelta(minutes=1)
_TOLD_BITS = {4: 24, 6: 48}
"""How much of an address is kept: what a provider gives to a place, not to a person."""


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer fm_…`. A wrong or expired token is an error, never anonymity."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer" or not secret:
            raise NotAuthenticated("Use `Authorization: Bearer fm_…`.")
        token = token_of(secret.strip())
        _note_use(token, _network(request.META.get("REMOTE_ADDR", "")))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _note_use(token: ApiToken, network: str) -> None:
    """Write when and from which network the token is used: once a minute, or from another one."""
    now = timezone.now()
    recent = token.last_used_at is not None and now - token.last_used_at <= _USE_RESOLUTION
    if not recent or token.last_used_from != network:
        used = ApiToken.objects.filter(pk=token.pk)
        used.update(last_used_at=now, last_used_from=network)


def _network(address: str) -> str:
    try:
        version = ip_address(address).version
    except ValueError:  # a UNIX socket has none
        return ""
    return str(ip_network(f"{address}/{_TOLD_BITS[version]}", strict=False))


class SessionPrincipalAuthentication(SessionAuthentication):
    """The portal's session cookie; writes carry the CSRF token."""


def principal_of(request: Request | HttpRequest) -> Principal:
    """Return the principal of a request; nobody signed in is the anonymous one."""
    user = request.user
    if not isinstance(user, User):
        return ANONYMOUS
    return principal_for(user, token_of_request(request))


def token_of_request(request: Request | HttpRequest) -> ApiToken | None:
    """Return the bearer token that the request came with; None for a session or nobody."""
    token = getattr(request, "auth", None)
    return token if isinstance(token, ApiToken) else None


def user_of(request: Request) -> User:
    """Return the signed-in user; raise NotAuthenticated when there is none."""
    if not isinstance(request.user, User):
        raise NotAuthenticated("Sign in, or send `Authorization: Bearer fm_…`.")
    return request.user
