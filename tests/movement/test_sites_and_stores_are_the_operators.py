"""Operators register sites and stores; members see that they are there, not where they listen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movement.models import Replica, Site, Store, Transfer
from movement.services import request_transfer, run_transfer
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.servers import S3Server

SITE = {"name": "edge-es", "title": "Edge", "kind": "edge", "jurisdictions": ["ES", "EU"]}
S3 = {
    "name": "s3-es", "site": "core-eu", "kind": "s3", "endpoint": "http://127.0.0.1:9",
    "bucket": "some-bucket", "access_key": "the-key", "secret_key": "the-secret",
}  # fmt: skip


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), "application/json", headers=headers)


def test_an_operator_registers_a_site_once(folders: World) -> None:
    operator = folders.operator.client()
    first = post(operator, "sites", SITE, **{"Idempotency-Key": "k"})
    assert first.status_code == 201
    assert first.json()["state"] == "online"
    assert post(operator, "sites", SITE, **{"Idempotency-Key": "k"}).json() == first.json()
    assert post(operator, "sites", SITE).status_code == 409
    rows = operator.get("/api/v1/sites").json()["results"]
    assert [(r["name"], r["stores"]) for r in rows] == [
        ("core-eu", 1), ("core-us", 1), ("edge-es", 0), ("edge-pt", 1)
    ]  # fmt: skip
    patched = operator.patch(
        "/api/v1/sites/edge-es", json.dumps({"state": "offline"}), "application/json"
    )
    assert (patched.json()["state"], Site.objects.get(name="edge-es").state) == ("offline",) * 2


@pytest.mark.parametrize(
    "wrong", [{"kind": "moon"}, {"jurisdictions": []}, {"jurisdictions": ["eu"]}, {"name": "A B"}]
)
def test_a_wrong_site_is_refused(folders: World, wrong: dict[str, Any]) -> None:
    assert post(folders.operator.client(), "sites", {**SITE, **wrong}).status_code == 422


def test_others_register_nothing(folders: World) -> None:
    for client, wanted in ((folders.ana.client(), 403), (Client(), 401)):
        assert post(client, "sites", SITE).status_code == wanted
        assert post(client, "stores", S3).status_code == wanted
        patched = client.patch("/api/v1/sites/core-eu", {"state": "lost"}, "application/json")
        assert patched.status_code == wanted
    assert Client().get("/api/v1/stores").status_code == 401
    assert Store.objects.count() == 3


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://host", "file:///etc/passwd", "http://", "http://user:pw@host", "http://host/?x=1",
        "http://host/path", "http://169.254.169.254", "host:9000", "http://ho st",
    ],
)  # fmt: skip
def test_an_endpoint_that_is_no_plain_host_is_refused(folders: World, endpoint: str) -> None:
    answer = post(folders.operator.client(), "stores", {**S3, "endpoint": endpoint})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert not Store.objects.filter(name="s3-es").exists()


@pytest.mark.parametrize("root", ["", "..", "../../etc", "/etc", "a/../../b"])
def test_a_folder_outside_the_stores_is_refused(folders: World, root: str) -> None:
    body = {"name": "dir-x", "site": "core-eu", "kind": "directory", "root": root}
    assert post(folders.operator.client(), "stores", body).status_code == 422
    assert Path(folders.home / "stores").exists()


def test_a_store_that_does_not_answer_is_not_registered(folders: World) -> None:
    answer = post(folders.operator.client(), "stores", S3)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert not Store.objects.filter(name="s3-es").exists()


@pytest.mark.servers
def test_keys_are_never_shown_and_addresses_to_operators_alone(
    two_sites: World, s3: S3Server
) -> None:
    shown = two_sites.operator.client().get("/api/v1/stores").content.decode()
    assert s3.endpoint in shown
    assert s3.secret_key not in shown
    assert s3.access_key not in shown
    members = two_sites.ben.client().get("/api/v1/stores").json()["results"]
    assert [row["name"] for row in members] == ["store-eu", "store-us"]
    for row in members:
        assert {row[key] for key in ("endpoint", "bucket", "prefix", "region", "root")} == {""}
    stored = Store.objects.get(name="store-eu").credentials_sealed
    assert s3.secret_key not in stored


def test_lists_cost_the_same_however_long(folders: World) -> None:
    def queries(path: str) -> int:
        client = folders.ben.client()
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert client.get(f"/api/v1/{path}").status_code == 200
        return len(counted)

    def add_version() -> None:
        version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
        operator = folders.operator.principal
        run_transfer(request_transfer(operator, version=version.name, target="dir-us").pk)

    add_version()
    paths = ("replicas", "transfers", "stores", "sites", f"resolve?name={WIKI}")
    queries("sites")
    queries(f"resolve?name={WIKI}")  # the first read of the hour opens a row for its count
    before = {path: queries(path) for path in paths}
    for _ in range(3):
        add_version()
    assert {path: queries(path) for path in paths} == before
    assert (Replica.objects.count(), Transfer.objects.count()) == (8, 4)


def test_lists_are_filtered(folders: World) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    operator = folders.operator.principal
    run_transfer(request_transfer(operator, version=version.name, target="dir-us").pk)
    request_transfer(operator, version=version.name, target="dir-pt")
    ben = folders.ben.client()

    def found(path: str, **asked: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = ben.get(f"/api/v1/{path}", asked).json()["results"]
        return rows

    assert [r["store"] for r in found("replicas", store="dir-us")] == ["dir-us"]
    assert len(found("replicas", version=version.name)) == 2
    assert len(found("replicas", version=str(version.pk), state="complete")) == 2
    assert found("replicas", version="nonsense") == found("replicas", product="/x/~/y") == []
    done, queued = found("transfers", state="done")[0], found("transfers", store="dir-pt")[0]
    assert (done["source"], done["target"], done["bytes_done"]) == ("dir-eu", "dir-us", 4)
    assert done["seconds"] >= 0
    assert (queued["state"], queued["source"], queued["seconds"]) == ("queued", None, None)
    assert ben.get(f"/api/v1/transfers/{done['id']}").json() == done
