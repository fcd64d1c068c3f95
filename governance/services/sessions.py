"""Signing in with a password and a second factor, and the end of guessing.

Every door counts in the same log: the portal's form, the pages of /accounts/, and the endpoints
where machines ask for tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.errors import MfaRequired, NotAuthenticated, TooManyAttempts
from governance import audit
from governance.engine.entities import Decision, Principal
from governance.models import AuditEntry, PrincipalKind, User

ACTION = "sign-in"
WINDOW = timedelta(minutes=15)
_FOR_A_CODE = 300
WRONG_FOR_ONE_NAME = 10
WRONG_FROM_ONE_ADDRESS = 100


class PeopleBackend(ModelBackend):
    """Passwords and sessions are for people who are not put out, never for machines."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        active = super().user_can_authenticate(user)
        return active and isinstance(user, User) and user.kind == PrincipalKind.PERSON


def refuse_guessing(who: str, address: str) -> None:
    """Raise TooManyAttempts after ten wrong tries for this name from this address within a quarter
    of an hour, or a hundred from the address.

    The audit log, which keeps every attempt, is what is counted.
    """
    recent = AuditEntry.objects.on(address).filter(
        action=ACTION, allowed=False, at__gt=timezone.now() - WINDOW
    )
    if recent.count() >= WRONG_FROM_ONE_ADDRESS or recent.by(who).count() >= WRONG_FOR_ONE_NAME:
        raise TooManyAttempts(
            "Too many wrong attempts; wait a quarter of an hour.",
            retry_after=int(WINDOW.total_seconds()),
        )


def note_attempt(who: str, address: str, what: str, *, right: bool) -> None:
    """Write the attempt into the log, where the next one is counted."""
    reason = f"The {what} is {'right' if right else 'wrong'}."
    audit.record(Principal(who), ACTION, address, Decision(right, (), reason, ""))


def check_password(*, username: str, password: str, address: str) -> User:
    """Return the user whose name and password these are; raise NotAuthenticated otherwise.

    Raises TooManyAttempts without looking at the password. A right password is not yet a sign-in:
    ask `check_second_factor` too.
    """
    refuse_guessing(username, address)
    user = authenticate(username=username, password=password)
    note_attempt(username, address, "password", right=isinstance(user, User))
    if not isinstance(user, User):
        raise NotAuthenticated("The user name and password do not match.")
    return user


def check_second_factor(user: User, code: str, address: str) -> None:
    """Return when the user has no second factor, or `code` is good: of the app, or a recovery code.

    Raises MfaRequired with the user's methods when there is no code, NotAuthenticated for a wrong
    one. A code is good once.
    """
    factors = list(Authenticator.objects.filter(user=user))
    if not factors:
        return
    if not code:
        methods = sorted({factor.type for factor in factors})
        raise MfaRequired(
            "Send the code of your authenticator app, or a recovery code, as `code`.",
            methods=methods,
        )
    refuse_guessing(user.username, address)
    forget = _refuse_guessing_from_everywhere(user)
    coded = [factor for factor in factors if factor.type != Authenticator.Type.WEBAUTHN]
    used = next((factor for factor in coded if factor.wrap().validate_code(code)), None)
    note_attempt(user.username, address, "second factor", right=used is not None)
    if used is None:
        raise NotAuthenticated("The code is wrong, or was used before.")
    used.record_usage()
    forget()


def _refuse_guessing_from_everywhere(user: User) -> Callable[[], None]:
    """Raise TooManyAttempts after five codes for this user within five minutes, from anywhere.

    Only who knows the password comes so far, so nobody else can lock the user out. Returns what
    forgets the codes once one was right. The pages of /accounts/ count here too.
    """
    try:
        forget: Callable[[], None] = check_rate_limit(user)
    except ValidationError as error:
        raise TooManyAttempts(
            "Too many wrong codes; wait five minutes.", retry_after=_FOR_A_CODE
        ) from error
    return forget
