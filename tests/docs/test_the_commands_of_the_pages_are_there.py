"""Each `fairmesh` command that README and tutorial show is one, with those options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from fairmesh.cli import app
from fairmesh.cli.reference import verbs

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/tutorials/one-products-life.md")
VERBS = {tuple(path.split()[1:]): command for path, command in verbs(typer.main.get_command(app))}
_LINE = re.compile(r"^fairmesh (.*)$", re.MULTILINE)


def shown() -> list[str]:
    """Return what follows `fairmesh` on each line of the pages."""
    return [line for page in PAGES for line in _LINE.findall((REPOSITORY / page).read_text())]


def unknown(line: str) -> list[str]:
    """Return the words of a line that are no command of the client's, or no option of it."""
    words = shlex.split(line, comments=True)
    verb = next((path for n in (2, 1) if (path := tuple(words[:n])) in VERBS), None)
    if verb is None:
        return words[:1]
    options = {option for each in VERBS[verb].params for option in each.opts}
    return [word for word in words if word.startswith("-") and word not in options]


@pytest.mark.parametrize("line", shown())
def test_a_command_that_is_shown_is_one(line: str) -> None:
    assert unknown(line) == []


def test_one_that_is_none_would_be_found() -> None:
    assert unknown("fly /a/~/b") == ["fly"]
    assert unknown("get /a/~/b ./copy --quickly") == ["--quickly"]


def test_the_files_that_readme_names_are_there() -> None:
    named = re.findall(r"docs/examples/\S+", (REPOSITORY / "README.md").read_text())
    assert named
    assert [name for name in named if not (REPOSITORY / name).is_file()] == []
