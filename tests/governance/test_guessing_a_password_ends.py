from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from governance.models import AuditEntry
from governance.services.sessions import WRONG_FOR_ONE_NAME
from tests.builders import World

PASSWORD = "correct horse battery"


def sign_in(client: Client, username: str, password: str, address: str = "203.0.113.1") -> Any:
    body = {"username": username, "password": password}
    return client.post("/api/v1/session", body, "application/json", REMOTE_ADDR=address)


def test_one_signs_in_and_out(world: World) -> None:
    client = Client()
    assert sign_in(client, "ana", PASSWORD).json()["username"] == "ana"
    assert client.get("/api/v1/me").json()["authenticated"]
    assert client.delete("/api/v1/session").status_code == 204
    assert not client.get("/api/v1/me").json()["authenticated"]


def test_a_wrong_name_and_a_wrong_password_answer_alike(world: World) -> None:
    answers = [sign_in(Client(), who, "wrong wrong wrong") for who in ("ana", "nobody")]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_after_ten_wrong_ones_even_the_right_one_waits(world: World) -> None:
    client = Client()
    for _ in range(WRONG_FOR_ONE_NAME):
        assert sign_in(client, "ana", "wrong").status_code == 401
    answer = sign_in(client, "ana", PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert answer["Retry-After"] == str(answer.json()["retry_after"]) == "900"
    assert sign_in(client, "ben", PASSWORD).status_code == 200
    assert sign_in(client, "ana", PASSWORD, "203.0.113.2").status_code == 200
    AuditEntry.objects.update(at=timezone.now() - timedelta(minutes=16))
    assert sign_in(client, "ana", PASSWORD).status_code == 200


def test_many_names_from_one_address_are_guessing_too(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("governance.services.sessions.WRONG_FROM_ONE_ADDRESS", 3)
    for number in range(3):
        sign_in(Client(), f"user{number}", "wrong")
    assert sign_in(Client(), "ana", PASSWORD).status_code == 429
    assert sign_in(Client(), "ana", PASSWORD, "203.0.113.2").status_code == 200


def test_the_log_tells_of_attempts_and_never_of_passwords(world: World) -> None:
    sign_in(Client(), "ana", "hunter2 hunter2")
    sign_in(Client(), "ana", PASSWORD)
    entries = AuditEntry.objects.filter(action="sign-in").order_by("id")
    assert [entry.allowed for entry in entries] == [False, True]
    assert "hunter2" not in str(list(AuditEntry.objects.values()))
    assert PASSWORD not in str(list(AuditEntry.objects.values()))


def test_a_session_writes_only_with_its_csrf_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client, "ana", PASSWORD).status_code == 403
    token = client.get("/api/v1/me").cookies["csrftoken"].value
    body = {"username": "ana", "password": PASSWORD}
    signed = client.post(
        "/api/v1/session", body, "application/json", headers={"X-CSRFToken": token}
    )
    assert signed.status_code == 200
    new = {"name": "/acme/~/new", "title": "New"}
    refused = client.post("/api/v1/products", new, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    token = client.cookies["csrftoken"].value
    done = client.post("/api/v1/products", new, "application/json", headers={"X-CSRFToken": token})
    assert done.status_code == 201
    cookie = signed.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
