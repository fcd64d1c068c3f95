"""`fairmesh pipeline check`, `plan` and `sample` against the platform, from a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fairmesh.cli import app
from typer.testing import CliRunner, Result

from governance.services import issue_token
from tests.transforms.mesh import Mesh, lines
from transforms.models import Pipeline

TEXT = """\
version: 1
inputs:
  - name: /src/~/code
steps:
  - filter: {where: [{column: text, min_chars: 14}]}
output:
  name: /nlp/~/tokens
"""
ROWS = [{"text": "short"}, {"text": "a text of some length"}]

Try = Callable[..., Result]


@pytest.fixture
def attempt(live_server: Any, mesh: Mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Try:
    """Return what tries a text in Ana's name by the command, over HTTP."""
    mesh.publish({"a.jsonl": lines(ROWS)})
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    monkeypatch.setenv("FAIRMESH_URL", live_server.url)
    monkeypatch.setenv("FAIRMESH_TOKEN", secret)
    monkeypatch.setenv("FAIRMESH_CONFIG", str(tmp_path / "own" / "config.json"))

    def attempt(verb: str, text: str, *more: str) -> Result:
        path = tmp_path / "clean.yaml"
        path.write_text(text)
        return CliRunner().invoke(app, ["pipeline", verb, str(path), *more])

    return attempt


def test_a_good_document_is_checked_planned_and_sampled(attempt: Try) -> None:
    checked = attempt("check", TEXT)
    assert (checked.exit_code, checked.stdout) == (0, "No problem found.\n")
    planned = json.loads(attempt("plan", TEXT, "--json").stdout)
    assert [each["step"] for each in planned["schemas"]] == ["input", "steps[0].filter"]
    sampled = json.loads(attempt("sample", TEXT, "--rows", "2", "--json").stdout)
    assert sampled["output"] == [ROWS[1]]
    assert not Pipeline.objects.exists()


def test_a_wrong_word_is_told_at_its_line(attempt: Try, tmp_path: Path) -> None:
    wrong = TEXT.replace("min_chars", "min_char").replace("output:\n", "output:\n  nane: x\n")
    checked = attempt("check", wrong)
    assert checked.exit_code == 1
    place = f"{tmp_path}/clean.yaml:"
    told = [line.removeprefix(place) for line in checked.stdout.splitlines()]
    (word,) = (line for line in told if line.endswith("Did you mean 'min_chars'?"))
    column = wrong.splitlines()[4].index("min_char") + 1
    assert word.startswith(f"5:{column}: steps[0].filter.where[0].min_char: ")
    assert any(line.startswith("7:3: output.nane: ") for line in told)
    for verb in ("plan", "sample"):
        refused = attempt(verb, wrong)
        assert refused.exit_code == 1
        assert [f"  {line}" for line in told] == refused.stderr.splitlines()[1:]


def test_a_text_that_is_no_yaml_is_told_where_reading_stopped(attempt: Try) -> None:
    checked = attempt("check", TEXT + "steps: [\n")
    assert checked.exit_code == 1
    assert len(checked.stdout.splitlines()) == 1, "an editor reads one problem a line"
    assert "clean.yaml:8:" in checked.stdout
