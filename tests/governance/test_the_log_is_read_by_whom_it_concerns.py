"""Everyone reads what they did, operators everything; proofs are for all, the export is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from fairmesh.audit import check_consistency, check_inclusion
from fairmesh.errors import VerificationFailed
from fairmesh.seal import Anchor
from fairmesh.tree import Checkpoint

from governance import audit
from governance.engine.entities import Decision, Principal
from governance.models import AuditEntry
from governance.services import anchor_key, sequence
from tests.builders import Person, World, body_of
from tests.governance.conftest import OPEN, SECRET, WIKI

API = "/api/v1/audit"


def get(who: Person | None, path: str = "", **query: Any) -> Any:
    client = Client() if who is None else who.client()
    return client.get(API + path, query)


def rows(who: Person, **query: Any) -> list[dict[str, Any]]:
    return list(get(who, **query).json()["results"])


@pytest.fixture
def anchor(world: World) -> Anchor:
    return Anchor(anchor_key().public)


def test_one_reads_ones_own_acts_and_an_operator_all(world: World) -> None:
    world.ben.client().post("/api/v1/labels", {"name": OPEN, "label": "a:b"}, "application/json")
    own = rows(world.ben)
    assert {row["principal"] for row in own} == {"ben"}
    newest = own[0]
    assert (newest["action"], newest["name"], newest["allowed"]) == ("write", OPEN, False)
    everything = rows(world.operator)
    assert {row["principal"] for row in everything} > {"ben", "ana"}
    audit.record(Principal("anonymous"), "read", OPEN, Decision(False, (), "", ""))
    assert get(None).json().get("results", []) == [], "nobody is no one in particular"


def test_a_refusal_that_would_betray_a_hidden_thing_is_not_shown(world: World) -> None:
    world.ben.client().post("/api/v1/labels", {"name": SECRET, "label": "a:b"}, "application/json")
    assert SECRET not in json.dumps(rows(world.ben))
    assert SECRET in json.dumps(rows(world.operator, principal="ben"))
    hidden = AuditEntry.objects.by("ben").get(name=SECRET)
    sequence()
    assert get(world.ben, "/proof", entry=hidden.pk).status_code == 404
    assert get(world.operator, "/proof", entry=hidden.pk).status_code == 200


def test_a_person_reads_what_an_agent_did_for_them(world: World) -> None:
    agent = Principal("robot", kind="agent", on_behalf_of=Principal("ben"))
    audit.record(agent, "read", OPEN, Decision(True, (), "", ""))
    found = rows(world.ben, name=OPEN)
    assert [(row["principal"], row["on_behalf_of"]) for row in found] == [("robot", "ben")]
    assert rows(world.carla, name=OPEN) == []


def test_the_log_is_filtered_by_name_person_act_and_time(world: World) -> None:
    world.grant(world.ben, WIKI)
    operator = world.operator
    assert {row["action"] for row in rows(operator, name=WIKI)} == {
        "create-product", "request-access", "grant",
    }  # fmt: skip
    asked = rows(operator, name=WIKI, principal="ben")
    assert [row["action"] for row in asked] == ["request-access"]
    assert [row["name"] for row in rows(operator, action="grant")] == [WIKI]
    assert [row["name"] for row in rows(operator, action="create-user", name="ben")] == ["ben"]
    at = asked[0]["at"]
    assert {row["action"] for row in rows(operator, name=WIKI, since=at)} == {
        "request-access", "grant",
    }  # fmt: skip
    before = rows(operator, name=WIKI, until=at)
    assert [row["action"] for row in before] == ["create-product"]
    assert get(operator, since="yesterday").status_code == 422


def test_a_proof_is_checked_with_the_anchor_alone(world: World, anchor: Anchor) -> None:
    grant = world.grant(world.ben, WIKI)
    assert get(world.ben, "/checkpoint").status_code == 404, "nothing is sequenced yet"
    entry = AuditEntry.objects.get(action="request-access")
    waiting = get(world.ben, "/proof", entry=entry.pk)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "conflict")
    sequence()
    told = get(world.ben, "/proof", entry=entry.pk).json()
    found = check_inclusion(told, anchor)
    assert (found["action"], found["name"], found["allowed"]) == ("request-access", WIKI, True)
    assert [row["value"] for row in told["clear"]] == ["ben"]
    assert grant.name == WIKI
    for changed in (
        {"entry": told["entry"].replace("true", "false")},
        {"position": told["position"] + 1},
        {"size": told["size"] - 1},
        {"proof": told["proof"][:-1]},
        {"proof": [*told["proof"][:-1], "no"]},
        {"clear": [{**told["clear"][0], "value": "carla"}]},
    ):
        with pytest.raises(VerificationFailed):
            check_inclusion({**told, **changed}, anchor)


def test_a_proof_in_a_smaller_log_is_given_too(world: World) -> None:
    sequence()
    size = get(world.ben, "/checkpoint").json()["size"]
    entry = AuditEntry.objects.get(position=0)
    told = get(world.operator, "/proof", entry=entry.pk, size=1).json()
    assert (told["size"], told["proof"], told["root"]) == (1, [], entry.leaf)
    assert get(world.operator, "/proof", entry=entry.pk, size=size + 1).status_code == 409
    last = AuditEntry.objects.get(position=size - 1)
    assert get(world.operator, "/proof", entry=last.pk, size=1).status_code == 422
    assert get(world.operator, "/proof").status_code == 422
    assert get(world.operator, "/proof", entry=10**9).status_code == 404


def test_consistency_is_proved_to_every_member(world: World, anchor: Anchor) -> None:
    sequence()
    first = Checkpoint.read(get(world.ben, "/checkpoint").json()["note"], anchor)
    for _ in range(3):
        world.grant(world.ben, WIKI, purpose="any") if _ == 0 else world.add_label(WIKI, f"a:{_}")
    sequence()
    told = get(world.ben, "/consistency", **{"from": first.size}).json()
    newer = check_consistency(told, anchor, first)
    assert newer.size == told["new_size"] > first.size
    other = Checkpoint(first.origin, first.size, bytes(32), "")
    with pytest.raises(VerificationFailed):
        check_consistency(told, anchor, other)
    assert get(world.ben, "/consistency").status_code == 422
    assert get(world.ben, "/consistency", **{"from": 2, "to": 1}).status_code == 422
    assert get(world.ben, "/consistency", **{"from": 10**6}).status_code in {409, 422}


def test_the_export_is_for_operators_and_is_itself_logged(world: World) -> None:
    sequence()
    for who in (world.ben, world.ana, None):
        assert get(who, "/export").status_code in {401, 403}
    answer = get(world.operator, "/export")
    lines = body_of(answer).decode().splitlines()
    assert json.loads(lines[0])["size"] == AuditEntry.objects.filter(position__gte=0).count()
    assert AuditEntry.objects.by("operator").get(action="export-audit").position is None
    assert {"commitment", "salt", "value"} == set(json.loads(lines[-2]))
