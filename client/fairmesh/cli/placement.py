"""replicate, replicas, pin, subscribe: what lies where, what should, and who wants it there."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.catalog import Name
from fairmesh.cli.output import AsJson, show, show_json, show_rows
from fairmesh.cli.work import Timeout, Wait
from fairmesh.errors import UsageError
from fairmesh.transport import Json

replicate = group("replicate", "What the policies have copied, and what they refuse.")
pin = group("pin", "Versions that are kept in a store, whatever the policies ask.")
subscribe = group("subscribe", "Sites that keep the latest versions of a product.")

Below = Annotated[str, typer.Argument(help="A product, a prefix of names, or / for all.")]
Policy = Annotated[str, typer.Option("--policy", help="All that this protection policy binds.")]
AtSite = Annotated[
    str, typer.Option("--site", help="All that lies, would lie or is refused there.")
]
Changes = Annotated[bool, typer.Option("--changes", help="Leave out what only stays.")]
PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="As `replicate apply` told it.")]


@replicate.command("plan")
def plan_replicas(
    name: Below = "",
    policy: Policy = "",
    site: AtSite = "",
    changes: Changes = False,
    as_json: AsJson = False,
) -> None:
    """Show what would be copied, kept, removed or refused, why and at which price."""
    asked = _asked(name, policy, site)
    with mesh() as client:
        _show_plan(client.replicate_plan(**asked, keep=not changes), as_json)


@replicate.command("apply")
def apply_plan(  # noqa: PLR0913  the options of a command
    name: Below = "",
    policy: Policy = "",
    site: AtSite = "",
    digest: Annotated[
        str, typer.Option("--digest", help="Of the plan you read; no other is done.")
    ] = "",
    wait: Wait = False,
    timeout: Timeout = 300.0,
    as_json: AsJson = False,
) -> None:
    """Do what `plan` shows."""
    asked = _asked(name, policy, site)
    with mesh() as client:
        plan = client.replicate_apply(**asked, digest=digest)
        if wait:
            only = {"product": name} if "/~/" in name else {}
            client.wait_transfers(timeout, **only)
    _show_plan(plan, as_json)


@replicate.command("status")
def plan_status(plan: PlanId, as_json: AsJson = False) -> None:
    """Tell how far a plan that was applied has come."""
    with mesh() as client:
        _show_applied(client.replicate_status(plan), as_json)


@replicate.command("undo")
def undo_plan(plan: PlanId, as_json: AsJson = False) -> None:
    """Call off what is still under way of a plan; what stands stays while a policy asks for it."""
    with mesh() as client:
        _show_applied(client.replicate_undo(plan), as_json)


def _asked(name: str, policy: str, site: str) -> dict[str, str]:
    asked = {"name": name, "policy": policy, "site": site}
    given = {key: value for key, value in asked.items() if value}
    if len(given) != 1:
        raise UsageError("Give one of: a name, --policy, --site.")
    return given


def _show_plan(plan: Json, as_json: bool) -> None:
    if as_json:
        show_json(plan)
        return
    columns = ["version", "action", "source", "target", "bytes", "policies", "reason"]
    show_rows(False, plan["items"], columns)
    show_rows(False, plan["unmet"], ["version", "reason"])
    work = f"{plan['copies']} copies, {plan['bytes']} bytes, {plan['seconds']:.0f} s"
    money = f"{plan['cost']:.2f} once and {plan['cost_per_month']:.2f} a month"
    show(False, None, f"{work}, {money}; digest {plan['digest']}")
    if plan["plan"]:
        show(False, None, f"Applied as {plan['plan']}.")


def _show_applied(row: Json, as_json: bool) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(row["states"].items()))
    done = f"{row['bytes_done']} of {row['bytes_total']} bytes"
    show(as_json, row, f"{row['name']}: {states or 'nothing to do'}; {done}")


@app.command("replicas")
def replicas(name: Name, as_json: AsJson = False) -> None:
    """List where the versions of a product lie, and in what state."""
    with mesh() as client:
        rows = list(client.replicas(product=name))
    show_rows(as_json, rows, ["version", "store", "site", "state", "files", "origin", "reason"])


@pin.command("add")
def add_pin(
    version: Annotated[str, typer.Argument(help="As in /acme/nlp/~/wiki/v=3.")],
    store: Annotated[str, typer.Argument(help="The store that keeps it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown and kept.")],
    until: Annotated[str, typer.Option("--until", help="A day or a time, in ISO 8601.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a version in a store, and copy it there if need be."""
    body: dict[str, Any] = {"version": version, "store": store, "reason": reason}
    with mesh() as client:
        made = client.api.post("pins", {**body, **({"until": until} if until else {})})
    show(as_json, made, f"Pinned {version} in {store}.")


@pin.command("list")
def list_pins(as_json: AsJson = False) -> None:
    """List the pins that stand."""
    with mesh() as client:
        rows = list(client.api.pages("pins"))
    show_rows(as_json, rows, ["id", "version", "store", "until", "asked_by", "reason"])


@pin.command("lift")
def lift_pin(
    pin_id: Annotated[str, typer.Argument(metavar="PIN", help="As `pin list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Lift a pin. Its copy goes late, and only if nothing else asks for it."""
    with mesh() as client:
        client.api.delete(f"pins/{pin_id}")
    show(as_json, {"id": pin_id}, "Lifted.")


@subscribe.command("add")
def add_subscription(
    name: Name,
    site: Annotated[str, typer.Argument(help="The site that keeps it.")],
    latest: Annotated[int, typer.Option(min=1, help="How many of the newest versions.")] = 1,
    priority: Annotated[int, typer.Option(min=0, max=9, help="9 goes first.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Keep the latest versions of a product at a site, as they come."""
    body = {"product": name, "site": site, "latest": latest, "priority": priority}
    with mesh() as client:
        made = client.api.post("site-subscriptions", body)
    show(as_json, made, f"{site} keeps the latest {latest} of {name}.")


@subscribe.command("list")
def list_subscriptions(as_json: AsJson = False) -> None:
    """List the subscriptions of sites that stand."""
    with mesh() as client:
        rows = list(client.api.pages("site-subscriptions"))
    show_rows(as_json, rows, ["id", "product", "site", "latest", "priority", "asked_by"])


@subscribe.command("end")
def end_subscription(
    subscription: Annotated[str, typer.Argument(help="As `subscribe list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """End a subscription. Its copies go late, and only if nothing else asks for them."""
    with mesh() as client:
        client.api.delete(f"site-subscriptions/{subscription}")
    show(as_json, {"id": subscription}, "Ended.")
