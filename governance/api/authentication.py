"""Who is calling: a bearer token for machines and pipelines, a session for the portal."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from core.errors import NotAuthenticated
from governance.engine.entities import ANONYMOUS, Principal
from governance.models import ApiToken, User
from governance.selectors import principal_for, token_of

_USE_RESOLUTION = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer fm_…`. A wrong or expired token is an error, never anonymity."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer" or not secret:
            raise NotAuthenticated("Use `Authorization: Bearer fm_…`.")
        token = token_of(secret.strip())
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > _USE_RESOLUTION:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionPrincipalAuthentication(SessionAuthentication):
    """The portal's session cookie; writes carry the CSRF token."""


def principal_of(request: Request | HttpRequest) -> Principal:
    """Return the principal of a request; nobody signed in is the anonymous one."""
    user = request.user
    if not isinstance(user, User):
        return ANONYMOUS
    token = getattr(request, "auth", None)
    return principal_for(user, token if isinstance(token, ApiToken) else None)


def user_of(request: Request) -> User:
    """Return the signed-in user; raise NotAuthenticated when there is none."""
    if not isinstance(request.user, User):
        raise NotAuthenticated("Sign in, or send `Authorization: Bearer fm_…`.")
    return request.user
