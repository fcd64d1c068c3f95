"""Exit codes are a promise to scripts: one table, tried against a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fairmesh.cli.reference import reference
from fairmesh.errors import Exit

NAME = "/acme/nlp/~/wiki"
DENIAL = {
    "code": "policy_denied",
    "detail": "No policy permits read.",
    "policies": ["two-eyes"],
    "action": "read",
    "name": NAME,
    "request_access": "/api/v1/access-requests",
}


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "token_expired", 3),
        (403, "policy_denied", 3),
        (404, "not_found", 6),
        (409, "conflict", 1),
        (410, "gone", 6),
        (422, "invalid", 1),
        (500, "internal", 1),
    ],
)
def test_a_problem_document_ends_the_command_with_its_code(
    run: Callable[..., Any], tiny_mesh: Any, status: int, code: str, exit_code: int
) -> None:
    tiny_mesh.answers["GET /api/v1/resolve"] = (status, {"code": code, "detail": "because"})
    tiny_mesh.answers["GET /api/v1/access-requests"] = (200, {"next": None, "results": []})
    found = run("resolve", NAME, "--json", FAIRMESH_URL=tiny_mesh.url)
    assert found.code == exit_code
    assert found.json["error"]["code"] == code
    assert found.json["error"]["exit"] == exit_code
    plain = run("resolve", NAME)
    assert plain.code == exit_code
    assert "because" in plain.err
    assert plain.out == ""


def test_a_denial_names_the_rule_and_the_command_that_asks(
    run: Callable[..., Any], tiny_mesh: Any
) -> None:
    tiny_mesh.answers["GET /api/v1/resolve"] = (403, DENIAL)
    tiny_mesh.answers["GET /api/v1/access-requests"] = (200, {"next": None, "results": []})
    found = run("resolve", NAME, "--purpose", "model-training", FAIRMESH_URL=tiny_mesh.url)
    assert found.code == 3
    assert "two-eyes" in found.err
    assert f"fairmesh request {NAME} --purpose model-training" in found.err


def test_a_denial_with_a_request_under_way_is_pending(
    run: Callable[..., Any], tiny_mesh: Any
) -> None:
    tiny_mesh.answers["GET /api/v1/resolve"] = (403, DENIAL)
    waiting = {"next": None, "results": [{"state": "pending"}]}
    tiny_mesh.answers["GET /api/v1/access-requests"] = (200, waiting)
    assert run("resolve", NAME, FAIRMESH_URL=tiny_mesh.url).code == 5


def test_asking_twice_is_pending(run: Callable[..., Any], tiny_mesh: Any) -> None:
    tiny_mesh.answers["POST /api/v1/access-requests"] = (409, {"code": "conflict", "detail": "d"})
    asked = run("request", NAME, "--purpose", "analytics", FAIRMESH_URL=tiny_mesh.url)
    assert asked.code == 5


def test_a_mesh_that_is_not_there_is_unavailable(run: Callable[..., Any]) -> None:
    assert run("search", "x", FAIRMESH_URL="http://127.0.0.1:9").code == 7


def test_what_makes_no_sense_is_usage(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("search", "x").code == 2  # no mesh is known
    assert run("verify", str(tmp_path), "--anchor", "rubbish").code == 2
    assert run("get", "not a name", FAIRMESH_URL="http://127.0.0.1:9").code == 2
    assert run("frobnicate").code == 2


def test_an_altered_version_is_not_verified(
    run: Callable[..., Any], sealed: Any, tmp_path: Path
) -> None:
    directory = sealed.lay_out(tmp_path / "version")
    good = run("verify", str(directory), "--anchor", sealed.anchor.public, "--json")
    assert (good.code, good.json["ok"], good.json["files"]) == (0, True, 4)
    (directory / "empty").write_bytes(b"not")
    bad = run("verify", str(directory), "--anchor", sealed.anchor.public)
    assert bad.code == 4
    assert "empty" in bad.err


def test_a_gate_that_fails_still_prints_one_json_value(
    run: Callable[..., Any], tiny_mesh: Any
) -> None:
    answer = {"passed": False, "result": {"gained": 3}}
    tiny_mesh.answers["POST /api/v1/policies/7/simulate"] = (200, answer)
    plain = run("policy", "simulate", "7", "--no-new-access", FAIRMESH_URL=tiny_mesh.url)
    assert (plain.code, plain.out) == (1, "gained: 3\n")
    assert "cannot do now" in plain.err
    programs = run("policy", "simulate", "7", "--no-new-access", "--json")
    assert (programs.code, programs.json) == (1, answer)


def test_the_page_lists_every_exit_code() -> None:
    for code in Exit:
        assert f"| {int(code)} |" in reference()
