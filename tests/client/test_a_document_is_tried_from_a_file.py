"""`pipeline check`, `plan` and `sample` send a file's text and tell problems at their lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXT = "version: 1\nsteps:\n  - filtre: {}  # größer\n"
PROBLEM = {
    "where": "steps[0].filtre",
    "message": "There is no\n  such step.",
    "suggestion": "filter",
    "line": 3,
    "column": 5,
}
TOLD = "3:5: steps[0].filtre: There is no such step. Did you mean 'filter'?"
UNPLACED = {"where": "", "message": "It is no mapping.", "suggestion": None, "line": None}
VERBS = ("check", "plan", "sample")
GOOD = {"problems": [], "not_compared": ""}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "wiki.yaml"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def sent(tiny_mesh: Any) -> list[tuple[str, Any]]:
    """Answer every verb with what it was asked, and note it; `check` finds nothing."""
    noted: list[tuple[str, Any]] = []

    def answer(verb: str) -> Callable[[Any], tuple[int, Any]]:
        def note(request: Any) -> tuple[int, Any]:
            noted.append((verb, json.loads(request.body)))
            return 200, GOOD if verb == "check" else {"answer": verb}

        return note

    for verb in VERBS:
        tiny_mesh.answers[f"POST /api/v1/pipelines/{verb}"] = answer(verb)
    return noted


def test_a_document_without_problems_ends_with_0(
    run: Callable[..., Any], tiny_mesh: Any, sent: list[Any], document: Path
) -> None:
    found = run("pipeline", "check", str(document), FAIRMESH_URL=tiny_mesh.url)
    assert (found.code, found.out) == (0, "No problem found.\n")
    assert run("pipeline", "check", str(document), "--json").json == GOOD
    run("pipeline", "check", str(document), "--purpose", "model-training")
    assert sent == [
        ("check", {"text": TEXT, "purpose": purpose}) for purpose in ("", "", "model-training")
    ]


def test_problems_are_told_at_their_lines_and_end_with_1(
    run: Callable[..., Any], tiny_mesh: Any, document: Path
) -> None:
    answer = {"problems": [PROBLEM, UNPLACED], "not_compared": ""}
    tiny_mesh.answers["POST /api/v1/pipelines/check"] = (200, answer)
    found = run("pipeline", "check", str(document), FAIRMESH_URL=tiny_mesh.url)
    assert found.code == 1
    assert found.out.splitlines() == [
        f"{document}:{TOLD}",
        f"{document}: document: It is no mapping.",
    ]
    assert found.err == ""
    programs = run("pipeline", "check", str(document), "--json")
    assert (programs.code, programs.json) == (1, answer)


def test_that_columns_were_not_compared_is_no_problem_but_is_told(
    run: Callable[..., Any], tiny_mesh: Any, document: Path
) -> None:
    answer = {"problems": [], "not_compared": "/a/~/b has no version yet."}
    tiny_mesh.answers["POST /api/v1/pipelines/check"] = (200, answer)
    found = run("pipeline", "check", str(document), FAIRMESH_URL=tiny_mesh.url)
    assert found.code == 0
    assert "not compared: /a/~/b has no version yet." in found.out


def test_a_file_is_planned_and_sampled_without_being_saved(
    run: Callable[..., Any], tiny_mesh: Any, sent: list[Any], document: Path
) -> None:
    planned = run("pipeline", "plan", str(document), "--json", FAIRMESH_URL=tiny_mesh.url)
    sampled = run("pipeline", "sample", str(document), "--rows", "7", "--purpose", "p", "--json")
    assert (planned.json, sampled.json) == ({"answer": "plan"}, {"answer": "sample"})
    assert sent == [
        ("plan", {"text": TEXT, "purpose": ""}),
        ("sample", {"text": TEXT, "purpose": "p", "rows": 7}),
    ]


def test_what_has_no_dot_and_no_slash_is_a_name(
    run: Callable[..., Any],
    tiny_mesh: Any,
    sent: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wiki").write_text(TEXT)
    saved = {"next": None, "results": [{"name": "wiki", "id": "7"}]}
    tiny_mesh.answers["GET /api/v1/pipelines"] = (200, saved)
    tiny_mesh.answers["POST /api/v1/pipelines/7/plan"] = (200, {"answer": "saved"})
    tiny_mesh.answers["POST /api/v1/pipelines/7/sample"] = (200, {"answer": "saved"})
    for verb in ("plan", "sample"):
        named = run("pipeline", verb, "wiki", "--json", FAIRMESH_URL=tiny_mesh.url)
        assert named.json == {"answer": "saved"}
        assert sent == []
        assert run("pipeline", verb, "./wiki", "--json").json == {"answer": verb}
        assert [each for each, _ in sent] == [verb]
        sent.clear()


@pytest.mark.parametrize("command", [("plan",), ("sample",), ("create", "wiki")])
def test_a_document_that_is_refused_is_told_with_its_lines(
    run: Callable[..., Any], tiny_mesh: Any, document: Path, command: tuple[str, ...]
) -> None:
    refused = {"code": "invalid_spec", "detail": "It is wrong.", "errors": [PROBLEM]}
    path = "pipelines" if command[0] == "create" else f"pipelines/{command[0]}"
    tiny_mesh.answers[f"POST /api/v1/{path}"] = (422, refused)
    found = run("pipeline", *command, str(document), FAIRMESH_URL=tiny_mesh.url)
    assert (found.code, found.out) == (1, "")
    assert found.err.splitlines() == ["fairmesh: It is wrong.", f"  {TOLD}"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_that_is_no_text_is_usage(
    run: Callable[..., Any], tiny_mesh: Any, sent: list[Any], tmp_path: Path, verb: str
) -> None:
    (tmp_path / "latin.yaml").write_bytes("größer".encode("latin-1"))
    (tmp_path / "folder.yaml").mkdir()
    for name in ("latin.yaml", "absent.yaml", "folder.yaml"):
        found = run("pipeline", verb, str(tmp_path / name), FAIRMESH_URL=tiny_mesh.url)
        assert found.code == 2
        assert name in found.err
    assert sent == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_document_comes_on_standard_input(
    run: Callable[..., Any],
    tiny_mesh: Any,
    sent: list[Any],
    verb: str,
) -> None:
    found = run("pipeline", verb, "-", "--json", stdin=TEXT, FAIRMESH_URL=tiny_mesh.url)
    assert found.code == 0
    assert [(each, body["text"]) for each, body in sent] == [(verb, TEXT)]


def test_who_may_not_is_denied(run: Callable[..., Any], tiny_mesh: Any, document: Path) -> None:
    denial = {"code": "policy_denied", "detail": "No.", "policies": ["two-eyes"]}
    tiny_mesh.answers["POST /api/v1/pipelines/check"] = (403, denial)
    assert run("pipeline", "check", str(document), FAIRMESH_URL=tiny_mesh.url).code == 3
