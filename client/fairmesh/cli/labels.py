"""label, scan, contract: what a product's columns are said to hold, by whom, and why."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from fairmesh.cli.app import group, mesh
from fairmesh.cli.output import AsJson, show, show_rows
from fairmesh.cli.texts import text_of
from fairmesh.transport import Json

label = group("label", "Classifications of products and columns.")
scan = group("scan", "What scans have found in versions, and what you say of it.")
contract = group("contract", "The contract of a product, an ODCS document.")

Name = Annotated[
    str, typer.Argument(help="A name, as in /acme/nlp/~/wiki or /acme/nlp/~/wiki/v=3.")
]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="As in pii:email.")]
Column = Annotated[str, typer.Option(help="On this column only.")]
ScanId = Annotated[str, typer.Argument(help="Its id, from `scan list`.")]
Comment = Annotated[str, typer.Option(help="Why, for those who come after.")]


@label.command("add")
def add_label(name: Name, label_: Label, column: Column = "", as_json: AsJson = False) -> None:
    """Put a label on a product or on one of its columns; every decision sees it at once."""
    with mesh() as client:
        made = client.add_label(name, label_, column)
    show(as_json, made, f"{made['name']} carries {made['label']}.")


@label.command("list")
def list_labels(name: Name, as_json: AsJson = False) -> None:
    """List the labels of a product, who says each, and the path of those that were inherited."""
    with mesh() as client:
        rows = list(client.api.pages("labels", name=name))
    told = rows if as_json else [{**row, "why": _why(row)} for row in rows]
    show_rows(as_json, told, ["label", "column", "origin", "why", "created_by", "id"])


def _why(row: Json) -> str:
    evidence = row["evidence"]
    if "path" in evidence:
        return " > ".join(map(_step, evidence["path"]))
    if evidence.get("matches") is not None:
        return f"{evidence['matches']} matches, {evidence['rate']:.2%}"
    if "contract" in evidence:
        return f"revision {evidence['contract']}"
    return ""


def _step(step: Json) -> str:
    if step.get("hidden"):
        return "(hidden)"
    version = f"/v={step['version']}" if "version" in step else ""
    column = f"#{step['column']}" if "column" in step else ""
    return f"{step.get('namespace', '')}{step['name']}{version}{column}"


@label.command("remove")
def remove_label(
    label_id: Annotated[str, typer.Argument(help="Its id, from `label list`.")],
    as_json: AsJson = False,
) -> None:
    """Take away a label that a person put there."""
    with mesh() as client:
        client.api.delete(f"labels/{label_id}")
    show(as_json, {"removed": label_id}, "Removed.")


@label.command("declassify")
def declassify(
    name: Name,
    label_: Label,
    reason: Annotated[str, typer.Option(help="Why; it is signed with the statement.")],
    column: Column = "",
    as_json: AsJson = False,
) -> None:
    """Sign that an inherited label goes no further than this product or column."""
    body = {"name": name, "label": label_, "column": column, "reason": reason}
    with mesh() as client:
        made: Json = client.api.post("labels/declassifications", body)
    show(as_json, made, f"Declassified {label_} on {made['name']}: {made['id']}.")


@label.command("declassified")
def list_declassifications(name: Name, as_json: AsJson = False) -> None:
    """List the declassifications of a product, the revoked ones too."""
    with mesh() as client:
        rows = list(client.api.pages("labels/declassifications", name=name))
    columns = ["label", "column", "reason", "created_by", "created_at", "revoked_at", "id"]
    show_rows(as_json, rows, columns)


@label.command("reclassify")
def revoke_declassification(
    declassification_id: Annotated[str, typer.Argument(help="Its id, from `label declassified`.")],
    as_json: AsJson = False,
) -> None:
    """Take a declassification back; the label stands again at once."""
    with mesh() as client:
        made: Json = client.api.post(f"labels/declassifications/{declassification_id}/revoke")
    show(as_json, made, f"{made['label']} stands again on {made['name']}.")


@scan.command("list")
def list_scans(name: Name, as_json: AsJson = False) -> None:
    """List the scans of a product or of one version, the newest first."""
    with mesh() as client:
        rows = list(client.api.pages("scans", name=name))
    columns = ["version", "state", "reason", "labels_found", "rows_done", "created_at", "id"]
    show_rows(as_json, rows, columns)


@scan.command("show")
def show_scan(scan_id: ScanId, as_json: AsJson = False) -> None:
    """Show what a scan has found, by column and detector; of the values it shows none."""
    with mesh() as client:
        found: Json = client.api.get(f"scans/{scan_id}")
    if as_json:
        show(True, found, "")
        return
    result: Any = found["result"] or {"columns": [], "files": {"failed": [], "skipped": []}}
    rows = [
        {**finding, "column": each["column"], "interval": _interval(finding)}
        for each in result["columns"]
        for finding in each["findings"]
    ]
    show(False, None, f"{found['name']}/v={found['version']} {found['state']} {found['reason']}")
    show_rows(False, rows, ["label", "column", "matches", "rate", "interval", "labelled", "reason"])
    for kind in ("failed", "skipped"):
        for each in result["files"][kind]:
            show(False, None, f"{kind}: {each['path']}: {each['reason']}")


def _interval(finding: Json) -> str:
    return f"{finding['low']:.4f} to {finding['high']:.4f}"


@scan.command("start")
def start_scan(name: Name, as_json: AsJson = False) -> None:
    """Scan the latest version of a product once more, or the one named."""
    with mesh() as client:
        made: Json = client.api.post("scans", {"name": name})
    show(as_json, made, f"Scanning {made['name']}/v={made['version']}: {made['id']}.")


@scan.command("confirm")
def confirm(
    scan_id: ScanId, label_: Label, column: Column = "", comment: Comment = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Confirm a finding: its label stays, and later scans label at a single match."""
    _say("confirm", scan_id, {"label": label_, "column": column, "comment": comment}, as_json)


@scan.command("reject")
def reject(
    scan_id: ScanId, label_: Label, column: Column = "", comment: Comment = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Reject a finding: its label goes, and comes back only if the rate rises well above."""
    _say("reject", scan_id, {"label": label_, "column": column, "comment": comment}, as_json)


def _say(verdict: str, scan_id: str, body: Json, as_json: bool) -> None:
    with mesh() as client:
        made: Json = client.api.post(f"scans/{scan_id}/verdicts", {**body, "verdict": verdict})
    show(as_json, made, f"{made['label']}: {made['verdict']}.")


@contract.command("set")
def set_contract(
    name: Name,
    file: Annotated[
        str, typer.Argument(help="An ODCS document, YAML or JSON, or - for standard input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Set the contract of a product; what it classifies becomes labels at once."""
    body = {"text": text_of(file)}
    with mesh() as client:
        product = client.product(name)
        made: Json = client.api.put(f"products/{product['id']}/contract", body)
    show(as_json, made, f"Revision {made['revision']}.")


@contract.command("show")
def show_contract(name: Name, as_json: AsJson = False) -> None:
    """Show the newest contract of a product."""
    with mesh() as client:
        product = client.product(name)
        found: Json = client.api.get(f"products/{product['id']}/contract")
    show(as_json, found, lambda: json.dumps(found["document"], indent=2, ensure_ascii=False))
