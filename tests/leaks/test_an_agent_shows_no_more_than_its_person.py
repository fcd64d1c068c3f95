"""What a delegated agent or a narrowed token is shown is what all of its parts may know: the agent,
the person for whom it acts, and the scopes of the token, whichever list is asked.

What one did oneself is no exception: an agent acts for many, and a token is lent to programs. There
is no search by vectors in the platform and no other interface for agents: they ask these addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from catalog.models import Version
from governance.engine.entities import Action, Principal, Scope
from governance.models import Membership, Team, TeamRole, User
from governance.resources import load
from governance.services import add_member, decide
from tests.builders import World, body_of
from tests.leaks.mesh import (
    KNOWN,
    OPEN,
    PATIENTS,
    PRODUCTS,
    SECRET,
    WORDS,
    Caller,
    build_settled,
    callers,
)
from tests.test_every_address_asks_the_decision_point import routes

JSON = "application/json"


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_settled(settings, tmp_path)
    world.grant(world.ana, PATIENTS)
    return world


def lists() -> Iterator[str]:
    """Yield every GET address of the API that takes nothing in its path."""
    for route in sorted(set(routes())):
        method, _, address = route.partition(" ")
        if method == "GET" and "<" not in address and not address.startswith("/"):
            yield f"/api/v1/{address}"
            yield f"/api/v1/{address}?name=/acme/nlp&product={KNOWN}&q=common"
            yield f"/api/v1/{address}?name={OPEN}&depth=9&inbox=true&live=true"


def told(client: Client) -> dict[str, str]:
    return {way: body_of(client.get(way)).decode(errors="replace") for way in lists()}


def act_as(who: Caller) -> None:
    """Leave traces everywhere that one's own acts are listed: audit, requests, grants, reads."""
    client = who.client()
    version = Version.objects.get(product__name=SECRET)
    for way in ("preview", "content/quagga.csv", "rows/quagga.csv"):
        assert client.get(f"/api/v1/versions/{version.pk}/{way}").status_code == 200
    body = {"name": SECRET, "purpose": "any", "days": 3}
    assert client.post("/api/v1/access-requests", body, JSON).status_code in {201, 409}


def test_an_agent_tells_none_of_its_people_of_anothers_things(mesh: World) -> None:
    everyone = callers(mesh)
    act_as(everyone["agent-of-owner"])
    assert SECRET in "".join(told(everyone["agent-of-owner"].client()).values())
    for way, said in told(everyone["agent"].client()).items():
        assert "zanzibar" not in said, way
        assert WORDS[SECRET] not in said, way


def test_a_scoped_token_tells_of_nothing_beyond_its_prefix(mesh: World) -> None:
    everyone = callers(mesh)
    act_as(everyone["owner"])
    whole = "".join(told(everyone["owner"].client()).values())
    assert all(name in whole for name in (SECRET, PATIENTS))
    for way, said in told(everyone["scoped"].client()).items():
        for name in PRODUCTS:
            if name != KNOWN and name not in way:
                assert name not in said, (way, name)
                assert WORDS[name] not in said, (way, name)


def test_a_narrow_token_reads_nothing(mesh: World) -> None:
    client = callers(mesh)["narrow"].client()
    version = Version.objects.get(product__name=SECRET)
    ways = [f"/api/v1/versions/{version.pk}/{w}" for w in ("preview", "rows/quagga.csv",
            "content/quagga.csv")]  # fmt: skip
    ways += [f"/api/v1/{w}?name={SECRET}" for w in ("resolve", "rows")]
    assert {client.get(way).status_code for way in ways} == {403}


def test_an_agent_of_the_team_reads_nothing_for_a_stranger(mesh: World) -> None:
    """The agent itself may; the person may not; so it may not."""
    everyone = callers(mesh)
    helper = User.objects.get(username="helper")
    Membership.objects.create(team=Team.objects.get(slug="nlp"), user=helper, role=TeamRole.MEMBER)
    version = Version.objects.get(product__name=SECRET)
    for way in ("preview", "rows/quagga.csv", "content/quagga.csv", "files", "seal"):
        address = f"/api/v1/versions/{version.pk}/{way}"
        assert everyone["agent"].client().get(address).status_code == 404
        assert everyone["agent-of-owner"].client().get(address).status_code == 200


def test_every_decision_is_the_intersection(mesh: World) -> None:
    """By brute force: each agent, person, scope, action and product."""
    add_member(mesh.operator.principal, "health", username="dora", role="owner")
    people = [person.principal for person in mesh.people.values()]
    agents = [
        Principal("bot", frozenset({"members"}), kind="agent"),
        Principal("bot", frozenset({"members"}), frozenset({"nlp"}), kind="agent"),
    ]
    scopes: list[tuple[Scope, ...] | None] = [
        None,
        (Scope(frozenset({Action.DISCOVER, Action.READ}), "/acme/nlp"),),
        (Scope(frozenset({Action.READ}), "/"), Scope(frozenset({Action.DISCOVER}), KNOWN)),
    ]
    for name in PRODUCTS:
        resource = load(name)
        for action, person, agent, scope in product(Action, people, agents, scopes):
            alone = replace(agent, on_behalf_of=person)
            both = (
                (scope is None or any(each.covers(action, name) for each in scope))
                and decide(alone, action, resource).allow
                and decide(person, action, resource).allow
            )
            assert decide(replace(alone, scopes=scope), action, resource).allow is both
