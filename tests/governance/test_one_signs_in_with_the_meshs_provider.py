"""OIDC log-in against a real provider: a plain member comes in, and takes over nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.env import read_env
from governance.models import AuditEntry, User
from tests.builders import World
from tests.governance.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.governance.second_factors import add_app, code_of, sign_in

HTTP = urllib3.PoolManager()


@pytest.fixture
def provider(world: World, settings: Any) -> Iterator[Provider]:
    with running_provider() as provider:
        told = django_settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
        app = {
            "provider_id": "sso",
            "name": "Acme login",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": provider.issuer},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**told, "APPS": [app]}}
        yield provider


def come_in(client: Client, query: str = "") -> Any:
    """Go the way of a browser: to us, to the provider, and back with its code."""
    sent = client.post(f"/accounts/oidc/sso/login/{query}")
    assert sent.status_code == 302, sent.content
    back = HTTP.request("GET", sent["Location"], redirect=False)
    where = urlsplit(back.headers["Location"])
    return client.get(f"{where.path}?{where.query}", follow=True)


def who(client: Client) -> Any:
    return client.get("/api/v1/me").json()


def test_who_the_provider_vouches_for_becomes_a_plain_member(provider: Provider) -> None:
    provider.person = {
        "sub": "17", "preferred_username": "Dora", "email": "dora@example.org",
        "name": "Dora D", "groups": ["admins"],
    }  # fmt: skip
    client = Client()
    come_in(client)
    me = who(client)
    assert (me["username"], me["kind"], me["is_operator"]) == ("dora", "person", False)
    assert (me["teams"], me["groups"]) == ([], [])
    dora = User.objects.get(username="dora")
    assert not dora.has_usable_password()
    assert (dora.email, dora.first_name, dora.last_name) == ("", "", "")
    assert SocialAccount.objects.get().extra_data == {}
    again = Client()
    provider.person["preferred_username"] = "renamed"
    come_in(again)
    assert who(again)["username"] == "dora", "the subject is who they are, not the name"
    assert User.objects.filter(username="renamed").count() == 0
    assert AuditEntry.objects.filter(action="create-user").exists()


@pytest.mark.parametrize(
    "name", ["operator", "ana", "Ana", "service.x", "anonymous", "", "a b", "x" * 65, "<script>"]
)
def test_a_name_that_is_taken_or_impossible_lets_nobody_in(provider: Provider, name: str) -> None:
    provider.person = {"sub": "18", "preferred_username": name}
    before = User.objects.count()
    client = Client()
    page = come_in(client)
    assert page.status_code in {409, 422}
    assert "You cannot come in under this name" in page.content.decode()
    assert "<script>" not in page.content.decode().partition("<main")[2]
    assert not who(client)["authenticated"]
    assert (User.objects.count(), SocialAccount.objects.count()) == (before, 0)


def test_who_holds_the_name_connects_the_provider_himself(provider: Provider) -> None:
    provider.person = {"sub": "19", "preferred_username": "ana"}
    client = Client()
    sign_in(client, "ana")
    come_in(client, "?process=connect")
    fresh = Client()
    come_in(fresh)
    assert who(fresh)["username"] == "ana"


def test_a_second_factor_stands_behind_the_provider_too(world: World, provider: Provider) -> None:
    secret, _ = add_app(world.ana)
    provider.person = {"sub": "20", "preferred_username": "ana"}
    client = Client()
    assert sign_in(client, "ana", code=code_of(secret)).status_code == 200
    come_in(client, "?process=connect")
    fresh = Client()
    page = come_in(fresh)
    assert page.redirect_chain[-1][0].startswith("/accounts/2fa/authenticate/")
    assert not who(fresh)["authenticated"]


def test_who_was_put_out_stays_out(provider: Provider) -> None:
    provider.person = {"sub": "21", "preferred_username": "dora"}
    come_in(Client())
    User.objects.filter(username="dora").update(is_active=False)
    client = Client()
    come_in(client)
    assert not who(client)["authenticated"]


def test_a_refusal_and_a_made_up_answer_let_nobody_in(provider: Provider) -> None:
    provider.person = {"sub": "22", "preferred_username": "dora"}
    provider.refuses = True
    client = Client()
    come_in(client)
    assert not who(client)["authenticated"]
    client.get("/accounts/oidc/sso/login/callback/?code=made-up&state=made-up")
    assert not who(client)["authenticated"]
    assert not User.objects.filter(username="dora").exists()


def test_the_page_offers_it_by_its_name(provider: Provider) -> None:
    assert "Sign in with Acme login" in Client().get("/accounts/login/").content.decode()


def test_without_a_provider_there_is_none(world: World) -> None:
    assert Client().get("/accounts/oidc/sso/login/").status_code == 404
    assert "Sign in with Acme" not in Client().get("/accounts/login/").content.decode()


def test_half_a_registration_stops_the_platform(tmp_path: Any) -> None:
    environ = {"FAIRMESH_HOME": str(tmp_path), "FAIRMESH_OIDC_ISSUER": "https://login.example.org"}
    with pytest.raises(ImproperlyConfigured, match="FAIRMESH_OIDC_CLIENT_SECRET"):
        read_env(environ)
    whole = {"FAIRMESH_OIDC_CLIENT_ID": "x", "FAIRMESH_OIDC_CLIENT_SECRET": "y"}
    assert read_env({**environ, **whole}).oidc_name == "Single sign-on"
