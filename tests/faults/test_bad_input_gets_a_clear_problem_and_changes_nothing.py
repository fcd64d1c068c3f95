"""What is wrong is refused over HTTP with a stable code, and the mesh is as it was before."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from fairmesh import Client
from fairmesh.login import exchange_password

from tests.faults.world import DOMAIN, Json, World
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]
ROWS = b'{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n'
LISTS = (
    "domains", "products", "versions", "pipelines", "runs", "transfers", "replicas", "policies",
    "labels", "grants", "access-requests", "teams", "stores", "sites",
)  # fmt: skip


@dataclass
class Wire:
    """Plain HTTP with a person's token; answers are looked at as they are."""

    http: httpx.Client

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self.http.request(method, f"/api/v1/{path}", **request)

    def post(self, path: str, body: Json | None = None, key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.send("POST", path, json=body or {}, headers=headers)


@contextmanager
def wire(world: World, token: str) -> Iterator[Wire]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=world.live.url, headers=headers, timeout=30) as http:
        yield Wire(http)


@pytest.fixture
def ops(world: World) -> Iterator[Wire]:
    with wire(world, world.operator.api.token) as opened:
        yield opened


@pytest.fixture(scope="module")
def stranger(_mesh: World) -> Iterator[Client]:
    """Somebody who may sign in and belongs to no team."""
    password = hashlib.sha256(b"stranger").hexdigest()
    _mesh.operator.api.post("users", {"username": "stranger", "password": password})
    with _mesh.client(exchange_password(_mesh.live.url, "stranger", password, 1.0)) as client:
        yield client


@pytest.fixture(scope="module")
def raw(_mesh: World, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """A product that only its team may know of, with one version."""
    folder = tmp_path_factory.mktemp("raw")
    (folder / "rows.jsonl").write_bytes(ROWS)
    name = _mesh.product("zanzibar", visibility="team")
    return _mesh.operator.publish(name, [folder], store="store-eu")


def state_of(world: World) -> dict[str, Any]:
    """Return what the API shows of the mesh to its operator: every list, every act, every key."""
    api = world.operator.api
    counts: dict[str, Any] = {path: sum(1 for _ in api.pages(path)) for path in LISTS}
    counts["acts"] = sum(row["allowed"] for row in api.pages("audit", page_size=500))
    counts["objects"] = sorted(found.key for found in world.store("faults").list())
    return counts


def settled(world: World) -> dict[str, Any]:
    """Return the state once nothing is under way that changes it."""
    seen = [state_of(world)]

    def is_still() -> bool:
        time.sleep(0.3)
        seen.append(state_of(world))
        return seen[-1] == seen[-2]

    wait_for(is_still, "a mesh at rest")
    return seen[-1]


def expect_problem(answer: httpx.Response, status: int, code: str) -> Json:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    problem: Json = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["detail"]
    assert problem["status"] == status
    return problem


def pipeline(world: World, source: str, steps: list[Json]) -> Json:
    spec = {
        "version": 1,
        "inputs": [{"name": source, "format": "jsonl"}],
        "steps": steps,
        "output": {"name": f"{DOMAIN}/~/nowhere"},
    }
    return {"name": "broken", "spec": spec}


BROKEN_NAMES = ["no-slash", "/Faults/~/x", "/faults/x y", "/faults/~/", "/faults/v=1/~/x", "/~/x"]


@pytest.mark.parametrize("name", BROKEN_NAMES)
def test_a_broken_name(world: World, ops: Wire, name: str) -> None:
    before = settled(world)
    body = {"name": name, "title": "x", "license": "CC0-1.0"}
    expect_problem(ops.post("products", body), 422, "invalid_name")
    expect_problem(
        ops.post("domains", {"name": name, "title": "x", "team": "faults"}), 422, "invalid_name"
    )
    expect_problem(ops.send("GET", "resolve", params={"name": name}), 422, "invalid_name")
    assert state_of(world) == before


@pytest.mark.parametrize(
    ("steps", "where", "suggestion"),
    [
        ([{"normalize": {"column": "text"}}], "steps[0].normalize", "normalise"),
        ([{"normalise": {"column": "text", "from": "NFC"}}], "steps[0].normalise.from", "form"),
    ],
)
def test_a_pipeline_with_an_unknown_word(
    world: World, ops: Wire, raw: Json, steps: list[Json], where: str, suggestion: str
) -> None:
    before = settled(world)
    answer = ops.post("pipelines", pipeline(world, raw["product"], steps))
    problem = expect_problem(answer, 422, "invalid_spec")
    assert (where, suggestion) in [(e["where"], e["suggestion"]) for e in problem["errors"]]
    assert state_of(world) == before


def test_a_pipeline_with_an_unknown_column(world: World, ops: Wire, raw: Json) -> None:
    body = pipeline(world, raw["product"], [{"normalise": {"column": "txet"}}])
    body["spec"]["output"]["name"] = world.product("columns")
    before = settled(world)
    problem = expect_problem(ops.post("pipelines", body), 422, "invalid_spec")
    (error,) = problem["errors"]
    assert (error["where"], error["suggestion"]) == ("steps[0].normalise.column", "text")
    assert state_of(world) == before


def open_draft(world: World, ops: Wire) -> str:
    made = ops.post("versions", {"product": world.product("draft")})
    return str(made.json()["id"])


def files_of(ops: Wire, draft: str) -> list[Json]:
    rows: list[Json] = ops.send("GET", f"versions/{draft}/files").json()["results"]
    return rows


def test_a_file_whose_digest_differs(world: World, ops: Wire) -> None:
    draft = open_draft(world, ops)
    before = settled(world)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{wrong}:", "X-Fairmesh-Store": "store-us"}
    answer = ops.send("PUT", f"versions/{draft}/files/a.bin", content=ROWS, headers=headers)
    problem = expect_problem(answer, 422, "digest_mismatch")
    assert problem["found"] == hashlib.sha256(ROWS).hexdigest()
    expect_nothing_kept(world, ops, draft, before)


@pytest.mark.parametrize(("announced", "sent"), [(1_000, 400), (40_000_000, 20_000_000)])
def test_an_upload_that_is_cut_in_the_middle(
    world: World, ops: Wire, announced: int, sent: int
) -> None:
    """Over a raw socket: the client goes on reading, yet sends no more."""
    draft = open_draft(world, ops)
    before = settled(world)
    parts = urlsplit(world.live.url)
    head = (
        f"PUT /api/v1/versions/{draft}/files/a.bin HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {world.operator.api.token}\r\nContent-Length: {announced}\r\n"
        "X-Fairmesh-Store: store-us\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as raw_socket:
        raw_socket.sendall(head.encode() + bytes(sent))
        raw_socket.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := raw_socket.recv(65536):
            answer += piece
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 400 "), answer[:300]
    assert json.loads(body)["code"] == "upload_incomplete"
    expect_nothing_kept(world, ops, draft, before)


def test_an_uploader_that_vanishes(world: World, ops: Wire) -> None:
    draft = open_draft(world, ops)
    before = settled(world)
    parts = urlsplit(world.live.url)
    head = (
        f"PUT /api/v1/versions/{draft}/files/a.bin HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {world.operator.api.token}\r\nContent-Length: 40000000\r\n"
        "X-Fairmesh-Store: store-us\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as raw_socket:
        raw_socket.sendall(head.encode() + bytes(20_000_000))
        wait_for(lambda: list(world.store("").uploads("faults/")), "an upload that has begun")
    wait_for(lambda: not list(world.store("").uploads("faults/")), "no unfinished upload")
    expect_nothing_kept(world, ops, draft, before)
    again = ops.send("PUT", f"versions/{draft}/files/a.bin", content=ROWS)
    assert (again.status_code, again.json()["bytes"]) == (200, len(ROWS))


def expect_nothing_kept(world: World, ops: Wire, draft: str, before: dict[str, Any]) -> None:
    assert files_of(ops, draft) == []
    after = state_of(world)
    after["replicas"] = before["replicas"]  # where the draft gathers its bytes is chosen now
    assert after == before
    assert list(world.store("").uploads("faults/")) == []


def test_the_same_publish_sent_twice_makes_one_version(world: World, ops: Wire) -> None:
    product = world.product("twice")
    opened = [ops.post("versions", {"product": product}, key=product) for _ in "ab"]
    assert {answer.status_code for answer in opened} == {201}
    (draft,) = {answer.json()["id"] for answer in opened}
    assert ops.send("PUT", f"versions/{draft}/files/a.jsonl", content=ROWS).status_code == 200
    answers = [ops.post(f"versions/{draft}/publish", key="p") for _ in "ab"]
    before = settled(world)
    answers += [ops.post(f"versions/{draft}/publish") for _ in "ab"]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["digest"] for answer in answers}) == 1
    assert state_of(world) == before
    found = list(world.operator.api.pages("versions", product=product))
    assert [row["number"] for row in found] == [1]


def test_a_token_that_expired(world: World, ops: Wire) -> None:
    made = ops.post("tokens", {"title": "short", "days": 1.5 / 86400})
    assert made.status_code == 201, made.text
    before = settled(world)
    with wire(world, made.json()["token"]) as late:
        wait_for(lambda: late.send("GET", "products").status_code == 401, "an expired token", 10)
        for method, path in [("GET", "me"), ("POST", "domains"), ("GET", "resolve?name=/a/~/b")]:
            expect_problem(late.send(method, path), 401, "token_expired")
    assert state_of(world) == before


def test_a_reader_without_a_grant_sees_neither_rows_nor_existence(
    world: World, raw: Json, stranger: Client
) -> None:
    """Every answer is the one that a product gets which does not exist."""
    before = settled(world)
    name, absent = raw["product"], f"{DOMAIN}/~/zanzibar-none"
    file = f"{raw['name']}/rows.jsonl"
    with wire(world, stranger.api.token) as seen:
        pairs = [
            (f"resolve?name={quote(one)}", f"resolve?name={quote(other)}")
            for one, other in [(name, absent), (raw["name"], f"{absent}/v=1"), (file, absent)]
        ]
        pairs.append((f"lineage/graph?name={quote(name)}", f"lineage/graph?name={quote(absent)}"))
        for one, other in pairs:
            first, second = seen.send("GET", one), seen.send("GET", other)
            assert first.status_code == second.status_code, (one, first.text)
            assert first.json().get("code") == second.json().get("code") == "not_found", first.text
        for tail in ("", "/files", "/preview", "/content/rows.jsonl", "/seal"):
            answer = seen.send("GET", f"versions/{raw['id']}{tail}")
            expect_problem(answer, 404, "not_found")
        for suffix in ("", "/v=1"):
            page = seen.http.get(f"/n{name}{suffix}")
            assert page.status_code == seen.http.get(f"/n{absent}{suffix}").status_code == 404
        texts = [
            seen.send("GET", path).text
            for path in ("search?q=zanzibar", "products", "versions", "replicas", "transfers")
        ]
        texts += [
            seen.send("GET", f"products?name={quote(name)}").text,
            seen.send("GET", "audit").text,
        ]
        assert not [text for text in texts if raw["id"] in text or f'{name}"' in text]
        asked = seen.post("access-requests", {"name": name, "purpose": "analytics"})
        expect_problem(asked, 404, "not_found")
    assert state_of(world) == before
