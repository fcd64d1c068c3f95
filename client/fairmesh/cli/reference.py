"""Writes docs/reference/cli.md from the commands themselves: `python -m fairmesh.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from fairmesh.cli import app

_HEAD = """# The `fairmesh` command

Written from the commands themselves by `python -m fairmesh.cli.reference`; a test fails when this
page is behind.

## Exit codes

They never change their meaning.

| code | meaning |
|---|---|
| 0 | done |
| 1 | an error; the message says what and where |
| 2 | the command line, a file on it, or the configuration makes no sense |
| 3 | denied, or not signed in; the rule is named, and the command that asks for access |
| 4 | not verified: a digest, a signature, a name or the trust anchor is not what it must be |
| 5 | pending: a request waits for approval, or waiting took longer than `--timeout` |
| 6 | not found, removed, or not for you to know of |
| 7 | unavailable: the mesh or a store does not answer; try again |

## For programs

With `--json` a command prints one JSON value on standard output: what the mesh answered, or
`{"error": {"code", "detail", "exit", "suggest", …}}` with the members of the mesh's problem
document. Notes and progress go to standard error, progress on a terminal only.

## Environment

| variable | meaning |
|---|---|
| `FAIRMESH_URL` | the mesh, instead of the one signed in to last |
| `FAIRMESH_TOKEN` | a token, instead of the remembered one |
| `FAIRMESH_PASSWORD` | the password for `fairmesh login`, instead of the prompt |
| `FAIRMESH_CODE` | the second factor for `fairmesh login`, of an account that has one |
| `FAIRMESH_CONFIG` | the configuration file; by default in the user's configuration folder |

The configuration holds tokens and the trust anchors seen at first use. Only its owner can read it.

## Commands
"""


def reference() -> str:
    """Return the whole page."""
    root = typer.main.get_command(app)
    return _HEAD + "\n".join(
        line for path, command in verbs(root) for line in _section(path, command)
    )


def verbs(command: Any, path: str = "fairmesh") -> Iterator[tuple[str, Any]]:
    """Yield every verb with its full path, groups left out, in alphabetical order."""
    children = getattr(command, "commands", None)
    if children is None or command.invoke_without_command:
        yield path, command
    if children is None:
        return
    for name in sorted(children):
        yield from verbs(children[name], f"{path} {name}")


def _section(path: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([path, *(_usage(argument) for argument in arguments)])
    yield from ("", f"### `{usage}`", "", str(command.help).strip(), "")
    rows = [(_argument_name(a), a.help or "", "") for a in arguments]
    rows += [
        (", ".join(o.opts), o.help or "", _default(o)) for o in options if "--help" not in o.opts
    ]
    yield from ("| | | default |", "|---|---|---|")
    for name, about, default in rows:
        yield f"| `{name}` | {about} | {default} |"


def _argument_name(argument: Any) -> str:
    return str(argument.metavar or argument.name).upper().removesuffix("_")


def _usage(argument: Any) -> str:
    name = _argument_name(argument) + ("…" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    return "" if value is None or value is False or value in ("", []) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
