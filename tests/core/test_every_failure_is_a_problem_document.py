from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, OperationalError
from django.test import Client
from rest_framework import exceptions

from core.api.problems import exception_handler
from core.errors import FairmeshError
from tests.builders import World, build_world

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    return build_world(settings, tmp_path)


def subclasses(of: type[FairmeshError]) -> Iterator[type[FairmeshError]]:
    yield of
    for child in of.__subclasses__():
        yield from subclasses(child)


def every_error() -> list[type[FairmeshError]]:
    for app in apps.get_app_configs():
        if Path(app.path).is_relative_to(REPOSITORY) and ".venv" not in app.path:
            for module in pkgutil.walk_packages([app.path], f"{app.name}."):
                if ".migrations" not in module.name and ".management" not in module.name:
                    importlib.import_module(module.name)
    ours = {error.__module__.split(".")[0]: error for error in subclasses(FairmeshError)}
    assert "core" in ours
    return [e for e in dict.fromkeys(subclasses(FairmeshError)) if not _of_tests(e)]


def _of_tests(error: type[FairmeshError]) -> bool:
    return error.__module__.split(".")[0] in {"tests", "fairmesh"}


def test_each_error_has_a_code_and_a_title_of_its_own() -> None:
    errors = every_error()
    codes = [error.code for error in errors]
    assert len(codes) == len(set(codes)), sorted(c for c in codes if codes.count(c) > 1)
    titles = [error.title for error in errors]
    assert len(titles) == len(set(titles)), sorted(t for t in titles if titles.count(t) > 1)
    for error in errors:
        assert error.code.replace("_", "").isalnum()
        assert error.code.islower()
        assert 400 <= error.status < 600
        assert error.__doc__


def test_each_code_has_its_section_in_the_reference() -> None:
    page = (REPOSITORY / "docs/reference/problems.md").read_text()
    told = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert told == sorted(error.code for error in every_error())
    for error in every_error():
        section = page.split(f"## {error.code}\n", 1)[1].split("\n## ", 1)[0]
        assert f"{error.status} " in section, f"{error.code} does not tell its status"
        assert error.title in section, f"{error.code} does not tell its title"
        assert "**Do:**" in section, f"{error.code} does not tell what to do"


@pytest.mark.parametrize("error", every_error())
def test_the_document_is_that_of_rfc_9457(error: type[FairmeshError]) -> None:
    answer = exception_handler(error("It is wrong.", where="here"), {"view": None})
    assert answer is not None
    assert answer.status_code == error.status
    assert answer.content_type == "application/problem+json"
    assert answer.data == {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": "It is wrong.",
        "code": error.code,
        "where": "here",
    }
    assert ("WWW-Authenticate" in answer) == (error.status == 401)
    assert ("Retry-After" in answer) == (error.status in {429, 503})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("database is locked"), 503, "too_busy"),
        (DataError("NUL"), 422, "invalid"),
        (exceptions.MethodNotAllowed("PUT"), 405, "invalid"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "invalid"),
        (exceptions.ParseError("no JSON"), 400, "invalid"),
        (exceptions.PermissionDenied("CSRF Failed"), 403, "csrf_failed"),
        (RuntimeError("secret of the inside"), 500, "internal"),
    ],
)
def test_foreign_errors_are_told_in_our_words(error: Exception, status: int, code: str) -> None:
    answer = exception_handler(error, {"view": test_foreign_errors_are_told_in_our_words})
    assert answer is not None
    assert (answer.status_code, answer.data["status"], answer.data["code"]) == (
        status, status, code,
    )  # fmt: skip
    assert "secret of the inside" not in str(answer.data)


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "/api/v1/products/0190b3c4-0000-7000-8000-000000000000", None, 404),
        ("GET", "/api/v1/decisions", None, 405),
        ("POST", "/api/v1/products", "{", 400),
        ("POST", "/api/v1/products", "[]", 422),
        ("POST", "/api/v1/products", '{"name": "\\u0000", "title": "x"}', 422),
        ("POST", "/api/v1/products", '{"name": "\\ud800", "title": "x"}', 422),
        ("POST", "/api/v1/decisions", '{"action": "read", "name": "/a/~/b/v=1/\\ud800"}', 422),
        ("GET", "/api/v1/products?cursor=cD1hYmM=", None, 422),
        ("GET", "/api/v1/search?page_size=x", None, 422),
    ],
)
def test_whatever_is_sent_the_answer_is_a_problem(
    world: World, method: str, address: str, body: str | None, status: int
) -> None:
    answer = world.ana.client().generic(method, address, body or "", "application/json")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer["X-Request-Id"]


@pytest.mark.parametrize("position", ["abc", "99999999999999999999999", "\x00", "-1"])
@pytest.mark.parametrize(
    "address", ["products", "versions", "audit", "domains", "labels?name=/acme"]
)
def test_a_forged_cursor_is_no_crash(world: World, address: str, position: str) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    glue = "&" if "?" in address else "?"
    answer = world.ana.client().get(f"/api/v1/{address}{glue}cursor={cursor}")
    assert answer.status_code in {200, 422}


def test_a_request_keeps_its_id_unless_it_is_unsafe(db: None, world: World) -> None:
    kept = Client().get("/api/v1/me", headers={"X-Request-Id": "abc-123"})
    assert kept["X-Request-Id"] == "abc-123"
    made = Client().get("/api/v1/me", headers={"X-Request-Id": "a b\tc"})
    assert made["X-Request-Id"] != "a b\tc"
