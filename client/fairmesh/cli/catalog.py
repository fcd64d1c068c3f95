"""domain, product, search, show, lineage."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.output import AsJson, show, show_rows
from fairmesh.transport import Json

domain = group("domain", "The places of teams in the tree of names.")
product = group("product", "Data products.")

Name = Annotated[
    str, typer.Argument(help="A name, as in /acme/nlp/~/wiki or /acme/nlp/~/wiki/v=3.")
]


@domain.command("create")
def create_domain(
    name: Annotated[str, typer.Argument(help="As in /acme/nlp.")],
    title: Annotated[str, typer.Option(help="For people.")],
    team: Annotated[str, typer.Option(help="The team that owns it.")],
    description: Annotated[str, typer.Option(help="What belongs there.")] = "",
    as_json: AsJson = False,
) -> None:
    """Found a domain below one that you own; operators found the first level."""
    with mesh() as client:
        made = client.create_domain(name, title, team, description)
    show(as_json, made, f"Founded {made['name']}.")


@domain.command("list")
def list_domains(as_json: AsJson = False) -> None:
    """List the domains that you may know of."""
    with mesh() as client:
        rows = list(client.api.pages("domains"))
    show_rows(as_json, rows, ["name", "title", "team", "products"])


@product.command("create")
def create_product(  # noqa: PLR0913 - one parameter an option
    name: Name,
    title: Annotated[str, typer.Option(help="For people.")],
    description: Annotated[str, typer.Option(help="What it holds and where it is from.")] = "",
    license_: Annotated[str, typer.Option("--license", help="An SPDX expression.")] = "",
    keywords: Annotated[str, typer.Option(help="Divided by commas.")] = "",
    visibility: Annotated[str, typer.Option(help="public, mesh or team.")] = "mesh",
    access: Annotated[str, typer.Option(help="open, or request.")] = "request",
    as_json: AsJson = False,
) -> None:
    """Create a data product; versions are published to it."""
    fields: Json = {
        "description": description,
        "license": license_,
        "keywords": [word.strip() for word in keywords.split(",") if word.strip()],
        "visibility": visibility,
        "access": access,
    }
    with mesh() as client:
        made = client.create_product(name, title, **fields)
    show(as_json, made, f"Created {made['name']}.")


@product.command("show")
def show_product(name: Name, as_json: AsJson = False) -> None:
    """Show a product: the same as `fairmesh show`."""
    _show(name, as_json)


@app.command("show")
def show_name(name: Name, as_json: AsJson = False) -> None:
    """Show a product: what it is, its latest version, what you may do and why."""
    _show(name, as_json)


def _show(name: str, as_json: bool) -> None:
    with mesh() as client:
        found = client.product(name)
    show(as_json, found, lambda: _told(found))


def _told(found: Json) -> str:
    latest = found["latest"]
    rows: list[tuple[str, Any]] = [
        ("", f"{found['title']}\n"),
        ("name", found["name"]),
        ("description", found["description"].strip().split("\n\n")[0]),
        ("licence", found["license"] or "not told"),
        ("owner", found["team"]),
        ("visibility", f"{found['visibility']}, access {found['access']}"),
        ("labels", ", ".join(row["label"] for row in found["labels"]) or "none"),
        ("latest", "none" if latest is None else _version(latest)),
    ]
    for action, verdict in found.get("can", {}).items():
        rows.append((f"may {action}", _verdict(verdict)))
    return "\n".join(f"{key:<14} {value}".strip() for key, value in rows)


def _version(version: Json) -> str:
    return f"{version['name']}, {version['files']} files, {version['bytes']} bytes"


def _verdict(verdict: Json) -> str:
    return f"{'yes' if verdict['allow'] else 'no'}: {verdict['reason']}"


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words; empty lists the newest.")] = "",
    domain: Annotated[str | None, typer.Option(help="Only in this domain.")] = None,
    license_: Annotated[str | None, typer.Option("--license", help="Only of this licence.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Search the products that you may know of."""
    with mesh() as client:
        found = client.search(query, domain=domain, license=license_, page_size=limit)
    if as_json:
        show(True, found, "")
        return
    if found.get("corrected"):
        show(False, None, f"Nothing for {query!r}; searched for {found['corrected']!r}.")
    rows = [hit["product"] for hit in found["results"]]
    show_rows(False, rows, ["name", "title", "license", "access"])
    show(False, None, f"{found['total']} in all.")


@app.command()
def lineage(
    name: Name,
    direction: Annotated[str, typer.Option(help="up, down or both.")] = "both",
    depth: Annotated[int, typer.Option(help="How many steps away.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show what a product was made from and what was made from it."""
    with mesh() as client:
        graph = client.lineage(name, direction=direction, depth=depth)
    titles = {node["id"]: node.get("name") or node["id"] for node in graph["nodes"]}
    edges = [
        {**edge, "from": titles.get(edge["source"], "?"), "to": titles.get(edge["target"], "?")}
        for edge in graph["edges"]
    ]
    if as_json:
        show(True, graph, "")
    else:
        show_rows(False, edges, ["from", "to", "kind", "origin"])
