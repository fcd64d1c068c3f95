"""Which addresses answer with the portal's page, and which never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

PAGE = "<!doctype html><title>Fairmesh</title>"


@pytest.fixture
def dist(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DIST = tmp_path
    (tmp_path / "index.html").write_text(PAGE)
    return tmp_path


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize("path", ["/", "/jobs", "/p/acme/nlp/~/wiki", "/sign-in", "/anything"])
def test_every_other_address_is_the_portals(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer.content.decode()) == (200, PAGE)
    assert answer["Cache-Control"] == "no-cache"
    assert any("csrftoken" in name for name in answer.cookies)


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/static/assets/gone.js", "/favicon.ico"])
def test_a_program_is_told_in_its_own_format(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert not answer.cookies, "a page that is open elsewhere keeps its own"


@pytest.mark.usefixtures("dist")
def test_a_write_to_a_page_is_refused() -> None:
    assert Client().post("/jobs").status_code == 405


def test_an_unbuilt_portal_says_how_to_build_it(dist: Path) -> None:
    (dist / "index.html").unlink()
    answer = Client().get("/")
    assert answer.status_code == 503
    assert "make portal" in answer.content.decode()
