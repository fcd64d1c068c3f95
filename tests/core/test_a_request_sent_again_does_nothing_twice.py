"""Idempotency keys, through a real address of the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from catalog.models import Product
from core.models import IdempotencyRecord
from governance.models import AuditEntry, User
from tests.builders import Person, World, build_world


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    return build_world(settings, tmp_path)


def create(who: Person, key: str, name: str = "wiki", title: str = "Wiki") -> Any:
    body = {"name": f"/acme/~/{name}", "title": title}
    return who.client().post(
        "/api/v1/products", body, "application/json", headers={"Idempotency-Key": key}
    )


def test_the_same_request_gets_the_same_answer(world: World) -> None:
    answer, again = create(world.ana, "k1"), create(world.ana, "k1")
    assert (answer.status_code, again.status_code) == (201, 201)
    assert again.json() == answer.json()
    assert again["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in answer
    assert AuditEntry.objects.filter(action="create-product").count() == 1


def test_without_a_key_a_repeat_is_another_request(world: World) -> None:
    assert create(world.ana, "").status_code == 201
    assert create(world.ana, "").status_code == 409


def test_a_key_is_good_for_one_request_of_one_principal(world: World) -> None:
    assert create(world.ana, "k1").status_code == 201
    other = create(world.ana, "k1", title="Another")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert create(world.operator, "k1", "other").status_code == 201


def test_a_refusal_is_not_kept(world: World) -> None:
    assert create(world.ben, "k1").status_code == 403
    assert not IdempotencyRecord.objects.exists()
    assert create(world.ana, "k2", "Not A Name").status_code == 422
    assert create(world.ana, "k2").status_code == 201


def test_a_key_that_is_too_long_is_refused_and_not_cut(world: World) -> None:
    assert create(world.ana, "k" * 129).json()["code"] == "invalid"
    assert create(world.ana, "k" * 128).status_code == 201


def test_what_is_kept_does_not_help_to_guess_a_password(world: World) -> None:
    body = {"username": "dora", "password": "a password of hers"}
    answer = world.operator.client().post(
        "/api/v1/users", body, "application/json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 201
    record = IdempotencyRecord.objects.get()
    assert "a password" not in str(record.body)
    assert not record.request_digest.startswith("sha256:")
    with_other_secret = record.request_digest
    assert User.objects.get(username="dora").check_password("a password of hers")
    assert len(with_other_secret) == 64


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_it_once(settings: Any, tmp_path: Path) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory does not wait for a lock; the question is PostgreSQL's")
    world = build_world(settings, tmp_path)
    together = Barrier(2)
    clients = [world.ana.client(), world.ana.client()]

    def send(which: int) -> HttpResponse:
        together.wait(10)
        answer = clients[which].post(
            "/api/v1/products",
            {"name": "/acme/~/wiki", "title": "Wiki"},
            "application/json",
            headers={"Idempotency-Key": "k1"},
        )
        connection.close()
        return answer  # type: ignore[return-value]  # the test client's answer is one

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(send, range(2)))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Product.objects.count() == 1
