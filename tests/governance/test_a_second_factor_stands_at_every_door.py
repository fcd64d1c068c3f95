"""Who has a second factor needs it at every door; nobody signs up, and machines sign in nowhere."""

from __future__ import annotations

import re
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client

from governance.models import AuditEntry, User
from governance.services import create_machine, create_user, set_active
from tests.builders import World
from tests.governance.second_factors import (
    PASSWORD,
    add_app,
    code_of,
    forget_used_codes,
    sign_in,
)


def me(client: Client) -> Any:
    return client.get("/api/v1/me").json()


def test_the_session_endpoint_asks_for_it(world: World) -> None:
    secret, codes = add_app(world.ana)
    assert len(codes) == 10
    client = Client()
    asked = sign_in(client, "ana")
    assert (asked.status_code, asked.json()["code"]) == (401, "mfa_required")
    assert asked.json()["methods"] == ["recovery_codes", "totp"]
    assert not me(client)["authenticated"]
    assert sign_in(client, "ana", code="000000").status_code == 401
    assert not me(client)["authenticated"]
    assert sign_in(client, "ana", code=code_of(secret)).status_code == 200
    assert me(client)["username"] == "ana"
    assert sign_in(Client(), "ben").status_code == 200, "who has none needs none"


def test_a_code_of_the_app_is_good_once(world: World) -> None:
    secret, _ = add_app(world.ana)
    code = code_of(secret)
    assert sign_in(Client(), "ana", code=code).status_code == 200
    assert sign_in(Client(), "ana", code=code).status_code == 401


def test_a_recovery_code_is_good_once(world: World) -> None:
    _, codes = add_app(world.ana)
    assert sign_in(Client(), "ana", code=codes[0]).status_code == 200
    assert sign_in(Client(), "ana", code=codes[0]).status_code == 401
    assert sign_in(Client(), "ana", code=codes[1]).status_code == 200


def test_the_code_without_the_password_is_nothing(world: World) -> None:
    secret, _ = add_app(world.ana)
    client = Client()
    assert sign_in(client, "ana", "wrong wrong wrong", code=code_of(secret)).status_code == 401
    assert not me(client)["authenticated"]


def test_the_page_asks_for_it_too(world: World) -> None:
    secret, _ = add_app(world.ana)
    client = Client()
    entered = client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    assert entered["Location"].startswith("/accounts/2fa/authenticate/")
    assert not me(client)["authenticated"]
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    assert not me(client)["authenticated"]
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert me(client)["username"] == "ana"


def test_its_seed_is_sealed_at_rest(world: World) -> None:
    secret, codes = add_app(world.ana)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert not any(code in kept for code in codes)
    assert secret not in str(list(AuditEntry.objects.values()))


def test_wrong_codes_are_counted_like_wrong_passwords(world: World) -> None:
    secret, _ = add_app(world.ana)
    for number in range(10):
        answer = sign_in(Client(), "ana", code=f"{number:06}")
        assert answer.status_code == 401, answer.json()
        forget_used_codes()  # allauth's own limit, which is shorter
    answer = sign_in(Client(), "ana", code=code_of(secret))
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")


def test_who_knows_the_password_guesses_no_code_from_many_addresses(world: World) -> None:
    secret, _ = add_app(world.ana)
    for number in range(5):
        answer = sign_in(Client(), "ana", code=f"{number:06}", address=f"203.0.113.{number}")
        assert answer.status_code == 401
    answer = sign_in(Client(), "ana", code=code_of(secret), address="203.0.113.99")
    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert sign_in(Client(), "ben").status_code == 200


def test_the_doors_count_together(world: World) -> None:
    for _ in range(5):
        client = Client(REMOTE_ADDR="203.0.113.1")
        client.post("/accounts/login/", {"login": "ana", "password": "wrong wrong"})
    for _ in range(5):
        assert sign_in(Client(), "ana", "wrong wrong").status_code == 401
    forget_used_codes()  # allauth's own limit, which is shorter
    assert sign_in(Client(), "ana").status_code == 429
    client = Client(REMOTE_ADDR="203.0.113.1")
    page = client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    assert page.status_code == 200
    assert "Too many failed login attempts" in page.content.decode()
    assert not me(client)["authenticated"]


def test_wrong_codes_on_the_page_are_counted(world: World) -> None:
    secret, _ = add_app(world.ana)
    client = Client(REMOTE_ADDR="203.0.113.1")
    client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    for number in range(10):
        client.post("/accounts/2fa/authenticate/", {"code": f"{number:06}"})
        forget_used_codes()
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert not me(client)["authenticated"]
    assert sign_in(Client(), "ana", code=code_of(secret)).status_code == 429


def test_nobody_signs_up(world: World) -> None:
    before = User.objects.count()
    new = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
    for answer in (Client().get("/accounts/signup/"), Client().post("/accounts/signup/", new)):
        assert "Nobody signs up here" in answer.content.decode()
    assert User.objects.count() == before


def test_a_machine_signs_in_nowhere(world: World) -> None:
    machine = create_machine(world.ana.principal, username="etl", kind="service", team="nlp")
    machine.set_password(PASSWORD)  # as a slip of an operator at the database would
    machine.save()
    assert sign_in(Client(), "etl").status_code == 401
    client = Client()
    client.force_login(machine)
    assert not me(client)["authenticated"]


def test_who_is_put_out_is_out_at_the_next_request(world: World) -> None:
    client = Client()
    sign_in(client, "ben")
    token = world.ben.client()
    assert me(client)["authenticated"]
    assert token.get("/api/v1/me").status_code == 200
    set_active(world.operator.principal, "ben", active=False)
    assert not me(client)["authenticated"]
    assert token.get("/api/v1/me").status_code == 401
    assert sign_in(Client(), "ben").status_code == 401
    set_active(world.operator.principal, "ben", active=True)
    assert not me(client)["authenticated"], "an ended session does not come back"
    assert token.get("/api/v1/me").status_code == 401, "nor does a revoked token"
    assert sign_in(Client(), "ben").status_code == 200


def test_a_session_can_be_ended_from_another(world: World) -> None:
    here, there = Client(), Client()
    sign_in(here, "ana")
    sign_in(there, "ana", address="203.0.113.9")
    listed = here.get("/accounts/sessions/").content.decode()
    assert "203.0.113.9" in listed
    here.post("/accounts/sessions/")
    assert me(here)["authenticated"]
    assert not me(there)["authenticated"]


def test_changes_of_factors_are_in_the_log(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        add_app(world.ana)
    entries = AuditEntry.objects.filter(action="change-sign-in")
    assert "totp-activated" in str(list(entries.values_list("detail", flat=True)))


def test_every_page_has_its_heading_and_no_word_of_signing_up(world: World) -> None:
    client = Client()
    sign_in(client, "ana")
    pages = ["2fa/", "2fa/webauthn/", "password/change/", "sessions/", "logout/", "sso/"]
    for page in pages:
        answer = client.get(f"/accounts/{page}", follow=True)
        body = answer.content.decode()
        assert answer.status_code == 200, page
        assert re.search(r"<h1[ >]", body), page
        assert "sign up" not in body.lower(), page


def test_a_write_without_its_csrf_token_gets_a_problem(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = sign_in(client, "ana")
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    page = client.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")


def test_an_operator_is_a_person(world: World) -> None:
    assert create_user(world.operator.principal, username="eve", password=PASSWORD).kind == "person"
