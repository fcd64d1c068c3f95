"""transfers: what moves, and watching it."""

from __future__ import annotations

from typing import Annotated

import typer

from fairmesh.cli.app import app, mesh
from fairmesh.cli.output import AsJson, note, show_json, show_rows
from fairmesh.cli.work import Timeout, Wait
from fairmesh.transport import Json
from fairmesh.watching import require_done

transfers = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(transfers, name="transfers")

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


@transfers.callback()
def list_transfers(
    context: typer.Context,
    name: Annotated[str | None, typer.Option("--product", help="Only of this product.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    wait: Wait = False,
    timeout: Timeout = 300.0,
    as_json: AsJson = False,
) -> None:
    """List transfers: what moves, what waits, what was refused and why."""
    if context.invoked_subcommand is not None:
        return
    with mesh() as client:
        if wait:
            client.wait_transfers(timeout, product=name)
        rows = list(client.transfers(product=name, state=state))
    columns = ["version", "source", "target", "state", "bytes_done", "bytes_total", "reason"]
    show_rows(as_json, rows, columns)


@transfers.command("history")
def history(
    since: Annotated[str | None, typer.Option(help="Ended at or after this, or goes on.")] = None,
    until: Annotated[str | None, typer.Option(help="Ended before this.")] = None,
    version: Annotated[str | None, typer.Option(help="Only of this version.")] = None,
    product: Annotated[str | None, typer.Option(help="Only of this product.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the transfers of a stretch of time, newest first. Times are as 2026-03-01T12:00Z."""
    asked = {"since": since, "until": until, "version": version, "product": product}
    with mesh() as client:
        rows = list(client.transfers(**asked))
    columns = ["version", "source", "target", "state", "bytes_done", "finished_at", "reason"]
    show_rows(as_json, rows, columns)


@transfers.command("watch")
def watch(
    transfer: Annotated[str | None, typer.Argument(help="The id of one; else all.")] = None,
    version: Annotated[str | None, typer.Option(help="Only of this version.")] = None,
    product: Annotated[str | None, typer.Option(help="Only of this product.")] = None,
    timeout: Timeout = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Follow transfers until all have ended; the exit code is 1 when one did not end well."""
    seen: dict[str, Json] = {}
    asked = {"transfer": transfer, "version": version, "product": product}
    with mesh() as client:
        for row in client.watch_transfers(**asked, timeout=timeout):
            seen[row["id"]] = row
            note(line_of(row))
    rows = list(seen.values())
    if as_json:
        show_json(rows)
    require_done(rows)


def line_of(row: Json) -> str:
    """Return what a person is told of a transfer, in one line."""
    total, done = row["bytes_total"], row["bytes_done"]
    share = f"{100 * done // total:3d} %" if total else "  0 %"
    parts = [f"{row['version']} → {row['target']}", f"{row['state']:<9}", share]
    parts.append(f"{size(done)} of {size(total)}")
    if row.get("bytes_per_second"):
        parts.append(f"{size(row['bytes_per_second'])}/s")
    if row.get("eta_seconds") is not None:
        parts.append(f"{row['eta_seconds']:.0f} s left")
    if row["reason"]:
        parts.append(row["reason"])
    return "  ".join(parts)


def size(count: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"
