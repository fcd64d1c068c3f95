"""A consumer has one subscription to a port; how it stands follows from its requests and grants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Product
from catalog.services import move_product
from governance.engine.entities import Action
from governance.models import AccessRequest, Grant, PortSubscription
from governance.services import (
    approve_request,
    deny_request,
    record_read,
    renew_grant,
    request_access,
    revoke_grant,
    withdraw_request,
)
from tests.builders import Person, World

WIKI, TALK = "/acme/nlp/~/wiki", "/acme/nlp/~/talk"


def ask(who: Person, **more: Any) -> AccessRequest:
    wish = {"name": WIKI, "purpose": "analytics", "days": 10, "port": "files", **more}
    return request_access(who.user, who.principal, **wish)


def approve(world: World, asked: AccessRequest) -> Grant:
    return approve_request(world.ana.user, world.ana.principal, asked.pk)


def listed(who: Person, query: str = "") -> list[dict[str, Any]]:
    answer = who.client().get(f"/api/v1/port-subscriptions{query}")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def only(who: Person, query: str = "") -> dict[str, Any]:
    (row,) = listed(who, query)
    return row


def test_it_is_one_and_the_same_from_the_first_request_to_the_last(world: World) -> None:
    ben = world.ben
    first = ask(ben)
    row = only(ben)
    assert (row["state"], row["purposes"], row["port"]) == ("pending", ["analytics"], "files")
    assert (row["pending_request"], row["grants"]) == (str(first.pk), [])
    withdraw_request(ben.user, ben.principal, first.pk)
    assert only(ben)["state"] == "withdrawn"
    deny_request(world.ana.user, world.ana.principal, ask(ben).pk, comment="Say more.")
    assert only(ben)["state"] == "denied"

    grant = approve(world, ask(ben))
    assert only(ben)["state"] == "active"
    assert only(ben)["expires_at"] == grant.expires_at.isoformat().replace("+00:00", "Z")
    longer = renew_grant(ben.user, ben.principal, grant.pk, days=20)
    assert (only(ben)["state"], only(ben)["pending_request"]) == ("active", str(longer.pk))
    renewed = approve(world, longer)
    told = only(ben)
    assert [each["id"] for each in told["grants"]] == [str(renewed.pk), str(grant.pk)]
    assert told["expires_at"] == renewed.expires_at.isoformat().replace("+00:00", "Z")

    revoke_grant(world.ana.principal, renewed.pk)
    assert only(ben)["state"] == "active", "the one that was renewed still holds"
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(days=1))
    ended = only(ben)
    assert (ended["state"], ended["grants"], ended["expires_at"]) == ("ended", [], None)
    assert ended["ended_at"] is not None
    assert {told["id"], ended["id"]} == {row["id"]}
    again = ask(ben, purpose="evaluation")
    assert (only(ben)["state"], only(ben)["purposes"]) == ("pending", ["evaluation"])
    path = f"/api/v1/port-subscriptions/{row['id']}/requests"
    requests = ben.client().get(path).json()["results"]
    assert requests[0]["id"] == str(again.pk)
    assert len(requests) == AccessRequest.objects.count() == 5
    assert {each["subscription"] for each in requests} == {row["id"]}


def test_each_consumer_and_each_port_has_its_own(world: World) -> None:
    world.add_person("dora")
    world.add_team("lab", {"ben": "member", "dora": "owner"})
    ask(world.ben)
    ask(world.ben, port="")
    ask(world.ben, team="lab")
    ask(world.ben, team="lab", purpose="evaluation")
    whose = [(row["username"], row["team"], row["port"]) for row in listed(world.ben)]
    assert whose == [("", "lab", "files"), ("ben", None, ""), ("ben", None, "files")]
    assert [row["team"] for row in listed(world.people["dora"])] == ["lab"]
    row = PortSubscription.objects.filter(team=None).latest("id")
    with pytest.raises(IntegrityError), transaction.atomic():
        PortSubscription.objects.create(user=row.user, name=row.name, port=row.port)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.delete()
    move_product(world.ana.principal, Product.objects.get(name=WIKI).pk, TALK)
    assert {each["name"] for each in listed(world.ben)} == {TALK}


def test_who_administers_sees_everyones_and_when_they_read_last(world: World) -> None:
    approve(world, ask(world.ben))
    row = only(world.ana, f"?administered=true&name={WIKI}&state=active")
    assert (row["username"], row["last_read_at"]) == ("ben", None)
    record_read(world.ben.principal, Action.READ, WIKI)
    assert only(world.ana, "?administered=true")["last_read_at"] is not None
    assert only(world.ben)["last_read_at"] is not None
    assert listed(world.ana) == listed(world.ana, "?administered=true&state=ended") == []
    assert listed(world.carla) == listed(world.carla, "?administered=true") == []
    path = f"/api/v1/port-subscriptions/{row['id']}"
    for way in (path, f"{path}/requests"):
        assert world.ana.client().get(way).status_code == 200
        assert world.carla.client().get(way).status_code == 404
    assert world.ben.client().get("/api/v1/port-subscriptions?state=x").status_code == 422


def test_a_page_of_many_costs_the_queries_of_a_page_of_one(world: World) -> None:
    client, counts = world.ben.client(), []
    for name in (TALK, *(f"/acme/nlp/~/p{each}" for each in range(4))):
        world.add_product(name)
        world.grant(world.ben, name)
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/api/v1/port-subscriptions").status_code == 200
        counts.append(len(asked))
    assert counts[-1] <= counts[1]


BEFORE = [("governance", "0001_squashed_0007_principals")]


def test_requests_from_before_there_were_subscriptions_get_theirs(transactional_db: None) -> None:
    executor = MigrationExecutor(connection)
    old = executor.migrate(BEFORE).apps
    try:
        user = old.get_model("governance", "User").objects.create(username="ben")
        team = old.get_model("governance", "Team").objects.create(slug="lab", title="Lab")
        requests = old.get_model("governance", "AccessRequest").objects
        now = timezone.now()
        for whose, port, purpose in (
            (None, "files", "any"), (None, "files", "analytics"), (None, "", "any"),
            (team, "files", "any"),
        ):  # fmt: skip
            requests.create(user=user, team=whose, name=WIKI, port=port, purpose=purpose, days=3)
        first = requests.filter(port="files", team=None).order_by("created_at")[0]
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())  # what runs next wants them all
    rows = PortSubscription.objects.order_by("created_at", "id")
    assert [(row.user_id, row.team_id, row.port, row.requests.count()) for row in rows] == [
        (user.pk, None, "files", 2), (user.pk, None, "", 1), (None, team.pk, "files", 1),
    ]  # fmt: skip
    assert rows[0].created_at == first.created_at >= now
