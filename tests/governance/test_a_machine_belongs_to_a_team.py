"""Machines are made, given tokens and put out by the owners of the team that answers for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from governance.engine.entities import MESH, Action
from governance.models import ApiToken, AuditEntry, User
from governance.selectors import principal_for
from governance.services import decide
from tests.builders import Person, World

WIKI = "/acme/nlp/~/wiki"
JSON = "application/json"


def make(who: Person, **fields: Any) -> Any:
    body = {"username": "etl", "kind": "service", "team": "nlp", **fields}
    return who.client().post("/api/v1/users", body, JSON)


def token_for(who: Person, **fields: Any) -> Any:
    body = {"title": "nightly", "days": 5, "username": "etl", **fields}
    return who.client().post("/api/v1/tokens", body, JSON)


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize(("who", "status"), [("ana", 201), ("operator", 201), ("carla", 403)])
def test_its_teams_owners_and_operators_make_it(world: World, who: str, status: int) -> None:
    assert make(world.people[who]).status_code == status
    assert User.objects.filter(username="etl").exists() is (status == 201)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"team": "none"}, 404),
        ({"team": ""}, 403),
        ({"kind": "site"}, 422),
        ({"kind": "site", "site": "Edge!"}, 422),
        ({"site": "edge-pt"}, 422),
        ({"password": "correct horse battery"}, 422),
        ({"kind": "person"}, 422),
        ({"username": "service.etl"}, 422),
        ({"username": "ana"}, 409),
        ({"kind": "robot"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, fields: dict[str, Any], status: int) -> None:
    who = world.operator if fields.get("team") == "none" else world.ana
    assert make(who, **fields).status_code == status


def test_a_site_names_its_site_and_is_told_apart(world: World) -> None:
    assert make(world.ana, username="edge", kind="site", site="edge-pt").status_code == 403
    made = make(world.operator, username="edge", kind="site", site="edge-pt").json()
    assert (made["kind"], made["team"], made["site"]) == ("site", "nlp", "edge-pt")
    assert principal_for(User.objects.get(username="edge")).kind == "site"
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(username="ana").update(site="edge-pt")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(username="edge").update(is_operator=True)


def test_its_token_is_made_listed_and_revoked_by_its_teams_owners(world: World) -> None:
    make(world.ana)
    assert token_for(world.carla).status_code == 403
    assert token_for(world.ana, username="ben").status_code == 404
    made = token_for(world.ana).json()
    assert (made["username"], made["expires_soon"]) == ("etl", True)
    machine = bearer(made["token"])
    assert machine.get("/api/v1/me", REMOTE_ADDR="198.51.100.77").json()["kind"] == "service"
    assert world.carla.client().get("/api/v1/tokens?username=etl").status_code == 403
    (listed,) = world.ana.client().get("/api/v1/tokens?username=etl").json()["results"]
    assert listed["last_used_from"] == "198.51.100.0/24"
    assert listed["last_used_at"] is not None
    machine.get("/api/v1/me", REMOTE_ADDR="2001:db8:1:2::3")
    assert ApiToken.objects.get(pk=made["id"]).last_used_from == "2001:db8:1::/48"
    assert world.carla.client().delete(f"/api/v1/tokens/{made['id']}").status_code == 404
    assert world.ana.client().delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert machine.get("/api/v1/me").status_code == 401


def test_it_does_what_its_membership_allows(world: World) -> None:
    make(world.ana)
    body = {"username": "etl", "role": "member"}
    assert world.carla.client().post("/api/v1/teams/nlp/members", body, JSON).status_code == 403
    assert world.ana.client().post("/api/v1/teams/nlp/members", body, JSON).status_code == 201
    machine = principal_for(User.objects.get(username="etl"))
    assert machine.teams == {"nlp"}
    assert world.ana.client().delete("/api/v1/teams/nlp/members/etl").status_code == 204
    assert principal_for(User.objects.get(username="etl")).teams == frozenset()


def test_its_teams_owners_put_it_out(world: World) -> None:
    make(world.ana)
    machine = bearer(token_for(world.ana).json()["token"])
    address, out = "/api/v1/users/etl", {"active": False}
    assert world.carla.client().patch(address, out, JSON).status_code == 403
    assert machine.patch(address, out, JSON).status_code == 403
    assert world.ana.client().patch(address, out, JSON).json()["active"] is False
    assert machine.get("/api/v1/me").status_code == 401
    assert token_for(world.ana).status_code == 409
    assert AuditEntry.objects.filter(action="disable-user").exists()


def test_only_operators_put_people_out_and_nobody_himself(world: World) -> None:
    out = {"active": False}
    assert world.ana.client().patch("/api/v1/users/ben", out, JSON).status_code == 403
    assert world.operator.client().patch("/api/v1/users/operator", out, JSON).status_code == 409
    assert world.operator.client().patch("/api/v1/users/ben", out, JSON).status_code == 200
    assert world.operator.client().patch("/api/v1/users/none", out, JSON).status_code == 404


def test_who_may_manage_sees_more_of_a_user(world: World) -> None:
    make(world.ana)
    assert Client().get("/api/v1/users").status_code == 401

    def seen(who: Person) -> dict[str, Any]:
        rows = who.client().get("/api/v1/users").json()["results"]
        return {row["username"]: row["active"] for row in rows}

    assert seen(world.operator)["ben"] is True
    assert seen(world.ana) == {**dict.fromkeys(seen(world.operator)), "etl": True}
    assert set(seen(world.ben).values()) == {None}
    only = world.ben.client().get("/api/v1/users?kind=service").json()["results"]
    assert [row["username"] for row in only] == ["etl"]


def test_a_team_is_never_left_without_a_person_who_owns_it(world: World) -> None:
    make(world.ana)
    client, members = world.ana.client(), "/api/v1/teams/nlp/members"
    assert client.delete(f"{members}/ana").status_code == 409
    assert client.post(members, {"username": "ana", "role": "member"}, JSON).status_code == 409
    assert client.post(members, {"username": "etl", "role": "owner"}, JSON).status_code == 201
    assert client.delete(f"{members}/ana").status_code == 409, "a machine cannot answer for it"
    assert client.post(members, {"username": "ben", "role": "owner"}, JSON).status_code == 201
    assert client.delete(f"{members}/ana").status_code == 204
    assert client.delete(f"{members}/ben").status_code == 403, "ana owns it no more"


def test_a_narrowed_token_manages_nobody(world: World) -> None:
    scopes = [{"actions": ["administer"], "prefix": "/"}]
    body = {"title": "t", "scopes": scopes}
    secret = world.operator.client().post("/api/v1/tokens", body, JSON).json()["token"]
    made = {"username": "etl", "kind": "service", "team": "nlp"}
    assert bearer(secret).post("/api/v1/users", made, JSON).status_code == 422


def test_groups_are_the_operators_and_decisions_see_them(world: World) -> None:
    operator, ana = world.operator.client(), world.ana.client()
    assert ana.post("/api/v1/groups", {"name": "stewards"}, JSON).status_code == 403
    assert operator.post("/api/v1/groups", {"name": "stewards"}, JSON).status_code == 201
    assert operator.post("/api/v1/groups", {"name": "stewards"}, JSON).status_code == 409
    for name in ("operators", "members", "services", "Not A Slug"):
        assert operator.post("/api/v1/groups", {"name": name}, JSON).status_code == 422
    member = "/api/v1/groups/stewards/members/ben"
    assert ana.put(member).status_code == 403
    assert operator.put(member).json() == {"name": "stewards", "members": ["ben"]}
    assert world.ben.principal.groups == {"members", "stewards"}
    assert world.ben.client().get("/api/v1/me").json()["groups"] == ["stewards"]
    assert ana.get("/api/v1/groups").json()["results"][0]["members"] == ["ben"]
    assert operator.delete(member).status_code == 204
    assert world.ben.principal.groups == {"members"}
    assert not decide(world.ben.principal, Action.ADMINISTER, MESH).allow
