"""login, whoami, token."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.output import AsJson, note, show, show_rows
from fairmesh.config import load_config
from fairmesh.errors import UsageError
from fairmesh.login import TOKEN_DAYS, exchange_password, sign_in
from fairmesh.transport import Json

token = group("token", "Tokens for machines and scripts.")


@app.command()
def login(
    url: Annotated[str, typer.Argument(help="The address of the mesh.", envvar="FAIRMESH_URL")],
    username: Annotated[
        str, typer.Option("--user", help="Who signs in; asked when left out.")
    ] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read a token instead, from standard input.")
    ] = False,
    days: Annotated[float, typer.Option(help="How long the new token lives.")] = TOKEN_DAYS,
    forget_anchor: Annotated[
        bool, typer.Option("--forget-anchor", help="Trust the anchor that the mesh shows now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign in, and trust the mesh's anchor from now on. The password is asked for."""
    secret = sys.stdin.readline().strip() if token_stdin else os.environ.get("FAIRMESH_TOKEN", "")
    if not secret:
        user = username or _ask("User name")
        password = os.environ.get("FAIRMESH_PASSWORD") or _ask("Password", hide=True)
        secret = exchange_password(url, user, password, days, ask_code=_code)
    found = sign_in(load_config(), url, secret, forget_anchor=forget_anchor)
    if found.first_use:
        note(f"Trusting {found.url} by the anchor {found.anchor.key_id} from now on.")
    answer = {
        "username": found.username,
        "url": found.url,
        "anchor": found.anchor.key_id,
        "first_use": found.first_use,
    }
    show(as_json, answer, f"Signed in to {found.url} as {found.username}.")


def _code() -> str:
    return os.environ.get("FAIRMESH_CODE") or _ask("Code of your authenticator app")


def _ask(what: str, hide: bool = False) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{what} is needed: give --user and FAIRMESH_PASSWORD, or FAIRMESH_TOKEN, "
            "or --token-stdin."
        )
    return str(typer.prompt(what, hide_input=hide, err=True))


@app.command()
def whoami(as_json: AsJson = False) -> None:
    """Tell who the mesh takes you for, and in which teams."""
    with mesh() as client:
        me = client.me()
    teams = ", ".join(f"{team['slug']} ({team['role']})" for team in me["teams"]) or "no team"
    name = me["username"] if me["authenticated"] else "nobody"
    show(as_json, me, f"{name} on {client.api.url}, in {teams}.")


@token.command("create")
def create_token(
    title: Annotated[str, typer.Argument(help="What it is for.")],
    days: Annotated[float, typer.Option(help="How long it lives.")] = TOKEN_DAYS,
    actions: Annotated[
        str, typer.Option(help="Only these actions, divided by commas, as in read,discover.")
    ] = "",
    prefix: Annotated[str, typer.Option(help="Only below this name; goes with --actions.")] = "/",
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown this once."""
    body: Json = {"title": title, "days": days}
    if actions:
        body["scopes"] = [{"actions": actions.split(","), "prefix": prefix}]
    with mesh() as client:
        made = client.api.post("tokens", body)
    show(as_json, made, str(made["token"]))


@token.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List your tokens, without their secrets."""
    with mesh() as client:
        rows = list(client.api.pages("tokens"))
    show_rows(as_json, rows, ["id", "title", "expires_at", "last_used_at", "revoked_at"])


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="Its id, from `token list`.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token; the next request with it is refused."""
    with mesh() as client:
        client.api.delete(f"tokens/{token_id}")
    show(as_json, {"revoked": token_id}, "Revoked.")
