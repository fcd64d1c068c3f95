"""erase, hold, verify-receipt."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.data import trusted_anchor
from fairmesh.cli.output import AsJson, show, show_json, show_rows
from fairmesh.client import Client
from fairmesh.errors import NotFound, UsageError
from fairmesh.receipt import read_receipt, verify_receipt
from fairmesh.transport import Json

erase = group("erase", "Erasures: planned, approved by a second person, done, proved.")
hold = group("hold", "Legal holds: while one stands, nothing of a name is removed.")

Name = Annotated[str, typer.Argument(help="A version, a product, or a domain.")]
Order = Annotated[
    str, typer.Argument(metavar="ORDER", help="Its id, or the name it is about if one is open.")
]
Derived = Annotated[
    bool, typer.Option("--derived", help="What was made from it as well, where its owners agree.")
]
Registered = Annotated[
    bool, typer.Option("--registered", help="Objects too that lie where their owner put them.")
]
Reason = Annotated[str, typer.Option(help="Why; stands in the signed receipt.")]
Basis = Annotated[str, typer.Option(help="The law or the rule, as in 'GDPR Art. 17'.")]


class Open(StrEnum):
    """The states in which an order can be meant by its name alone."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTING = "acting"
    BLOCKED = "blocked"


def _order(client: Client, asked: str) -> str:
    """Return the id of an order, asked for by it or by the name it is about."""
    if not asked.startswith("/"):
        return asked
    rows = list(client.api.pages("erasures", name=asked))
    still = [row for row in rows if row["state"] in list(Open)] or rows[:1]
    if not still:
        raise NotFound(f"There is no erasure of {asked}, or you may not know of it.")
    if len(still) > 1:
        raise UsageError(f"There are several of {asked}: {', '.join(row['id'] for row in still)}.")
    return str(still[0]["id"])


def _proposed(
    client: Client, name: str, why: tuple[str, str], derived: bool, registered: bool
) -> Json:
    body = {
        "name": name,
        "reason": why[0],
        "basis": why[1],
        "cascade": "derived" if derived else "none",
        "registered": "delete" if registered else "keep",
    }
    return dict(client.api.post("erasures", body))


@erase.command("propose")
def propose(
    name: Name,
    reason: Reason,
    basis: Basis,
    derived: Derived = False,
    registered: Registered = False,
    as_json: AsJson = False,
) -> None:
    """Plan an erasure and ask a second person to approve it. Nothing is removed yet."""
    with mesh() as client:
        order = _proposed(client, name, (reason, basis), derived, registered)
    _show_plan(order, as_json)


@erase.command("plan")
def plan(order: Order, as_json: AsJson = False) -> None:
    """Show what an order would reach, and what becomes of each place."""
    with mesh() as client:
        found = client.api.get(f"erasures/{_order(client, order)}")
    _show_plan(dict(found), as_json)


def _show_plan(order: Json, as_json: bool) -> None:
    if as_json:
        show_json(order)
        return
    told = order["plan"]
    show(False, None, f"{order['id']}  {order['name']}  {order['state']}  {order['plan_digest']}")
    rows = [
        {**row, "stores": [each["store"] for each in row["replicas"]]} for row in told["versions"]
    ]
    show_rows(
        False, rows, ["version", "relation", "does", "reason_code", "team", "stores", "bytes"]
    )
    hidden = told["hidden"]
    if any(hidden.values()):
        show(False, None, f"Not for you to know by name: {json.dumps(hidden)}")


@erase.command("approve")
def approve(
    order: Order,
    plan_digest: Annotated[
        str, typer.Option("--plan", help="The digest of the plan you read; no other is approved.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Approve as a second person: a worker begins at once."""
    with mesh() as client:
        body = {"plan": plan_digest}
        found = client.api.post(f"erasures/{_order(client, order)}/approve", body)
    show(as_json, found, f"{found['id']} is {found['state']}.")


@erase.command("agree")
def agree(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Its id.")],
    name: Annotated[str, typer.Argument(help="Your product that it reaches.")],
    as_json: AsJson = False,
) -> None:
    """Agree, as the owner of a derived product, that it is erased as well."""
    with mesh() as client:
        found = client.api.post(f"erasures/{order}/agree", {"name": name})
    show(as_json, found, f"Agreed for {name}.")


@erase.command("cancel")
def cancel(order: Order, reason: Reason, as_json: AsJson = False) -> None:
    """Call off an erasure that has not begun, or that is blocked."""
    with mesh() as client:
        body = {"reason": reason}
        found = client.api.post(f"erasures/{_order(client, order)}/cancel", body)
    show(as_json, found, f"{found['id']} is {found['state']}.")


@erase.command("status")
def status(order: Order, as_json: AsJson = False) -> None:
    """Show how far an erasure is: every place with its receipt, and when it is tried again."""
    with mesh() as client:
        found = client.api.get(f"erasures/{_order(client, order)}")
    if as_json:
        show_json(found)
        return
    show(False, None, f"{found['id']}  {found['name']}  {found['state']}  {found['why']}".rstrip())
    columns = ["kind", "name", "place", "state", "reason_code", "next_attempt_at"]
    show_rows(False, found["receipts"], columns)


@erase.command("list")
def list_erasures(
    due: Annotated[
        int | None, typer.Option(help="Only where a retention ends within so many days.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the erasures of what you own, and those that ask you."""
    with mesh() as client:
        rows = list(client.api.pages("erasures", due=due, state=state))
    show_rows(as_json, rows, ["id", "name", "kind", "state", "due_at", "proposed_by", "basis"])


@erase.command("receipt")
def receipt(
    order: Order,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else it is printed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the signed receipt of an erasure that has ended; `verify-receipt` checks it."""
    with mesh() as client:
        found = client.api.get(f"erasures/{_order(client, order)}/receipt")
    if output is None:
        show_json(found)
        return
    output.write_text(json.dumps(found, indent=1) + "\n")
    show(as_json, {"file": str(output)}, f"Wrote {output}.")


@app.command("verify-receipt")
def verify(
    file: Annotated[Path, typer.Argument(help="As `erase receipt` wrote it.")],
    anchor: Annotated[
        str | None,
        typer.Option(
            help="A trust document, a file with a key, or a key in base64; by default "
            "the anchor remembered for the mesh."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the receipt of an erasure off-line, and say what was erased and what was kept."""
    trusted = trusted_anchor(anchor)
    found = verify_receipt(read_receipt(file), trusted)
    answer: Json = {
        "statement": found.statement,
        "counts": found.counts,
        "complete": found.complete,
        "anchor": trusted.key_id,
    }
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found.counts.items()))
    text = f"{found.name}: {found.statement['state']}, {counts or 'nothing'}; the signature holds."
    show(as_json, answer, text)


@hold.command("place")
def place_hold(
    name: Annotated[str, typer.Argument(help="A domain, a product, a version, or / for all.")],
    reference: Annotated[str, typer.Option(help="The case.")],
    reason: Annotated[str, typer.Option(help="Why; for those who administer the name.")],
    as_json: AsJson = False,
) -> None:
    """Hold everything at or below a name, at once."""
    body = {"name": name, "reference": reference, "reason": reason}
    with mesh() as client:
        made = client.api.post("holds", body)
    show(as_json, made, f"{made['name']} is held for {made['reference']}: {made['id']}.")


@hold.command("lift")
def lift_hold(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Its id, from `hold list`.")],
    reason: Annotated[str, typer.Option(help="Why; the second person reads it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask for a hold to be lifted; the same by a second person lifts it."""
    with mesh() as client:
        found: Any = client.api.post(f"holds/{hold_id}/lift", {"reason": reason})
    show(as_json, found, f"{found['reference']} on {found['name']}: {found['state']}.")


@hold.command("list")
def list_holds(
    name: Annotated[str | None, typer.Option(help="Those that bind this name.")] = None,
    lifted: Annotated[bool, typer.Option("--lifted", help="Those that were lifted too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the holds on what you may know of."""
    with mesh() as client:
        standing = None if lifted else "true"
        rows = list(client.api.pages("holds", name=name, standing=standing))
    show_rows(as_json, rows, ["id", "name", "reference", "state", "placed_at", "reason"])
