"""Signing in: a password once, then a token that expires by itself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from fairmesh.client import Client
from fairmesh.config import Config
from fairmesh.errors import NotAuthenticated
from fairmesh.seal import Anchor
from fairmesh.transport import Json, checked, unreachable

TOKEN_DAYS = 30.0


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in where, and the anchor that the mesh is trusted by from now on."""

    username: str
    url: str
    anchor: Anchor
    first_use: bool
    """True when the anchor was not known before: compare its key id with the operators'."""


def exchange_password(
    url: str,
    username: str,
    password: str,
    days: float = TOKEN_DAYS,
    ask_code: Callable[[], str] | None = None,
) -> str:
    """Return a new token of the user; the session used to make it is ended.

    `ask_code` is called for the second factor of an account that has one.
    """
    try:
        with httpx.Client(base_url=url.rstrip("/") + "/api/v1/", timeout=30.0) as http:
            checked(http.get("me"))
            http.headers["Referer"] = url
            _with_csrf(http)
            credentials = {"username": username, "password": password}
            try:
                checked(http.post("session", json=credentials))
            except NotAuthenticated as error:
                if error.code != "mfa_required" or ask_code is None:
                    raise
                checked(http.post("session", json={**credentials, "code": ask_code()}))
            _with_csrf(http)
            title = f"fairmesh command on {socket.gethostname()}"
            answer = checked(http.post("tokens", json={"title": title, "days": days})).json()
            checked(http.delete("session"))
            return str(answer["token"])
    except httpx.TransportError as error:
        raise unreachable(error) from error


def _with_csrf(http: httpx.Client) -> None:
    for cookie in http.cookies.jar:
        if "csrftoken" in cookie.name and cookie.value:
            http.headers["X-CSRFToken"] = cookie.value


def sign_in(config: Config, url: str, token: str, *, forget_anchor: bool = False) -> SignedIn:
    """Check the anchor and the token, then remember them.

    Raises AnchorChanged when the anchor is not the one remembered, and NotAuthenticated; a token
    that is not good is not remembered.
    """
    known = config.mesh(url)
    if forget_anchor:
        known = replace(known, anchor="")
        config = replace(config, meshes={**config.meshes, known.url: known})
    with Client(known.url, token, config) as client:
        anchor = client.trust()
        me: Json = client.me()
        if not me["authenticated"]:
            raise NotAuthenticated("The token names nobody.")
        learned = client.config.mesh(known.url)
        client.remember(replace(learned, username=me["username"], token=token))
    return SignedIn(me["username"], known.url, anchor, first_use=not known.anchor)
