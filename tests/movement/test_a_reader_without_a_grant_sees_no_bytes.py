"""Without a grant no rows and no bytes; of a private product not even that it is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from movement.models import Transfer
from movement.services import request_transfer, run_transfer
from tests.builders import Person, World, body_of
from tests.movement.conftest import PATIENTS, WIKI

SECRET = "/acme/nlp/~/secret"
CSV = b"id,name\n1,Ada\n2,Bob\n"


@pytest.fixture
def full(folders: World) -> World:
    """A mesh in which an open, a guarded and a hidden product each lie at two stores."""
    folders.add_product(SECRET, visibility="team")
    for name in (WIKI, PATIENTS, SECRET):
        version = folders.publish(name, {"p.csv": CSV}, store="dir-eu")
        operator = folders.operator.principal
        transfer = request_transfer(operator, version=version.name, target="dir-us")
        run_transfer(transfer.pk)
    return folders


def version_id(name: str) -> Any:
    return Transfer.objects.get(version__product__name=name).version_id


def ways_to_read(name: str) -> list[str]:
    base = f"/api/v1/versions/{version_id(name)}"
    return [
        f"{base}/preview?rows=5",
        f"{base}/content/p.csv",
        f"{base}/content/p.csv?store=dir-us",
        f"{base}/rows/p.csv",
        f"/api/v1/rows?name={name}",
        f"/api/v1/resolve?name={name}",
        f"/api/v1/resolve?name={name}/v=1/p.csv",
    ]


def statuses(client: Client, name: str) -> set[int]:
    return {client.get(path).status_code for path in ways_to_read(name)}


def test_who_may_read_reads_by_every_way(full: World) -> None:
    assert statuses(full.ben.client(), WIKI) == {200}
    assert statuses(full.carla.client(), PATIENTS) == {200}
    assert statuses(full.ana.client(), SECRET) == {200}
    path = f"/api/v1/versions/{version_id(PATIENTS)}/content/p.csv"
    assert body_of(full.carla.client().get(path)) == CSV


def test_without_a_grant_every_way_is_closed(full: World) -> None:
    for person in (full.ben, full.operator):
        assert statuses(person.client(), PATIENTS) == {403}
        for path in ways_to_read(PATIENTS):
            assert b"Ada" not in body_of(person.client().get(path))
    assert statuses(Client(), PATIENTS) == {404}


def test_a_grant_opens_and_its_purpose_is_asked_for(full: World) -> None:
    full.grant(full.ben, PATIENTS, "analytics")
    ben = full.ben.client()
    assert statuses(ben, PATIENTS) == {403}
    for path in ways_to_read(PATIENTS):
        joined = path + ("&" if "?" in path else "?") + "purpose=analytics"
        assert ben.get(joined).status_code == 200


def test_a_hidden_product_answers_as_an_absent_one(full: World) -> None:
    ben = full.ben.client()
    assert statuses(ben, SECRET) == {404}
    for kind in ("replicas", "transfers"):
        for query in ({}, {"product": SECRET}, {"version": str(version_id(SECRET))}):
            rows = ben.get(f"/api/v1/{kind}", query).json()["results"]
            assert SECRET not in json.dumps(rows)
    hidden = Transfer.objects.get(version__product__name=SECRET)
    for verb in ("", "/cancel", "/retry"):
        ask = ben.post if verb else ben.get
        assert ask(f"/api/v1/transfers/{hidden.pk}{verb}").status_code == 404
    body = {"version": f"{SECRET}/v=1", "target": "dir-pt"}
    asked = ben.post("/api/v1/transfers", json.dumps(body), content_type="application/json")
    assert asked.status_code == 404
    absent = {**body, "version": "/acme/nlp/~/absent/v=1"}
    same = ben.post("/api/v1/transfers", json.dumps(absent), content_type="application/json")
    assert same.status_code == 404
    assert asked.json()["title"] == same.json()["title"]


def test_counts_do_not_tell_of_hidden_products(full: World) -> None:
    def replicas(person: Person) -> int:
        rows = person.client().get("/api/v1/stores").json()["results"]
        return int(next(row["replicas"] for row in rows if row["name"] == "dir-eu"))

    assert (replicas(full.ana), replicas(full.ben)) == (3, 2)


def test_a_removed_version_is_gone_for_every_reader(full: World) -> None:
    ben = full.ben.client()
    url = ben.get("/api/v1/resolve", {"name": f"{WIKI}/v=1"}).json()["results"][0]["urls"][0]
    path = f"/api/v1/versions/{version_id(WIKI)}/tombstone"
    answer = full.ana.client().post(path, {"reason": "wrong"}, content_type="application/json")
    assert answer.status_code == 200
    base = f"/api/v1/versions/{version_id(WIKI)}"
    for path in (f"{base}/preview", f"{base}/content/p.csv", url):
        assert ben.get(path).status_code == 410
    assert ben.get("/api/v1/resolve", {"name": f"{WIKI}/v=1"}).status_code == 410


def test_a_preview_shows_the_first_rows(full: World) -> None:
    ben = full.ben.client()
    shown = ben.get(f"/api/v1/versions/{version_id(WIKI)}/preview", {"rows": 1}).json()
    assert shown.pop("obligations")["masks"] == {}
    assert shown == {
        "columns": [{"name": "id", "type": "int64"}, {"name": "name", "type": "string"}],
        "rows": [{"id": 1, "name": "Ada"}],
        "truncated": True,
        "file": "p.csv",
    }


def test_broken_lines_hide_only_themselves(full: World) -> None:
    lines = b'{"a": 1, "t": "' + b"x" * 5000 + b'"}\n{"a": \n{"a": 2}\n[1]\n'
    version = full.publish(WIKI, {"z.jsonl": lines, "b.bin": b"\x00"})
    shown = full.ben.client().get(f"/api/v1/versions/{version.pk}/preview").json()
    assert (shown["file"], [row["a"] for row in shown["rows"]]) == ("z.jsonl", [1, 2])
    assert len(shown["rows"][0]["t"]) < 1100
    nothing = full.publish(WIKI, {"b.bin": b"\x00"})
    shown = full.ben.client().get(f"/api/v1/versions/{nothing.pk}/preview").json()
    assert (shown["columns"], shown["rows"], shown["file"]) == ([], [], "")
