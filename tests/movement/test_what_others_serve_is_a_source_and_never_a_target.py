"""Data on somebody's web server is registered where it lies and copied from there, never to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.services import open_version
from core.errors import FairmeshError
from governance.services import anchor_key, sequence
from movement.models import AuditCopy, Replica, Store
from movement.opening import open_store
from movement.services import keep_audit, register_objects, request_transfer, run_transfer
from movement.services import publish as publish_version
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.webserver import WebServer, web_server

BIG = bytes(range(251)) * 80_000
"""More than one part."""


@pytest.fixture
def web(folders: World, settings: Any, tmp_path: Any) -> Iterator[WebServer]:
    settings.FAIRMESH = replace(settings.FAIRMESH, private_http_stores=True)
    with web_server(tmp_path / "served") as web:
        web.put("raw/a.csv", b"x\n1\n")
        web.put("raw/deep/b ü.bin", BIG)
        web.put("other/c.csv", b"x\n2\n")
        web.write_index()
        yield web


def add_store(world: World, url: str) -> Any:
    body = {"name": "bureau", "site": "core-eu", "kind": "http", "endpoint": url}
    client = world.operator.client()
    return client.post("/api/v1/stores", json.dumps(body), "application/json")


@pytest.fixture
def theirs(folders: World, web: WebServer) -> Store:
    answer = add_store(folders, web.url)
    assert answer.status_code == 201, answer.json()
    assert not any(answer.json()["capabilities"].values())
    return Store.objects.get(name="bureau")


def registered(world: World) -> Any:
    version = open_version(world.ana.principal, WIKI)
    told = register_objects(world.ana.principal, version.pk, store="bureau", prefix="raw")
    assert told == (2, len(BIG) + 4)
    return publish_version(world.ana.principal, version.pk)


def test_what_lies_there_is_registered_and_copied_from_there(
    folders: World, theirs: Store, web: WebServer
) -> None:
    version = registered(folders)
    transfer = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    assert run_transfer(transfer.pk) == "done"
    copied = open_store(Store.objects.get(name="dir-us"))
    assert copied.read("acme/nlp/~/wiki/v=1/a.csv") == b"x\n1\n"
    assert copied.read("acme/nlp/~/wiki/v=1/deep/b ü.bin") == BIG
    assert {method for method, _ in web.asked} <= {"GET", "HEAD"}


def test_bytes_that_changed_there_are_not_passed_on(
    folders: World, theirs: Store, web: WebServer
) -> None:
    version = registered(folders)
    web.put("raw/a.csv", b"x\n2\n")
    transfer = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    assert run_transfer(transfer.pk) == "waiting"
    assert Replica.objects.get(version=version, store=theirs).state != "complete"
    copied = open_store(Store.objects.get(name="dir-us"))
    assert copied.stat("acme/nlp/~/wiki/v=1/a.csv") is None


def test_nothing_is_placed_there(folders: World, theirs: Store) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-us")
    with pytest.raises(FairmeshError, match="read only"):
        request_transfer(folders.operator.principal, version=version.name, target="bureau")
    with pytest.raises(FairmeshError, match="read only"):
        folders.draft(WIKI, {"b.csv": b"x\n1\n"}, store="bureau")


def test_files_without_a_store_and_the_audit_log_go_elsewhere(
    folders: World, theirs: Store
) -> None:
    Store.objects.exclude(name__in=["bureau", "dir-us"]).update(reachable=False)
    folders.publish(WIKI, {"a.csv": b"x\n1\n"})
    assert Replica.objects.get().store.name == "dir-us"
    anchor_key()
    sequence()
    keep_audit()
    assert [copy.store.name for copy in AuditCopy.objects.all()] == ["dir-us"]


def test_a_server_in_a_private_network_is_not_registered(
    folders: World, web: WebServer, settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, private_http_stores=False)
    answer = add_store(folders, web.url)
    assert (answer.status_code, answer.json()["code"]) == (502, "store_refused")
    assert (web.asked, Store.objects.filter(name="bureau").exists()) == ([], False)
