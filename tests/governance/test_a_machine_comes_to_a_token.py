"""Client credentials for a service account, the device flow for a person at a bare machine."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.idp.oidc.models import Client as OidcClient
from allauth.idp.oidc.models import Token as OidcToken
from django.core.cache import cache
from django.test import Client

from governance.models import ApiToken, AuditEntry, Membership, Remembered, Team, User
from governance.services import create_machine, set_active
from tests.builders import World
from tests.governance.second_factors import sign_in

JSON = "application/json"
WIKI = "/acme/nlp/~/wiki"
SCOPES = [{"actions": ["discover", "read"], "prefix": "/acme/nlp"}]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def mesh(world: World) -> World:
    """etl is a service account of nlp and a member of the team."""
    etl = create_machine(world.ana.principal, username="etl", kind="service", team="nlp")
    Membership.objects.create(team=Team.objects.get(slug="nlp"), user=etl, role="member")
    return world


def new_client(world: World, scopes: Any = SCOPES) -> dict[str, Any]:
    body = {"username": "etl", "title": "nightly", "scopes": scopes}
    answer = world.ana.client().post("/api/v1/clients", body, JSON)
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def ask(client: dict[str, Any], secret: str = "", **form: str) -> Any:
    pair = f"{client['client_id']}:{secret or client['client_secret']}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    form = {"grant_type": "client_credentials", **form}
    return form_post("/identity/o/api/token", form, headers=header)


def form_post(address: str, form: dict[str, str], **more: Any) -> Any:
    body = urlencode(form)
    return Client().post(address, body, "application/x-www-form-urlencoded", **more)


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_client_gets_a_token_that_is_its_machine_within_its_scope(mesh: World) -> None:
    answer = ask(new_client(mesh))
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["scope"] == "fm:discover+read:/acme/nlp"
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in told
    machine = bearer(told["access_token"])
    assert machine.get("/api/v1/me").json()["username"] == "etl"
    names = {row["name"] for row in machine.get("/api/v1/products").json()["results"]}
    assert WIKI in names
    asked = {"action": "transform", "name": WIKI}
    refused = machine.post("/api/v1/decisions", asked, JSON).json()
    assert (refused["allow"], refused["policies"]) == (False, ["scope-of-token"])
    allowed = machine.post("/api/v1/decisions", {"action": "read", "name": WIKI}, JSON).json()
    assert allowed["allow"] is True


def test_it_may_ask_for_less_and_never_for_more(mesh: World) -> None:
    client = new_client(mesh)
    less = ask(client, scope=f"fm:read:{WIKI}").json()
    assert less["scope"] == f"fm:read:{WIKI}"
    names = bearer(less["access_token"]).get("/api/v1/products").json()["results"]
    assert names == [], "it may read and not discover"
    for more in ("fm:read:/", "fm:write:/acme/nlp", "fm:read:/acme", "openid", "fm:fly:/acme/nlp"):
        answer = ask(client, scope=more)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), more
    assert ApiToken.objects.filter(client=client["client_id"]).count() == 1


def test_only_hashes_are_kept_and_in_one_table(mesh: World) -> None:
    client = new_client(mesh)
    told = ask(client).json()
    kept = str(
        [
            *OidcClient.objects.values(),
            *OidcToken.objects.values(),
            *ApiToken.objects.values(),
            *AuditEntry.objects.values(),
        ]
    )
    assert client["client_secret"] not in kept
    assert told["access_token"] not in kept
    assert not OidcToken.objects.exists()
    (row,) = ApiToken.objects.filter(user__username="etl")
    assert (row.client, row.title) == (client["client_id"], "nightly")


def test_a_wrong_secret_is_refused_and_guessing_ends(mesh: World) -> None:
    client = new_client(mesh)
    for _ in range(10):
        answer = ask(client, secret="wrong")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = ask(client)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert AuditEntry.objects.filter(action="sign-in", allowed=False).count() == 10


def test_a_removed_client_and_a_machine_that_was_put_out_are_out_at_once(mesh: World) -> None:
    first, second = new_client(mesh), new_client(mesh)
    one, two = ask(first).json()["access_token"], ask(second).json()["access_token"]
    assert mesh.carla.client().delete(f"/api/v1/clients/{first['client_id']}").status_code == 403
    assert mesh.ana.client().delete(f"/api/v1/clients/{first['client_id']}").status_code == 204
    assert bearer(one).get("/api/v1/me").status_code == 401
    assert ask(first).status_code == 401
    assert bearer(two).get("/api/v1/me").status_code == 200
    set_active(mesh.ana.principal, "etl", active=False)
    assert bearer(two).get("/api/v1/me").status_code == 401
    assert ask(second).status_code == 401


def test_a_client_revokes_its_own_token_and_no_other(mesh: World) -> None:
    client, other = new_client(mesh), new_client(mesh)
    token = ask(client).json()["access_token"]
    for who, status in ((other, 200), (client, 401)):
        form = {"token": token, "client_id": who["client_id"]}
        form["client_secret"] = who["client_secret"]
        assert form_post("/identity/o/api/revoke", form).status_code == 200
        assert bearer(token).get("/api/v1/me").status_code == status


def test_clients_are_listed_for_who_manages_the_machine(mesh: World) -> None:
    made = new_client(mesh)
    address = "/api/v1/clients?username=etl"
    assert mesh.carla.client().get(address).status_code == 403
    (listed,) = mesh.ana.client().get(address).json()["results"]
    assert listed["client_id"] == made["client_id"]
    assert "client_secret" not in listed
    assert mesh.ana.client().get("/api/v1/clients?username=ben").status_code == 404
    body = {"username": "etl", "title": "t"}
    assert mesh.carla.client().post("/api/v1/clients", body, JSON).status_code == 403


def begin(scope: str = "fm:discover+read:/acme/nlp") -> dict[str, Any]:
    form = {"client_id": "fairmesh", "scope": scope} if scope else {"client_id": "fairmesh"}
    answer = form_post("/identity/o/api/device/code", form)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def poll(device_code: str) -> Any:
    for key in list(Remembered.objects.values_list("cache_key", flat=True)):
        assert device_code not in key, "a code lies in no key to read"
    form = {"grant_type": DEVICE, "client_id": "fairmesh", "device_code": device_code}
    return form_post("/identity/o/api/token", form)


def waited(device_code: str) -> None:
    """As if the device had waited for the five seconds that it is told to."""
    key = f"allauth.idp.oidc.device_code[{device_code}]"
    cache.set(key, {**cache.get(key), "last_poll_at": 0}, 300)


def confirm(client: Client, began: dict[str, Any], action: str) -> Any:
    page = client.get(began["verification_uri_complete"])
    token = page.cookies["csrftoken"].value if "csrftoken" in page.cookies else ""
    token = token or client.cookies["csrftoken"].value
    form = {"action": action, "csrfmiddlewaretoken": token}
    return client.post(began["verification_uri_complete"], form)


def test_a_device_acts_as_the_person_who_says_yes(mesh: World) -> None:
    began = begin()
    assert poll(began["device_code"]).json()["error"] == "authorization_pending"
    assert poll(began["device_code"]).json()["error"] == "slow_down"
    person = Client(enforce_csrf_checks=True)
    to_sign_in = person.get(began["verification_uri_complete"])
    assert to_sign_in["Location"].startswith("/accounts/login/?next=")
    person.force_login(mesh.ana.user)
    page = person.get(began["verification_uri_complete"]).content.decode()
    assert "discover, read below <code>/acme/nlp</code>" in page
    forged = person.post(began["verification_uri_complete"], {"action": "confirm"})
    assert forged.status_code == 403, "another site cannot say yes for one"
    assert confirm(person, began, "confirm").status_code == 200
    waited(began["device_code"])
    told = poll(began["device_code"]).json()
    assert (told["scope"], told["expires_in"]) == ("fm:discover+read:/acme/nlp", 12 * 3600)
    device = bearer(told["access_token"])
    assert device.get("/api/v1/me").json()["username"] == "ana"
    made = device.post("/api/v1/products", {"name": "/acme/nlp/~/x", "title": "X"}, JSON)
    assert made.status_code in {403, 404}, "its scope holds no publish"
    assert poll(began["device_code"]).json()["error"] == "invalid_grant", "a code is good once"
    listed = mesh.ana.client().get("/api/v1/tokens").json()["results"]
    assert "fairmesh" in {row["client"] for row in listed}


def test_a_device_that_was_refused_gets_nothing(mesh: World) -> None:
    began = begin()
    person = Client()
    sign_in(person, "ben")
    confirm(person, began, "deny")
    assert poll(began["device_code"]).json()["error"] == "access_denied"
    assert not ApiToken.objects.filter(client="fairmesh").exists()


def test_the_page_says_when_a_device_asks_for_everything(mesh: World) -> None:
    began = begin(scope="")
    person = Client()
    sign_in(person, "ben")
    page = person.get(began["verification_uri_complete"]).content.decode()
    assert "everything that you may do" in page
    confirm(person, began, "confirm")
    told = poll(began["device_code"]).json()
    assert ApiToken.objects.get(client="fairmesh").scopes is None
    assert bearer(told["access_token"]).get("/api/v1/me").json()["username"] == "ben"


@pytest.mark.parametrize("scope", ["openid", "fm:read", "fm::/", "read:/acme", "fm:read:acme"])
def test_a_device_asks_in_our_words(mesh: World, scope: str) -> None:
    form = {"client_id": "fairmesh", "scope": scope}
    answer = form_post("/identity/o/api/device/code", form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_made_up_device_codes_are_counted(mesh: World) -> None:
    begin()
    for number in range(10):
        assert poll(f"made-up-{number}").status_code == 400
    assert poll("made-up").status_code == 429


def test_another_client_begins_no_device_flow(mesh: World) -> None:
    client = new_client(mesh)
    form = {"client_id": client["client_id"], "scope": "fm:read:/acme/nlp"}
    assert form_post("/identity/o/api/device/code", form).status_code in {400, 401}


def test_it_says_what_it_offers_and_no_more(mesh: World) -> None:
    for address in ("openid-configuration", "oauth-authorization-server"):
        told = Client().get(f"/.well-known/{address}").json()
        assert told["grant_types_supported"] == ["client_credentials", DEVICE]
        assert told["token_endpoint"].endswith("/identity/o/api/token")
        assert told["device_authorization_endpoint"].endswith("/identity/o/api/device/code")
        assert "authorization_endpoint" not in told
    query = (
        "?response_type=code&client_id=fairmesh&redirect_uri=https://evil.example&scope=fairmesh"
    )
    begin()
    person = Client()
    sign_in(person, "ben")
    answer = person.get(f"/identity/o/authorize{query}")
    assert "Location" not in answer, "no browser is sent anywhere with a code"
    assert User.objects.filter(username="ben").exists()
