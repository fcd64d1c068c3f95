"""Signing in with a password, and the end of guessing."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from django.utils import timezone

from core.errors import NotAuthenticated, TooManyAttempts
from governance import audit
from governance.engine.entities import Decision, Principal
from governance.models import AuditEntry, User

ACTION = "sign-in"
WINDOW = timedelta(minutes=15)
WRONG_FOR_ONE_NAME = 10
WRONG_FROM_ONE_ADDRESS = 100


def check_password(*, username: str, password: str, address: str) -> User:
    """Return the user whose name and password these are; raise NotAuthenticated otherwise.

    Raises TooManyAttempts, without looking at the password, after ten wrong ones for this name
    from this address within a quarter of an hour, or a hundred from the address. The audit log,
    which keeps every attempt, is what is counted.
    """
    recent = AuditEntry.objects.filter(
        name=address, action=ACTION, allowed=False, at__gt=timezone.now() - WINDOW
    )
    if (
        recent.count() >= WRONG_FROM_ONE_ADDRESS
        or recent.filter(principal=username).count() >= WRONG_FOR_ONE_NAME
    ):
        raise TooManyAttempts(
            "Too many wrong passwords; wait a quarter of an hour.",
            retry_after=int(WINDOW.total_seconds()),
        )
    user = authenticate(username=username, password=password)
    right = isinstance(user, User)
    reason = "The password is right." if right else "The password is wrong."
    audit.record(Principal(username), ACTION, address, Decision(right, (), reason, ""))
    if not isinstance(user, User):
        raise NotAuthenticated("The user name and password do not match.")
    return user
