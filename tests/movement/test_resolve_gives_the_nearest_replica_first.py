"""Resolve: the best replica first, addresses that need no token, every file on one page."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from movement.models import TransferState
from movement.services import check_stores, request_transfer, run_transfer, set_site_state
from tests.builders import World, body_of
from tests.movement.conftest import PATIENTS, WIKI

FILES = {"a.csv": b"x\n1\n", "b/é %.bin": bytes(range(100)), "c.csv": b"x\n2\n"}


def copy_to(world: World, version: str, *stores: str) -> None:
    for store in stores:
        transfer = request_transfer(world.operator.principal, version=version, target=store)
        assert run_transfer(transfer.pk) == TransferState.DONE


@pytest.fixture
def everywhere(folders: World) -> World:
    version = folders.publish(WIKI, FILES, store="dir-us")
    copy_to(folders, version.name, "dir-eu", "dir-pt")
    return folders


def resolve(client: Client, name: str, **asked: Any) -> Any:
    return client.get("/api/v1/resolve", {"name": name, **asked})


def order(answer: Any) -> list[tuple[str, str]]:
    return [(row["store"], row["distance"]) for row in answer.json()["replicas"]]


def test_near_comes_before_far(everywhere: World) -> None:
    ben = everywhere.ben.client()
    assert order(resolve(ben, WIKI, site="edge-pt")) == [
        ("dir-pt", "site"),
        ("dir-eu", "jurisdiction"),
        ("dir-us", "other"),
    ]
    assert order(resolve(ben, WIKI, site="core-us"))[0] == ("dir-us", "site")
    answer = resolve(ben, WIKI, site="edge-pt").json()
    assert answer["name"] == f"{WIKI}/v=1"
    stores = [parse_qs(urlsplit(url).query)["store"][0] for url in answer["results"][0]["urls"]]
    assert stores == ["dir-pt", "dir-eu", "dir-us"]


def test_a_store_that_does_not_answer_comes_after_those_that_do(everywhere: World) -> None:
    folder = everywhere.home / "stores" / "dir-pt"
    folder.rename(folder.with_name("away"))
    assert [store.name for store in check_stores()] == ["dir-pt"]
    answer = resolve(everywhere.ben.client(), WIKI, site="edge-pt")
    assert order(answer)[-1] == ("dir-pt", "site")
    folder.with_name("away").rename(folder)
    assert check_stores() == []
    assert order(resolve(everywhere.ben.client(), WIKI, site="edge-pt"))[0][0] == "dir-pt"


def test_a_site_that_is_away_gives_no_address(everywhere: World) -> None:
    set_site_state(everywhere.operator.principal, "edge-pt", "offline")
    answer = resolve(everywhere.ben.client(), WIKI, site="edge-pt")
    assert order(answer)[-1] == ("dir-pt", "site")
    assert all("dir-pt" not in url for url in answer.json()["results"][0]["urls"])


def test_pages_hold_every_file_once(everywhere: World) -> None:
    ben = everywhere.ben.client()
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = resolve(ben, WIKI, page_size=2, cursor=cursor).json()
        found += [row["path"] for row in page["results"]]
        cursor = page["next_cursor"]
    assert found == sorted(FILES)
    one = resolve(ben, f"{WIKI}/v=1/b/%C3%A9%20%25.bin").json()
    assert [row["path"] for row in one["results"]] == ["b/é %.bin"]
    assert resolve(ben, f"{WIKI}/v=1/none").status_code == 404
    assert resolve(ben, f"{WIKI}/v=7").status_code == 404
    assert resolve(ben, "no name").json()["code"] == "invalid_name"


def test_an_address_is_read_without_a_token_in_whole_and_in_part(everywhere: World) -> None:
    rows = resolve(everywhere.ben.client(), WIKI).json()["results"]
    for row in rows:
        answer = Client().get(row["urls"][0])
        assert answer.status_code == 200
        assert body_of(answer) == FILES[row["path"]]
        assert answer["ETag"] == f'"{row["sha256"]}"'
    url, data = rows[1]["urls"][0], FILES["b/é %.bin"]
    for asked, expected in (("bytes=10-19", data[10:20]), ("bytes=90-", data[90:]),
                            ("bytes=-7", data[-7:]), ("bytes=95-500", data[95:])):  # fmt: skip
        answer = Client().get(url, headers={"Range": asked})
        assert answer.status_code == 206
        assert body_of(answer) == expected
        assert answer["Content-Length"] == str(len(expected))
    assert Client().get(url, headers={"Range": "bytes=10-19"})["Content-Range"] == "bytes 10-19/100"
    assert Client().get(url, headers={"Range": "bytes=100-"}).status_code == 416
    assert Client().get(url, headers={"If-None-Match": f'"{rows[1]["sha256"]}"'}).status_code == 304
    stale = Client().get(url, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (stale.status_code, stale["Content-Length"]) == (200, "100")


def test_a_key_opens_one_file_for_a_while(everywhere: World, settings: Any) -> None:
    rows = resolve(everywhere.ben.client(), WIKI).json()["results"]
    url = rows[0]["urls"][0]
    assert Client().get(url.replace("a.csv", "c.csv")).status_code == 401
    assert Client().get(url.replace("dir-eu", "dir-us")).status_code == 401
    assert Client().get(url + "x").status_code == 401
    assert Client().get(url.partition("?")[0]).status_code == 404
    settings.FAIRMESH = replace(settings.FAIRMESH, presign_seconds=0.5)
    time.sleep(1)
    expired = Client().get(url)
    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")


@pytest.mark.servers
def test_a_store_with_addresses_of_its_own_gives_those(two_sites: World) -> None:
    two_sites.publish(WIKI, FILES, store="store-eu")
    rows = resolve(two_sites.ben.client(), WIKI).json()["results"]
    for row in rows:
        assert "key=" not in row["urls"][0]
        assert httpx.get(row["urls"][0]).content == FILES[row["path"]]


def test_a_grant_counts_for_its_purpose_alone(folders: World) -> None:
    folders.publish(PATIENTS, {"p.csv": b"a\n1\n"})
    ben = folders.ben.client()
    denied = resolve(ben, PATIENTS)
    assert (denied.status_code, denied.json()["code"]) == (403, "policy_denied")
    folders.grant(folders.ben, PATIENTS, "model-training")
    assert resolve(ben, PATIENTS).status_code == 403
    assert resolve(ben, PATIENTS, purpose="analytics").status_code == 403
    assert resolve(ben, PATIENTS, purpose="model-training").status_code == 200
