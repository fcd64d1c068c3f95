"""A mesh with something to hide, and everyone who could come to look for it.

    world = build_secretive(settings, tmp_path)
    for caller in callers(world):
        caller.client().get("/api/v1/products")

Dora is a member of the team nlp, which owns SECRET; Ben is a member of the mesh alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.test import Client

from governance.engine.entities import ANONYMOUS, Principal
from governance.selectors import principal_for, token_of
from governance.services import (
    add_member,
    create_machine,
    delegate,
    issue_for,
    issue_token,
    set_active,
)
from governance.services.tokens import Asked
from tests.builders import World, deliver, kept

KNOWN, OPEN, SECRET = "/acme/nlp/~/known", "/acme/nlp/~/open", "/acme/nlp/~/zanzibar"
PLAIN, SCANS, PATIENTS = "/acme/~/plain", "/acme/health/~/scans", "/acme/health/~/patients"
PRODUCTS = (KNOWN, OPEN, SECRET, PLAIN, SCANS, PATIENTS)
WORDS = {
    KNOWN: "knownword",
    OPEN: "openword",
    SECRET: "quagga",
    PLAIN: "plainword",
    SCANS: "scanword",
    PATIENTS: "patientword",
}
"""A word of each product alone, in what it says and holds; it is no part of the name."""


@dataclass(frozen=True)
class Caller:
    """Someone who comes with a token, or with none."""

    name: str
    token: str | None
    world: World

    def client(self) -> Client:
        if self.token is None:
            return Client()
        return Client(headers={"Authorization": f"Bearer {self.token}"})

    @property
    def principal(self) -> Principal:
        """What decisions see of them; raises for who was put out."""
        if self.token is None:
            return ANONYMOUS
        token = token_of(self.token)
        return principal_for(token.user, token)


def build_secretive(settings: Any, home: Path) -> World:
    """Found the mesh: six products, each with a version, made one from another, on two sites."""
    return _unshadowed(settings, _build(settings, home))


def build_settled(settings: Any, home: Path) -> World:
    """Found the same, settled."""
    return _unshadowed(settings, _build_settled(settings, home))


def _unshadowed(settings: Any, world: World) -> World:
    # a sweep asks thousands of questions; that Cedar answers them alike is tested elsewhere
    settings.FAIRMESH = replace(settings.FAIRMESH, shadow_rate=0.0)
    return world


def _fill(world: World) -> None:
    world.add_person("dora")
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_directory("store-eu", "core-eu")
    world.add_directory("store-us", "core-us")
    join(world, "dora", "nlp")
    for name in PRODUCTS:
        add(world, name)
    inputs: list[str] = []
    for name in (KNOWN, SECRET, OPEN, PLAIN):
        inputs = [publish(world, name, inputs)]
    for name in (SCANS, PATIENTS):
        publish(world, name)
    world.add_label(PATIENTS, "pii:email")
    world.add_label(SECRET, "topic:rare")
    world.add_label(KNOWN, "topic:text")


def publish(world: World, name: str, inputs: Sequence[str] = ()) -> str:
    """Publish a version whose only file, its column and its cell hold the product's word."""
    word = WORDS[name]
    table = f"{word}_id,n\n{word}-cell,1\n".encode()
    return world.publish(name, {f"{word}.csv": table}, inputs=inputs, store="store-eu").name


def add(world: World, name: str) -> None:
    fields: dict[str, Any] = {
        OPEN: {"visibility": "public", "access": "open"},
        SECRET: {"visibility": "team"},
        SCANS: {"visibility": "team"},
    }.get(name, {})
    word = WORDS[name]
    fields |= {"description": f"Common {word}", "license": "MIT", "keywords": [word]}
    world.add_product(name, **fields)


def join(world: World, username: str, team: str) -> None:

    add_member(world.operator.principal, team, username=username, role="member")


def settle(world: World) -> None:
    """Ask for a second copy of everything and hand out every event."""
    world.add_protection("two", "{copies: 2}")
    deliver()


def _fill_and_settle(world: World) -> None:
    _fill(world)
    settle(world)


_build, _build_settled = kept(_fill), kept(_fill_and_settle)


KINDS = (
    "anonymous", "stranger", "member", "owner", "operator", "service", "agent", "agent-of-owner",
    "scoped", "narrow", "disabled",
)  # fmt: skip


def callers(world: World) -> dict[str, Caller]:
    """Return one caller of each kind.

    `agent` acts for Ben and `agent-of-owner` for Ana; `scoped` is Ana within KNOWN, `narrow` is Ana
    to discover anything but read nothing; `disabled` was put out after their token was made.
    """
    ana, ben, operator = world.ana, world.ben, world.operator
    create_machine(ana.principal, username="etl", kind="service", team="nlp")
    create_machine(ana.principal, username="helper", kind="agent", team="nlp")
    gone = world.add_person("gone")
    tokens: dict[str, str | None] = {
        "anonymous": None,
        "stranger": ben.token,
        "member": world.people["dora"].token,
        "owner": ana.token,
        "operator": operator.token,
        "service": issue_for(ana.principal, "etl", Asked("t", 1))[1],
        "agent": delegate(ben.user, ben.principal, "helper", Asked("t", 1))[1],
        "agent-of-owner": delegate(ana.user, ana.principal, "helper", Asked("t", 1))[1],
        "scoped": _scoped(world, ["discover", "read"], KNOWN),
        "narrow": _scoped(world, ["discover"], "/"),
        "disabled": gone.token,
    }
    set_active(operator.principal, "gone", active=False)
    assert tuple(tokens) == KINDS
    return {name: Caller(name, token, world) for name, token in tokens.items()}


def _scoped(world: World, actions: list[str], prefix: str) -> str:
    scopes = [{"actions": actions, "prefix": prefix}]
    ana = world.ana
    return issue_token(ana.user, ana.principal, title="t", days=1, scopes=scopes)[1]


def pages(client: Client, address: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Yield the results of every page of a list; nothing for who is not let in."""
    answer = client.get(address, {**query, "page_size": 100})
    if answer.status_code != 200:
        return
    body = answer.json()
    assert (body.get("next") or body.get("next_cursor")) is None, "the mesh is small"
    yield from body["results"]
