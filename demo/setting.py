"""The stage: sites, stores, people, teams, domains and the policies that the mesh follows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairmesh.errors import NotFound

from demo.people import People, Person

Json = dict[str, Any]
SITES: tuple[Json, ...] = (
    {"name": "core-eu", "title": "Core, Frankfurt", "kind": "core", "jurisdictions": ["DE", "EU"]},
    {"name": "core-us", "title": "Core, Virginia", "kind": "core", "jurisdictions": ["US"]},
    {"name": "edge-pt", "title": "Edge, Porto", "kind": "edge", "jurisdictions": ["PT", "EU"]},
)
STORE_EU, STORE_US, STORE_EDGE = "store-eu", "store-us", "edge-dir"
TEAMS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("acme", "Acme", {}),
    ("nlp", "Language", {"ana": "owner"}),
    ("science", "Science", {"ana": "owner"}),
    ("economics", "Economics", {"carla": "owner"}),
    ("health", "Health", {"carla": "owner"}),
    ("edge", "Edge Porto", {"ben": "member"}),
)
DOMAINS = (
    ("/acme", "Acme", "acme"),
    ("/acme/nlp", "Language", "nlp"),
    ("/acme/science", "Science", "science"),
    ("/acme/economics", "Economics", "economics"),
    ("/acme/health", "Health", "health"),
)
PATIENT_LABEL = "sensitivity:patient"
TWO_COPIES = """\
kind: protection
id: two-copies
owner: acme
scope: {prefix: /acme}
spec: {copies: 2}
"""
EU_ONLY = f"""\
kind: protection
id: eu-only
owner: health
scope: {{prefix: /acme/health, labels: ["{PATIENT_LABEL}"]}}
spec: {{residency: [EU]}}
"""
AT_THE_EDGE = """\
kind: protection
id: tokens-at-the-edge
owner: nlp
scope: {prefix: /acme/nlp/~/code-tokens}
spec: {sites: [edge-pt]}
"""


@dataclass(frozen=True)
class Cast:
    """The people on the stage, signed in."""

    operator: Person
    ana: Person
    ben: Person
    carla: Person
    edge_root: Path
    """The folder of the directory store at the edge."""

    def owner_of(self, domain: str) -> Person:
        return self.ana if domain in {"nlp", "science"} else self.carla


def set_stage(people: People, operator: Person, home: Path) -> Cast:
    """Return the cast once the whole setting stands; what stands already is left as it is."""
    ana, ben, carla = (people.join(operator, name) for name in ("ana", "ben", "carla"))
    edge_root = _ensure_stores(operator, home)
    for slug, title, members in TEAMS:
        everyone = members or {operator.username: "owner"}
        listed = [{"username": name, "role": role} for name, role in everyone.items()]
        _ensure(operator, "teams", {"slug": slug, "title": title, "members": listed}, key="slug")
    for name, title, team in DOMAINS:
        body = {"name": name, "title": title, "team": team, "description": ""}
        _ensure(operator, "domains", body)
    ensure_policy(operator, TWO_COPIES, home)
    ensure_policy(carla, EU_ONLY, home)
    return Cast(operator, ana, ben, carla, edge_root)


def _ensure(person: Person, path: str, body: Json, key: str = "name") -> Json:
    """Return the thing with the same key in a list of the mesh, created if there is none."""
    for row in person.mesh.api.pages(path):
        if row[key] == body[key]:
            return row
    made: Json = person.mesh.api.post(path, body)
    return made


def _ensure_stores(operator: Person, home: Path) -> Path:
    """Check that the platform brought the two S3 stores; add the directory at the edge."""
    for site in SITES:
        _ensure(operator, "sites", site)
    stores = {row["name"]: row for row in operator.mesh.api.pages("stores")}
    missing = {STORE_EU, STORE_US} - set(stores)
    if missing:
        raise NotFound(f"The platform has no store {', '.join(sorted(missing))}.")
    edge = {"name": STORE_EDGE, "site": "edge-pt", "kind": "directory", "root": STORE_EDGE}
    made = _ensure(operator, "stores", edge)
    return home / "stores" / str(made.get("root") or STORE_EDGE)


def ensure_policy(person: Person, text: str, home: Path) -> None:
    """Put a policy into force by the command, unless the same text is in force."""
    rows = person.mesh.api.pages("policies")
    if text.strip() in {row["text"].strip() for row in rows if row["state"] == "active"}:
        return
    path = home / "demo-data" / "policy.yaml"
    path.write_text(text)
    person.say("policy", "add", str(path))
