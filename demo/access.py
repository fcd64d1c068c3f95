"""Ben at the edge: what he may not see, how he gets access, and how he checks what he was given."""

from __future__ import annotations

import time
from pathlib import Path
from shutil import rmtree
from typing import Any

from fairmesh import Client
from fairmesh.errors import Denied, NotAuthenticated, NotFound

from demo.people import Person
from demo.story import CODE, GAPMINDER, PATIENTS, TOKENS, Story

PURPOSE, SITE = "model-training", "edge-pt"
SHORT_TOKEN_DAYS = 0.5 / 86_400
DENIED, UNVERIFIED, PENDING, ABSENT = 3, 4, 5, 6


def without_a_grant(story: Story) -> None:
    """Without a grant there are no rows, and of a team's private product not even the name."""
    ben, ana = story.cast.ben, story.cast.ana
    _end_grants(story)
    version = ben.mesh.version(TOKENS)
    try:
        ben.mesh.api.get(f"versions/{version['id']}/preview", rows=5)
    except Denied as denied:
        _note(story, ben, "read", TOKENS, False, denied.policies or ["no policy permits"])
    else:
        raise SystemExit(f"Ben read rows of {TOKENS} without a grant.")
    denial = ben.say("get", TOKENS, str(story.folder / "none"), "--purpose", PURPOSE, expect=DENIED)
    if f"fairmesh request {TOKENS}" not in denial.err:
        raise SystemExit(f"The denial does not say how to ask:\n{denial.err}")
    ben.say("show", CODE, expect=ABSENT)
    _note(story, ben, "discover", CODE, False, ["answered as if it did not exist"])
    found = {hit["product"]["name"] for hit in ben.mesh.search("Python source code")["results"]}
    if CODE in found or TOKENS not in found:
        raise SystemExit(f"Ben's search shows {sorted(found)}.")
    ana.say("show", CODE)
    _decide(story, ana, "read", CODE)


def _end_grants(story: Story) -> None:
    """End what an earlier demonstration granted, so that the story begins anew."""
    for name, owner in ((TOKENS, story.cast.ana), (PATIENTS, story.cast.carla)):
        for grant in owner.mesh.api.pages("grants", name=name):
            if grant["username"] == "ben" and grant["revoked_at"] is None:
                owner.mesh.api.post(f"grants/{grant['id']}/revoke")
    for request in story.cast.ben.mesh.access_requests():
        if request["state"] == "pending":
            story.cast.ben.mesh.api.post(f"access-requests/{request['id']}/withdraw")


def ask_and_be_answered(story: Story) -> None:
    """Ben asks twice: ana approves the tokens, carla denies the patients' data with a reason."""
    cast = story.cast
    asked = cast.ben.say(
        "request", TOKENS, "--purpose", PURPOSE, "--reason", "A small model.", "--json"
    )
    cast.ben.say("get", TOKENS, str(story.folder / "none"), "--purpose", PURPOSE, expect=PENDING)
    cast.ana.say("approve", asked.json["id"], "--comment", "Good luck.")
    _decide(story, cast.ben, "read", TOKENS, purpose=PURPOSE)
    _decide(story, cast.ben, "read", TOKENS, purpose="analytics")
    asked = cast.ben.say("request", PATIENTS, "--purpose", PURPOSE, "--json")
    cast.carla.say("deny", asked.json["id"], "--comment", "Not for training.")
    _decide(story, cast.ben, "read", PATIENTS, purpose=PURPOSE)
    _decide(story, cast.carla, "read", PATIENTS)
    _decide(story, cast.operator, "replicate", PATIENTS, jurisdictions=["US"])
    _decide(story, cast.operator, "replicate", PATIENTS, jurisdictions=["PT", "EU"])


def fetch_and_verify(story: Story) -> None:
    """Fetch from the nearest site and verify off-line; one changed byte is found."""
    ben = story.cast.ben
    for name in (TOKENS, GAPMINDER):
        folder = story.folder / "fetched" / name.rsplit("/", 1)[1]
        rmtree(folder, ignore_errors=True)
        nearest = ben.mesh.resolve(name, PURPOSE, SITE)["replicas"][0]
        if nearest["site"] != SITE:
            raise SystemExit(f"The nearest replica of {name} is at {nearest['site']}.")
        options = ["--purpose", PURPOSE, "--site", SITE, "--json"]
        ben.say("get", name, str(folder), *options)
        found = ben.say("verify", str(folder), "--json").json
        told = f"from {nearest['store']}"
        story.report.verified.append(
            {"name": found["name"], "ok": found["ok"], "files": found["files"], "told": told}
        )
        _change_one_byte(ben, folder)


def _change_one_byte(ben: Person, folder: Path) -> None:
    """Change a byte of the largest file, see that it is found, and put it back."""
    seal = folder / ".fairmesh"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(seal)]
    largest = max(files, key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    ben.say("verify", str(folder), "--json", expect=UNVERIFIED)
    with largest.open("r+b") as file:
        file.write(first)
    ben.say("verify", str(folder), "--json")


def an_expired_token(story: Story) -> None:
    """A token that is past its time is refused, whoever holds it."""
    ana = story.cast.ana
    body = {"title": "lives half a second", "days": SHORT_TOKEN_DAYS}
    made = ana.mesh.api.post("tokens", body)
    time.sleep(0.8)
    with Client(ana.mesh.api.url, made["token"], ana.mesh.config) as late:
        try:
            late.resolve(TOKENS)
        except NotAuthenticated as refused:
            _note(story, ana, "resolve with an expired token", TOKENS, False, [refused.code])
            return
    raise SystemExit("An expired token was good.")


def look_back(story: Story) -> None:
    """Count what the mesh knows now: products, stores, transfers, runs, lineage."""
    operator, ana, report = story.cast.operator.mesh, story.cast.ana, story.report
    products = list(operator.products(page_size=200))
    report.products = len(products)
    report.versions = sum(row["versions_count"] for row in products)
    report.published = [_published(row["latest"]) for row in products if row["latest"]]
    replicas = list(operator.replicas(page_size=200))
    stores = list(operator.api.pages("stores"))
    report.stores = len(stores)
    for store in stores:
        mine = [row for row in replicas if row["store"] == store["name"]]
        report.placements.append(
            {
                "store": store["name"],
                "site": store["site"],
                "jurisdictions": mine[0]["jurisdictions"] if mine else [],
                "replicas": len(mine),
            }
        )
    report.transfers = [_moved(row) for row in operator.transfers(page_size=200)]
    report.runs = [_ran(row) for row in ana.mesh.runs() if row["state"] == "done"]
    graph = ana.say("lineage", TOKENS, "--depth", "4", "--json").json
    report.lineage = {"nodes": len(graph["nodes"]), "edges": len(graph["edges"])}
    ana.say("audit", "--limit", "5", "--json")


def _published(version: dict[str, Any]) -> dict[str, Any]:
    return {key: version[key] for key in ("name", "files", "bytes", "digest")}


def _moved(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["version"],
        "source": row["source"],
        "target": row["target"],
        "bytes": row["bytes_done"],
        "seconds": row["seconds"],
        "state": row["state"],
    }


def _ran(row: dict[str, Any]) -> dict[str, Any]:
    same = ("pipeline", "output", "rows_in", "documents", "rows_out", "quarantined", "tokens")
    return {
        **{key: row[key] for key in same},
        "dropped": sum(row["dropped"].values()),
        "dropped_by": row["dropped"],
        "input": ", ".join(row["inputs"]),
        "seconds": row["seconds"],
    }


def _decide(story: Story, person: Person, action: str, name: str, **situation: Any) -> None:
    """Ask the decision point as `person`, and note what it answers."""
    try:
        answer = person.mesh.decide(action, name, **situation)
    except NotFound:
        answer = {"allow": False, "policies": ["answered as if it did not exist"]}
    about = situation.get("purpose") or ", ".join(situation.get("jurisdictions", []))
    told = f"{action} ({about})" if about else action
    _note(story, person, told, name, answer["allow"], answer["policies"])


def _note(
    story: Story, person: Person, action: str, name: str, allowed: bool, policies: list[str]
) -> None:
    story.report.access.append(
        {
            "principal": person.username,
            "action": action,
            "name": name,
            "allowed": allowed,
            "policies": policies or ["no policy permits"],
        }
    )
