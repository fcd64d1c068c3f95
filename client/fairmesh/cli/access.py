"""request, approve, deny, requests, grants."""

from __future__ import annotations

from typing import Annotated

import typer

from fairmesh.cli.app import app, mesh
from fairmesh.cli.catalog import Name
from fairmesh.cli.output import AsJson, show, show_rows
from fairmesh.errors import Conflict, Pending
from fairmesh.transport import Json

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, from `requests`.")]


@app.command()
def request(
    name: Name,
    purpose: Annotated[str, typer.Option(help="What for, as in model-training.")],
    reason: Annotated[str, typer.Option(help="What the owners should know.")] = "",
    days: Annotated[int, typer.Option(help="For how long.")] = 90,
    team: Annotated[str, typer.Option(help="For all members of this team of yours.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask the owners of a product for access. Ends with 5 when you asked already."""
    with mesh() as client:
        try:
            made = client.request_access(name, purpose, reason, days, team=team)
        except Conflict as error:
            raise Pending(error.detail, {**error.problem, "code": "pending"}) from error
    decided = "A policy approved it." if made["state"] == "approved" else "The owners decide."
    text = f"Asked for {made['name']} for {made['purpose']}: {made['id']}. {decided}"
    show(as_json, made, text)


@app.command()
def approve(
    request_id: RequestId,
    comment: Annotated[str, typer.Option(help="For the one who asked.")] = "",
    days: Annotated[int | None, typer.Option(help="Fewer days than were asked for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Approve a request: the grant stands at once and expires by itself."""
    with mesh() as client:
        grant = client.approve(request_id, comment, days)
    text = f"{_holder(grant)} may read {grant['name']} until {grant['expires_at']}."
    show(as_json, grant, text)


def _holder(grant: Json) -> str:
    return f"The team {grant['team']}" if grant.get("team") else str(grant["username"])


@app.command()
def deny(
    request_id: RequestId,
    comment: Annotated[str, typer.Option(help="Why: the one who asked reads it.")],
    as_json: AsJson = False,
) -> None:
    """Deny a request, and say why."""
    with mesh() as client:
        denied = client.deny(request_id, comment)
    show(as_json, denied, f"Denied {denied['username']} {denied['name']}.")


@app.command()
def requests(
    inbox: Annotated[bool, typer.Option("--inbox", help="Those that you may decide on.")] = False,
    as_json: AsJson = False,
) -> None:
    """List your requests for access, or those that wait for you."""
    with mesh() as client:
        rows = list(client.access_requests(inbox=inbox))
    columns = ["id", "username", "team", "name", "purpose", "days", "state", "due_at", "reason"]
    show_rows(as_json, rows, columns)


@app.command()
def comment(
    request_id: RequestId,
    text: Annotated[str | None, typer.Argument(help="What to say; left out, the thread.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say something about a request, or read what was said. Both sides see it."""
    with mesh() as client:
        if text is not None:
            made = client.comment(request_id, text)
            show(as_json, made, f"Said at {made['created_at']}.")
            return
        rows = list(client.comments(request_id))
    show_rows(as_json, rows, ["created_at", "author", "text"])


GrantId = Annotated[str, typer.Argument(metavar="GRANT", help="Its id, from `grants`.")]


@app.command()
def grants(
    name: Annotated[str | None, typer.Option(help="Those on this product, if you own it.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Only those that hold now.")] = False,
    review: Annotated[
        str | None, typer.Option(help="owed or overdue: broken glasses for you to review.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List your grants and those of your teams, or those on a product of yours."""
    with mesh() as client:
        rows = list(client.grants(name=name, live="true" if live else None, review=review))
    columns = ["id", "username", "team", "name", "purpose", "expires_at", "revoked_at"]
    show_rows(as_json, rows, columns)


@app.command()
def renew(
    grant_id: GrantId,
    days: Annotated[int, typer.Option(help="For how long from the approval on.")] = 90,
    reason: Annotated[str, typer.Option(help="What the owners should know.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask for what a grant gives, for longer. Ends with 5 when you asked already."""
    with mesh() as client:
        try:
            made = client.renew(grant_id, days, reason)
        except Conflict as error:
            raise Pending(error.detail, {**error.problem, "code": "pending"}) from error
    show(as_json, made, f"Asked for {made['name']} again: {made['id']}.")


@app.command()
def revoke(grant_id: GrantId, as_json: AsJson = False) -> None:
    """End a grant on a product of yours; the next read by it is refused."""
    with mesh() as client:
        grant = client.revoke(grant_id)
    show(as_json, grant, f"{_holder(grant)} reads {grant['name']} by this grant no more.")
