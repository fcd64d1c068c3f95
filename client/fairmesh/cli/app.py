"""The command's root: how failures become exit codes, and the client of this invocation."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from fairmesh.cli.output import show_failure
from fairmesh.client import Client
from fairmesh.errors import Exit, FairmeshError

EPILOG = (
    "Exit codes: 0 done, 1 error, 2 usage, 3 denied, 4 not verified, 5 pending or waiting for "
    "approval, 6 not found, 7 unavailable."
)


class Verbs(TyperGroup):
    """Ends with the documented exit code of whatever failed."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FairmeshError as error:
            show_failure(error, "--json" in sys.argv)
            raise typer.Exit(int(error.exit_code)) from error
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except OSError as error:
            show_failure(FairmeshError(str(error)), "--json" in sys.argv)
            raise typer.Exit(int(Exit.ERROR)) from error


app = typer.Typer(
    name="fairmesh",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find, publish, fetch and verify the data products of a Fairmesh data mesh.",
    epilog=EPILOG,
)


def group(name: str, about: str) -> typer.Typer:
    """Return a new group of verbs below the root."""
    made = typer.Typer(no_args_is_help=True, help=about, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


def mesh() -> Client:
    """Return the client that the configuration and the environment ask for."""
    return Client.from_config()
