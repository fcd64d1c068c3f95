"""A delegation lets an agent do what it and the person may and the scopes cover, for a while."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.engine.entities import Action, Decision
from governance.models import ApiToken, Membership, TeamRole
from governance.resources import load
from governance.selectors import principal_for, token_of
from governance.services import create_machine, decide, revoke_grant, set_active
from tests.builders import World
from tests.governance.conftest import SECRET, WIKI

JSON = "application/json"


def delegated(world: World, who: str = "ben", **fields: Any) -> dict[str, Any]:
    body = {"title": "assistant", "days": 1, "agent": "helper", **fields}
    answer = world.people[who].client().post("/api/v1/tokens", body, JSON)
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def bearer(made: dict[str, Any]) -> Client:
    return Client(headers={"Authorization": f"Bearer {made['token']}"})


def decided(made: dict[str, Any], action: Action, name: str) -> Decision:
    token = token_of(made["token"])
    return decide(principal_for(token.user, token), action, load(name))


@pytest.fixture
def mesh(world: World) -> World:
    create_machine(world.ana.principal, username="helper", kind="agent", team="nlp")
    return world


def test_it_tells_who_acts_and_for_whom(mesh: World) -> None:
    made = delegated(mesh)
    assert (made["username"], made["on_behalf_of"]) == ("helper", "ben")
    me = bearer(made).get("/api/v1/me").json()
    assert (me["username"], me["kind"]) == ("helper", "agent")
    assert me["on_behalf_of"] == {"username": "ben", "kind": "person"}
    token = token_of(made["token"])
    principal = principal_for(token.user, token)
    assert principal.on_behalf_of == mesh.ben.principal


@pytest.mark.parametrize("delegation", [False, True])
def test_a_token_comes_whole_and_with_its_people_at_once(mesh: World, delegation: bool) -> None:
    secret = delegated(mesh)["token"] if delegation else mesh.ben.token
    with CaptureQueriesContext(connection) as asked:
        token = token_of(secret)
        people = [token.user, token.on_behalf_of]
    assert len(asked) == 1
    expected = ApiToken.objects.select_related("user", "on_behalf_of").get(pk=token.pk)
    rows = [token, *people], [expected, expected.user, expected.on_behalf_of]
    for row, like in zip(*rows, strict=True):
        assert columns_of(row) == columns_of(like)


def columns_of(row: Model | None) -> dict[str, Any]:
    """Return every column of a row, with the type of its value."""
    if row is None:
        return {}
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: (type(value), value) for name, value in values.items()}


def test_it_reads_what_the_person_may_and_stops_with_the_grant(mesh: World) -> None:
    made = delegated(mesh)
    assert not decided(made, Action.READ, WIKI).allow
    grant = mesh.grant(mesh.ben, WIKI)
    assert decided(made, Action.READ, WIKI).allow
    revoke_grant(mesh.ana.principal, grant.pk)
    assert not decided(made, Action.READ, WIKI).allow


def test_it_is_no_more_than_the_person(mesh: World) -> None:
    """The agent is itself a member of the team; the person is not."""
    helper = ApiToken.objects.get(pk=delegated(mesh)["id"]).user
    team = Membership.objects.get(team__slug="nlp").team
    Membership.objects.create(team=team, user=helper, role=TeamRole.MEMBER)
    assert decide(principal_for(helper), Action.READ, load(SECRET)).allow
    made = delegated(mesh)
    assert not decided(made, Action.READ, SECRET).allow
    assert not decided(made, Action.DISCOVER, SECRET).allow
    seen = bearer(made).get("/api/v1/products").json()["results"]
    assert SECRET not in {row["name"] for row in seen}


def test_it_is_no_more_than_the_agent(mesh: World) -> None:
    """The person owns the team; what the policies do not let agents do, it does not."""
    made = delegated(mesh, "ana")
    assert decided(made, Action.READ, SECRET).allow
    assert not decided(made, Action.ADMINISTER, WIKI).allow
    assert not decided(made, Action.PUBLISH, "/acme/nlp").allow


def test_it_is_no_more_than_its_scope(mesh: World) -> None:
    made = delegated(mesh, "ana", scopes=[{"actions": ["discover"], "prefix": "/acme/nlp"}])
    assert decided(made, Action.DISCOVER, SECRET).allow
    assert not decided(made, Action.READ, SECRET).allow


@pytest.mark.parametrize("who", ["ben", "helper"])
def test_putting_out_either_ends_it(mesh: World, who: str) -> None:
    client = bearer(delegated(mesh))
    assert client.get("/api/v1/me").status_code == 200
    set_active(mesh.operator.principal, who, active=False)
    assert client.get("/api/v1/me").status_code == 401


def test_the_person_sees_and_revokes_it_and_the_agents_team_too(mesh: World) -> None:
    first, second = delegated(mesh), delegated(mesh)
    listed = mesh.ben.client().get("/api/v1/tokens").json()["results"]
    assert {first["id"], second["id"]} <= {row["id"] for row in listed}
    assert mesh.carla.client().delete(f"/api/v1/tokens/{first['id']}").status_code == 404
    assert mesh.ben.client().delete(f"/api/v1/tokens/{first['id']}").status_code == 204
    assert bearer(first).get("/api/v1/me").status_code == 401
    assert bearer(second).get("/api/v1/me").status_code == 200
    assert mesh.ana.client().delete(f"/api/v1/tokens/{second['id']}").status_code == 204
    assert bearer(second).get("/api/v1/me").status_code == 401


def test_it_tells_nothing_of_others_delegations_and_makes_no_tokens(mesh: World) -> None:
    made, other = delegated(mesh), delegated(mesh, "carla")
    client = bearer(made)
    assert [row["id"] for row in client.get("/api/v1/tokens").json()["results"]] == [made["id"]]
    assert client.post("/api/v1/tokens", {"title": "more"}, JSON).status_code == 422
    assert client.delete(f"/api/v1/tokens/{other['id']}").status_code == 422


def test_only_to_an_agent_and_only_by_a_person(mesh: World) -> None:
    create_machine(mesh.ana.principal, username="etl", kind="service", team="nlp")
    for name, status in (("etl", 404), ("carla", 404), ("nobody", 404)):
        body = {"title": "t", "agent": name}
        assert mesh.ben.client().post("/api/v1/tokens", body, JSON).status_code == status
    body = {"title": "t", "username": "etl"}
    machine = mesh.ana.client().post("/api/v1/tokens", body, JSON).json()
    refused = bearer(machine).post("/api/v1/tokens", {"title": "t", "agent": "helper"}, JSON)
    assert refused.status_code == 422
