"""policy: written, simulated, approved, brought into force; kept as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fairmesh.cli.app import group, mesh
from fairmesh.cli.output import AsJson, note, show, show_rows
from fairmesh.cli.texts import text_of
from fairmesh.errors import Exit
from fairmesh.policy_folder import read_folder, write_folder

policy = group("policy", "Policies: what is allowed, and what the mesh does by itself.")

PolicyId = Annotated[str, typer.Argument(metavar="POLICY", help="Its id, from `policy list`.")]
File = Annotated[str, typer.Argument(help="A policy document, or - for standard input.")]
Kind = Annotated[str, typer.Option(help="protection, naming or services (YAML), access (Cedar).")]
Slug = Annotated[str, typer.Option(help="The name of a set of access policies.")]
Folder = Annotated[Path, typer.Argument(metavar="DIRECTORY", help="The folder of policies.")]


def _told(row: dict[str, Any]) -> str:
    """Return the state of a version, what it may do next, and what was found."""
    lines = [f"{row['slug']}, version {row['version']}: {row['state']}."]
    if row["next"] and row["state"] not in {"active", "retired"}:
        lines.append(f"Next: {', '.join(row['next'])}. Its id is {row['id']}.")
    for each in row.get("warnings", ()):
        lines.append(f"Warning, {each['where']}: {each['message']}")
    return "\n".join(lines)


def _moved(as_json: bool, policy_id: str, verb: str, body: dict[str, Any] | None = None) -> None:
    with mesh() as client:
        row = client.api.post(f"policies/{policy_id}/{verb}", body)
    show(as_json, row, lambda: _told(row))


@policy.command("add")
def add_policy(
    file: File, kind: Kind = "protection", slug: Slug = "", as_json: AsJson = False
) -> None:
    """Check a policy and put it into force; the same id again replaces it.

    Where policies are reviewed it becomes a draft.
    """
    with mesh() as client:
        made = client.add_policy(kind, text_of(file), slug)
    in_force = f"In force: {made['slug']}, version {made['version']}."
    show(as_json, made, lambda: in_force if made["state"] == "active" else _told(made))


@policy.command("draft")
def draft_policy(
    file: File, kind: Kind = "protection", slug: Slug = "", as_json: AsJson = False
) -> None:
    """Keep a policy as a draft, in force for nobody."""
    body = {"kind": kind, "text": text_of(file)} | ({"slug": slug} if slug else {})
    with mesh() as client:
        row = client.api.post("policies/drafts", body)
    show(as_json, row, lambda: _told(row))


@policy.command("edit")
def edit_policy(policy_id: PolicyId, file: File, as_json: AsJson = False) -> None:
    """Replace the text of a draft; it is validated and simulated anew."""
    with mesh() as client:
        row = client.api.send("PUT", f"policies/{policy_id}", json={"text": text_of(file)}).json()
    show(as_json, row, lambda: _told(row))


@policy.command("list")
def list_policies(
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, as in active.")] = None,
    slug: Annotated[str | None, typer.Option(help="Only the versions of this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the policies, with what they apply to."""
    with mesh() as client:
        rows = list(client.api.pages("policies", kind=kind, state=state, slug=slug))
    columns = ["slug", "kind", "version", "state", "prefix", "labels", "owner", "id"]
    show_rows(as_json, rows, columns)


@policy.command("show")
def show_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Print one version of a policy."""
    with mesh() as client:
        row = client.api.get(f"policies/{policy_id}")
    show(as_json, row, row["text"])


@policy.command("diff")
def diff_policy(
    policy_id: PolicyId,
    other: Annotated[str, typer.Argument(help="The version to compare with.")],
    as_json: AsJson = False,
) -> None:
    """Show what changes from another version to this one."""
    with mesh() as client:
        found = client.api.get(f"policies/{policy_id}/diff/{other}")
    show(as_json, found, found["text"] or "The texts are the same.")


@policy.command("validate")
def validate_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Check a draft against the policies in force, and run its own tests."""
    _moved(as_json, policy_id, "validate")


@policy.command("simulate")
def simulate_policy(
    policy_id: PolicyId,
    no_new_access: Annotated[
        bool, typer.Option("--no-new-access", help="Fail when anyone could do more than now.")
    ] = False,
    days: Annotated[int, typer.Option(help="How many days of past decisions to ask again.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Find out what a draft would change: who gains what, who loses it, what is touched."""
    body = {"no_new_access": no_new_access, "days": days}
    with mesh() as client:
        found = client.api.post(f"policies/{policy_id}/simulate", body)
    show(as_json, found, lambda: _simulated(found["result"]))
    if not found["passed"]:
        note("fairmesh: Somebody could do what they cannot do now.")
        raise typer.Exit(int(Exit.ERROR))


def _simulated(result: dict[str, Any], indent: str = "") -> str:
    """Return the figures of a result, and under each the first rows."""
    lines = []
    for key, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", _simulated(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}- {_line(row)}" for row in value[:10]]
        else:
            lines.append(f"{indent}{key}: {value}")
    return "\n".join(line for line in lines if line)


def _line(row: Any) -> str:
    if not isinstance(row, dict):
        return str(row)
    return " ".join(str(value) for value in row.values() if value not in ("", None))


@policy.command("propose")
def propose_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Ask a second person to approve a draft that was simulated."""
    _moved(as_json, policy_id, "propose")


@policy.command("approve")
def approve_policy(
    policy_id: PolicyId,
    comment: Annotated[str, typer.Option(help="For the audit log.")] = "",
    digest: Annotated[str, typer.Option(help="Of the text that you read.")] = "",
    as_json: AsJson = False,
) -> None:
    """Approve what somebody else proposed."""
    _moved(as_json, policy_id, "approve", {"comment": comment, "digest": digest})


@policy.command("activate")
def activate_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Bring an approved version into force."""
    _moved(as_json, policy_id, "activate")


@policy.command("rollback")
def roll_back_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Return to an earlier version: at once to the last in force, else by a new approval."""
    _moved(as_json, policy_id, "rollback")


@policy.command("retire")
def retire_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Take a policy out of force. Where policies are reviewed a second person does it too."""
    with mesh() as client:
        row = client.api.post(f"policies/{policy_id}/retire")
    done = row["state"] == "retired"
    show(as_json, row, f"Retired {row['slug']}." if done else "A second person must retire it too.")


@policy.command("delete")
def delete_policy(policy_id: PolicyId, as_json: AsJson = False) -> None:
    """Remove a draft that was never in force."""
    with mesh() as client:
        client.api.delete(f"policies/{policy_id}")
    show(as_json, {"id": policy_id, "deleted": True}, "Deleted.")


@policy.command("export")
def export_policies(folder: Folder, as_json: AsJson = False) -> None:
    """Write the policies in force to a folder, as one keeps them in git."""
    with mesh() as client:
        files = client.api.get("policies/folder")["files"]
    gone = write_folder(folder, files)
    told = {"files": sorted(files), "removed": gone}
    show(as_json, told, f"{len(files)} files in {folder}, {len(gone)} taken away.")


@policy.command("import")
def import_policies(
    folder: Folder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan alone.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Retire what the folder lacks.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the policies in force those of a folder; shows the plan first. All of it or nothing."""
    body = {"files": read_folder(folder), "prune": prune}
    columns = ["slug", "kind", "change", "outcome"]
    with mesh() as client:
        plan = client.api.post("policies/folder", {**body, "dry_run": True})["plan"]
        if not as_json or dry_run:
            show_rows(as_json, plan, columns)
        if dry_run:
            return
        done = client.api.post("policies/folder", body)["plan"]
    show_rows(as_json, done, columns)
