"""What the tests of signing in share: codes of an authenticator app, and the password form."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from tests.builders import Person

PASSWORD = "correct horse battery"
_PERIOD, _ENTERED_WITHIN = 30, 8
"""Seconds: how long a code is good, and how long a busy machine may take to enter it."""


def code_of(secret: str) -> str:
    """Return what an authenticator app with this secret shows, when there is time to enter it."""
    left = _PERIOD - time.time() % _PERIOD
    if left < _ENTERED_WITHIN:
        time.sleep(left)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // _PERIOD)))


def add_app(person: Person) -> tuple[str, list[str]]:
    """Have the person add an authenticator app over the pages; return its secret and the codes."""
    browser = Client(SERVER_NAME="127.0.0.1")
    entered = browser.post(
        "/accounts/login/", {"login": person.user.username, "password": PASSWORD}
    )
    assert entered.status_code == 302, entered.content
    asked = browser.get("/accounts/2fa/totp/activate/", follow=True)
    if "reauthenticate" in asked.redirect_chain[-1][0]:
        again = {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}
        asked = browser.post("/accounts/reauthenticate/", again, follow=True)
    secret = re.search(r'id="authenticator_secret"\s+value="([A-Z2-7]+)"', asked.content.decode())
    assert secret, asked.content.decode()
    done = browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret[1])}, follow=True)
    codes = re.findall(r"\b\d{8}\b", done.content.decode())
    forget_used_codes()
    return secret[1], codes


def forget_used_codes() -> None:
    """As if half a minute had passed: a code is good once."""
    cache.clear()


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: Any) -> Any:
    address = more.pop("address", "203.0.113.1")
    body = {"username": username, "password": password, **more}
    return client.post("/api/v1/session", body, "application/json", REMOTE_ADDR=address)
