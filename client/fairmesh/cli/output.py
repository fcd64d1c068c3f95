"""What a command prints: tables for people, one JSON value for programs, a way on when it fails."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from fairmesh.errors import Denied, FairmeshError, VerificationFailed
from fairmesh.names import split_name

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
"""The option that every command takes."""

Row = Mapping[str, Any]
_ERRORS_SHOWN = 20


def show_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def show(as_json: bool, value: Any, text: str | Callable[[], str]) -> None:
    """Print `value` as JSON, or else the text for people."""
    if as_json:
        show_json(value)
    else:
        _console().print(text if isinstance(text, str) else text(), markup=False, soft_wrap=True)


def show_rows(as_json: bool, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print rows as a JSON list, or as a table of `columns`; the first column is never cut."""
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        _console().print("Nothing.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column.replace("_", " "), no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row, column) for column in columns))
    _console().print(table, markup=False)


def _cell(row: Row, column: str) -> str:
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _console() -> Console:
    plain = not sys.stdout.isatty()
    return Console(file=sys.stdout, highlight=False, width=200 if plain else None)


def note(text: str) -> None:
    """Tell the person something that is not the result."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Callable[[int], None] | None]:
    """Show bytes as they pass, on a terminal only; yields None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


def show_failure(error: FairmeshError, as_json: bool) -> None:
    """Print why a command failed; a denial names the rule and the command that asks for access."""
    if as_json:
        show_json({"error": {**error.as_json(), "suggest": suggestion(error)}})
        return
    note(f"fairmesh: {error.detail}")
    if isinstance(error, Denied) and error.policies:
        note(f"Decided by: {', '.join(error.policies)}")
    listed = error.problem.get("errors")
    for row in listed[:_ERRORS_SHOWN] if isinstance(listed, list) else []:
        note(f"  {problem_line(row)}")
    if isinstance(error, VerificationFailed):
        for row in error.problem.get("problems", [])[:_ERRORS_SHOWN]:
            note(f"  {row['reason']:>10}  {row['path']}: {row['detail']}")
    if (command := suggestion(error)) is not None:
        note(f"Ask for access: {command}")


def problem_line(row: Row, file: str = "") -> str:
    """Return `file:line:column: where: message` of a problem, as editors read it, and a hint.

    It is one line whatever the message; what is not known of the place is left out.
    """
    place = ":".join(str(each) for each in (file, row.get("line"), row.get("column")) if each)
    hint = f" Did you mean {row['suggestion']!r}?" if row.get("suggestion") else ""
    message = " ".join(str(row.get("message")).split())
    told = f"{row.get('where') or 'document'}: {message}{hint}"
    return f"{place}: {told}" if place else told


def suggestion(error: FairmeshError) -> str | None:
    """Return the command that would ask for the access that was denied, or None."""
    if not isinstance(error, Denied) or error.requestable is None:
        return None
    split_name(error.requestable)  # a name needs no quoting in a shell; anything else is refused
    purpose = str(error.problem.get("purpose") or "analytics")
    return f"fairmesh request {error.requestable} --purpose {shlex.quote(purpose)}"
