"""Our decisions in allauth's flows: who may come in, what is counted, what is written down.

allauth carries the protocols (passwords, TOTP, passkeys, OpenID Connect); it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render

from core.errors import FairmeshError, NotAuthenticated, TooManyAttempts
from core.vault import open_secret, seal_secret
from governance import audit
from governance.engine.entities import Decision, Principal
from governance.models import User
from governance.services import principals, sessions

TOTP = "totp-secret"
SSO = "sso"
"""The OIDC provider of the settings, in addresses and in the log."""
WORD = "word of the provider"


def address_of(request: HttpRequest) -> str:
    """Return the address that attempts are counted by."""
    return str(request.META.get("REMOTE_ADDR") or "127.0.0.1")


def begin_session(request: HttpRequest, user: User) -> None:
    """Sign the user in on this browser, which is listed among their sessions from then on."""
    login(request, user)
    record_authentication(request, user, "password", username=user.username)
    UserSession.objects.create_from_request(request)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Nobody signs up; passwords are looked at where all are counted; changes are in the log."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        try:
            return sessions.check_password(
                username=credentials["username"],
                password=credentials["password"],
                address=address_of(request),
            )
        except TooManyAttempts as error:
            raise self.validation_error("too_many_login_attempts") from error
        except NotAuthenticated:
            return None

    def send_notification_mail(
        self, template_prefix: str, user: User, *args: Any, **kwargs: Any
    ) -> None:
        """What allauth would mail about (a factor added, a password changed) is audited instead."""
        change = template_prefix.rpartition("/")[2].replace("_", "-")
        decision = Decision(True, (), "One changes how one signs in oneself.", "")
        who = Principal(user.username)
        audit.record(who, "change-sign-in", user.username, decision, change=change)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """Seeds of codes are sealed at rest, like every secret of ours."""

    def encrypt(self, text: str) -> str:
        return seal_secret(text.encode(), secret=settings.SECRET_KEY, purpose=TOTP)

    def decrypt(self, encrypted_text: str) -> str:
        return open_secret(encrypted_text, secret=settings.SECRET_KEY, purpose=TOTP).decode()

    def get_totp_issuer(self) -> str:
        return f"Fairmesh {settings.FAIRMESH.mesh}"


@contextmanager
def _counted(user: User) -> Iterator[None]:
    """Refuse a code after too many wrong ones, and write down whether this one was right."""
    address = address_of(context.request)
    try:
        sessions.refuse_guessing(user.username, address)
    except TooManyAttempts as error:
        raise ValidationError(error.detail) from error
    try:
        yield
    except ValidationError:
        sessions.note_attempt(user.username, address, "second factor", right=False)
        raise
    sessions.note_attempt(user.username, address, "second factor", right=True)


class CountedAuthenticateForm(AuthenticateForm):  # type: ignore[misc]  # allauth carries no types
    def clean_code(self) -> str:
        with _counted(self.user):
            return str(super().clean_code())


class CountedReauthenticateForm(ReauthenticateForm):  # type: ignore[misc]  # allauth carries no types
    def clean_code(self) -> str:
        with _counted(self.user):
            return str(super().clean_code())


class NotedPasskeyForm(LoginWebAuthnForm):  # type: ignore[misc]  # allauth carries no types
    """A passkey cannot be guessed; that it was used is written down."""

    def save(self) -> None:
        super().save()
        user: User = self.cleaned_data["credential"].user
        address = address_of(context.request)
        sessions.note_attempt(user.username, address, "passkey", right=True)


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Whom the mesh's OIDC provider vouches for is a member, under the name that it gives them.

    Of what the provider tells only the name is kept.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        user: User = sociallogin.user
        user.username = str(data.get("username") or "").lower()
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        sociallogin.account.extra_data = {}
        sociallogin.email_addresses = []
        if sociallogin.is_existing and sociallogin.state.get("process") != AuthProcess.CONNECT:
            who = sociallogin.user.username
            sessions.note_attempt(who, address_of(request), WORD, right=True)

    def save_user(
        self, request: HttpRequest, sociallogin: SocialLogin, form: object = None
    ) -> User:
        try:
            with transaction.atomic():
                sociallogin.user = principals.admit(sociallogin.user.username, issuer=SSO)
                sociallogin.save(request)
        except FairmeshError as error:
            page = render(request, "account/refused.html", {"problem": error}, status=error.status)
            raise ImmediateHttpResponse(page) from error
        user: User = sociallogin.user
        sessions.note_attempt(user.username, address_of(request), WORD, right=True)
        return user

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        sessions.note_attempt(SSO, address_of(request), WORD, right=False)


class IssuerAdapter(DefaultOIDCAdapter):  # type: ignore[misc]  # allauth carries no types
    """What Fairmesh says of itself as an issuer of tokens for machines."""

    def get_issuer(self) -> str:
        return str(settings.FAIRMESH.public_url)

    def populate_server_metadata(self, data: dict[str, Any]) -> None:
        """Tell only what there is: no browser flow, no ID tokens."""
        for absent in ("authorization_endpoint", "end_session_endpoint"):
            data.pop(absent, None)
        data["grant_types_supported"] = [
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]
        data["response_types_supported"] = []
        data["scopes_supported"] = ["fm:read:/", "fm:discover+read:/acme/nlp"]
