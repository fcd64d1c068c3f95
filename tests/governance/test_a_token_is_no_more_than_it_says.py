from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import ApiToken, AuditEntry
from governance.services import issue_token
from tests.builders import Person, World

WIKI = "/acme/nlp/~/wiki"


def issue(who: Person, **fields: Any) -> tuple[ApiToken, Client]:
    asked = {"title": "t", "days": 1, "scopes": None, **fields}
    token, secret = issue_token(who.user, who.principal, **asked)
    return token, Client(headers={"Authorization": f"Bearer {secret}"})


def scope(prefix: str, *actions: str) -> list[dict[str, Any]]:
    return [{"prefix": prefix, "actions": list(actions)}]


def test_only_a_digest_is_kept(world: World) -> None:
    answer = world.ana.client().post("/api/v1/tokens", {"title": "ci"}, "application/json")
    secret = answer.json()["token"]
    assert secret.startswith("fm_")
    assert not ApiToken.objects.filter(digest__contains=secret).exists()
    assert secret not in world.ana.client().get("/api/v1/tokens").content.decode()
    assert secret not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    "header", ["Bearer fm_wrong", "Bearer", "Basic YTpi", "Bearer  ", "Token x", "fm_x"]
)
def test_a_wrong_token_is_an_error_and_not_nobody(world: World, header: str) -> None:
    for address in ("/api/v1/me", "/api/v1/products", "/api/v1/search"):
        answer = Client(headers={"Authorization": header}).get(address)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"
    assert Client().get("/api/v1/me").json()["authenticated"] is False


def test_expired_revoked_and_put_out_tokens_end_at_once(world: World) -> None:
    token, client = issue(world.ana)
    assert client.get("/api/v1/me").json()["username"] == "ana"
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/me").json()["code"] == "token_expired"
    token, client = issue(world.ana)
    assert world.ben.client().delete(f"/api/v1/tokens/{token.pk}").status_code == 404
    assert world.ana.client().delete(f"/api/v1/tokens/{token.pk}").status_code == 204
    assert client.get("/api/v1/me").json()["code"] == "not_authenticated"
    token, client = issue(world.ana)
    world.ana.user.is_active = False
    world.ana.user.save()
    assert client.get("/api/v1/me").status_code == 401


def test_its_last_use_is_told(world: World) -> None:
    token, client = issue(world.ana)
    client.get("/api/v1/me")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    client.get("/api/v1/me")
    token.refresh_from_db()
    assert token.last_used_at == first


def test_a_scope_only_takes_away(world: World) -> None:
    _, client = issue(world.ana, scopes=scope("/acme/nlp", "discover", "read"))
    seen = {row["name"] for row in client.get("/api/v1/products").json()["results"]}
    assert WIKI in seen
    body = {"name": "/acme/nlp/~/new", "title": "New"}
    refused = client.post("/api/v1/products", body, "application/json")
    assert refused.status_code in {403, 404}
    _, client = issue(world.ben, scopes=scope("/", "read", "write", "publish", "administer"))
    assert client.post("/api/v1/products", body, "application/json").status_code in {403, 404}


def test_a_scoped_token_makes_and_revokes_no_tokens(world: World) -> None:
    other, _ = issue(world.ana)
    _, client = issue(world.ana, scopes=scope("/", "administer", "read"))
    made = client.post("/api/v1/tokens", {"title": "more"}, "application/json")
    assert made.status_code == 422
    assert client.delete(f"/api/v1/tokens/{other.pk}").status_code == 422
    other.refresh_from_db()
    assert other.revoked_at is None


def test_a_scoped_token_of_an_operator_does_not_read_everyones_log(world: World) -> None:
    world.grant(world.ben, WIKI)
    assert "ben" in world.operator.client().get("/api/v1/audit").content.decode()
    _, client = issue(world.operator, scopes=scope("/acme", "administer", "discover"))
    assert '"ben"' not in client.get("/api/v1/audit").content.decode()


@pytest.mark.parametrize(
    "body",
    [
        {"title": "t", "days": 0},
        {"title": "t", "days": 400},
        {"title": "t", "days": "NaN"},
        {"title": "t", "scopes": [{"actions": [], "prefix": "/"}]},
        {"title": "t", "scopes": [{"actions": ["fly"], "prefix": "/"}]},
        {"title": "t", "scopes": [{"actions": ["read"], "prefix": "acme"}]},
        {"title": "t", "scopes": [{"actions": ["read"], "prefix": "/acme/nlp/~/wiki/v=1"}]},
    ],
)
def test_a_token_without_sense_is_refused(world: World, body: dict[str, Any]) -> None:
    answer = world.ana.client().post("/api/v1/tokens", body, "application/json")
    assert answer.status_code == 422
