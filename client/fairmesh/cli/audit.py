"""audit: read the log, prove an entry, take the whole away, verify it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from fairmesh.audit import LogReport, check_consistency, check_inclusion, verify_log
from fairmesh.cli.app import app, mesh
from fairmesh.cli.data import trusted_anchor
from fairmesh.cli.output import AsJson, note, show, show_rows
from fairmesh.client import Client
from fairmesh.errors import Denied, UsageError
from fairmesh.tree import Checkpoint
from fairmesh.witness import Witness, read_checkpoint

audit = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(audit, name="audit")

Anchor = Annotated[
    str | None,
    typer.Option(
        help="A trust document, a file with a key, or a key in base64; by default the anchor "
        "remembered for the mesh."
    ),
]


@audit.callback()
def entries(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Only of this name.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only by this principal.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who did what, and which policies decided. Others' acts are for operators."""
    if context.invoked_subcommand is not None:
        return
    asked = {"name": name, "principal": principal, "action": action}
    with mesh() as client:
        page = client.api.get("audit", **asked, page_size=limit)
    columns = ["id", "at", "principal", "action", "name", "allowed", "policies"]
    show_rows(as_json, page["results"], columns)


@audit.command("export")
def export_log(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file, to be verified off-line. For operators."""
    with mesh() as client:
        size = client.audit_export(output)
    show(as_json, {"file": str(output), "bytes": size}, f"Wrote {output}: {size} bytes.")


@audit.command("proof")
def prove(
    entry: Annotated[int, typer.Argument(help="The id of an entry, from `audit`.")],
    as_json: AsJson = False,
) -> None:
    """Prove that an entry stands in the log: fetch the proof and check it here."""
    with mesh() as client:
        told = client.api.get("audit/proof", entry=entry)
        found = check_inclusion(told, client.anchor())
    people = {row["commitment"]: row["value"] for row in told["clear"]}
    answer = {"verified": True, **told, "entry": found}
    who = people.get(str(found["principal"]).removeprefix("commitment:"), "erased")
    show(
        as_json,
        answer,
        f"Entry {entry} ({who} {found['action']} {found['name']}) stands at {told['position']} in "
        f"the log of {told['size']}.",
    )


@audit.command("verify")
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="An export, or a store's folder .audit; without, the mesh is asked."),
    ] = None,
    anchor: Anchor = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="An earlier checkpoint that the log must begin with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the audit log: every entry, the signed root, and that history was not rewritten."""
    if file is not None:
        earlier = None if checkpoint is None else read_checkpoint(checkpoint)
        report = verify_log(file, trusted_anchor(anchor), earlier).require()
    elif anchor is not None or checkpoint is not None:
        raise UsageError("--anchor and --checkpoint go with a file.")
    else:
        with mesh() as client:
            report = _ask(client).require()
    since = "" if report.since is None else f" It begins with the {report.since} known before."
    text = f"{report.origin}: {report.size} entries are as signed.{since}"
    show(as_json, report.as_json(), text)


def _ask(client: Client) -> LogReport:
    """Verify the mesh's log against what is remembered of it, and remember the outcome."""
    witness = Witness.of(client.config, client.api.url)
    anchor, remembered = client.anchor(), witness.remembered()
    try:
        with tempfile.TemporaryDirectory(prefix="fairmesh-audit-") as folder:
            path = Path(folder) / "export.jsonl"
            client.audit_export(path)
            report = verify_log(path, anchor, remembered, latest=True)
    except Denied:
        note("The entries are for operators; verifying that the log was only added to.")
        report = _without_entries(client, remembered)
    report.source = client.api.url
    if report.ok and report.checkpoint is not None:
        witness.remember(report.checkpoint)
    return report


def _without_entries(client: Client, remembered: Checkpoint | None) -> LogReport:
    told = client.api.get("audit/checkpoint")
    found = Checkpoint.read(told["note"], client.anchor())
    report = LogReport("", found.origin, found.size, found.root.hex(), checkpoint=found)
    if remembered is None:
        return report
    if found.size < remembered.size:
        detail = f"It had {remembered.size} entries before, and now {found.size}."
        report.note("entries", "cut", detail)
        return report
    proof = client.api.get("audit/consistency", **{"from": remembered.size, "to": found.size})
    report.checkpoint = check_consistency(proof, client.anchor(), remembered)
    report.since = remembered.size
    return report
