"""request, approve, deny, requests, grants, policy, audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.catalog import Name
from fairmesh.cli.output import AsJson, show, show_rows
from fairmesh.errors import Conflict, Pending, UsageError

policy = group("policy", "Policies: what is allowed, and what the mesh does by itself.")

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, from `requests`.")]


@app.command()
def request(
    name: Name,
    purpose: Annotated[str, typer.Option(help="What for, as in model-training.")],
    reason: Annotated[str, typer.Option(help="What the owners should know.")] = "",
    days: Annotated[int, typer.Option(help="For how long.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Ask the owners of a product for access. Ends with 5 when you asked already."""
    with mesh() as client:
        try:
            made = client.request_access(name, purpose, reason, days)
        except Conflict as error:
            raise Pending(error.detail, {**error.problem, "code": "pending"}) from error
    text = f"Asked for {made['name']} for {made['purpose']}: {made['id']}. The owners decide."
    show(as_json, made, text)


@app.command()
def approve(
    request_id: RequestId,
    comment: Annotated[str, typer.Option(help="For the one who asked.")] = "",
    as_json: AsJson = False,
) -> None:
    """Approve a request: the grant stands at once and expires by itself."""
    with mesh() as client:
        grant = client.approve(request_id, comment)
    text = f"{grant['username']} may read {grant['name']} until {grant['expires_at']}."
    show(as_json, grant, text)


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
    show_rows(as_json, rows, ["id", "username", "name", "purpose", "state", "reason"])


@app.command()
def grants(
    name: Annotated[str | None, typer.Option(help="Those on this product, if you own it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List your grants, or those on a product of yours."""
    with mesh() as client:
        rows = list(client.api.pages("grants", name=name))
    show_rows(as_json, rows, ["id", "username", "name", "purpose", "expires_at", "revoked_at"])


@policy.command("add")
def add_policy(
    file: Annotated[str, typer.Argument(help="A policy document, or - for standard input.")],
    kind: Annotated[str, typer.Option(help="protection (YAML) or access (Cedar).")] = "protection",
    slug: Annotated[str, typer.Option(help="The name of a set of access policies.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a policy and put it into force; the same id again replaces it."""
    path = Path(file)
    if file != "-" and not path.is_file():
        raise UsageError(f"There is no file {file}.")
    text = sys.stdin.read() if file == "-" else path.read_text()
    with mesh() as client:
        made = client.add_policy(kind, text, slug)
    show(as_json, made, f"In force: {made['slug']}, version {made['version']}.")


@policy.command("list")
def list_policies(as_json: AsJson = False) -> None:
    """List the policies, with what they apply to."""
    with mesh() as client:
        rows = list(client.api.pages("policies"))
    show_rows(as_json, rows, ["slug", "kind", "version", "state", "prefix", "labels", "owner"])


@policy.command("retire")
def retire_policy(
    policy_id: Annotated[str, typer.Argument(metavar="POLICY", help="Its id.")],
    as_json: AsJson = False,
) -> None:
    """Take a policy out of force."""
    with mesh() as client:
        retired = client.api.post(f"policies/{policy_id}/retire")
    show(as_json, retired, f"Retired {retired['slug']}.")


@app.command()
def audit(
    name: Annotated[str | None, typer.Option(help="Only of this name.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only by this principal.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who did what, and which policies decided. Others' acts are for operators."""
    with mesh() as client:
        page = client.api.get(
            "audit", name=name, principal=principal, action=action, page_size=limit
        )
    columns = ["at", "principal", "action", "name", "allowed", "policies"]
    show_rows(as_json, page["results"], columns)
