from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.errors import Conflict, InvalidSpec, NotFound, PolicyTestsFailed, SecondPersonNeeded
from governance import resources
from governance.engine.entities import MESH, Action, Resource
from governance.engine.lifecycle import TRANSITIONS, Move, State
from governance.models import AuditEntry, Policy, PolicySetRecord
from governance.services import decide, retire_policy, save_policy
from governance.services import policy_lifecycle as life
from governance.services.simulation import simulate_policy
from tests.builders import Person, World

READERS = """
@id("{id}") @reason("Readers read.")
permit (principal in Group::"members", action == Action::"{action}", resource is Product);
"""
BEN_READS = {
    "principal": {"id": "ben", "groups": ["members"]},
    "action": "read",
    "resource": {"name": "/acme/nlp/~/wiki", "visibility": "mesh", "access": "request"},
    "expect": "allow",
    "policies": ["readers"],
}


@pytest.fixture
def reviewed(world: World, settings: Any) -> World:
    """The small mesh where policies are reviewed, with a second operator."""
    settings.FAIRMESH = replace(settings.FAIRMESH, policy_review=True)
    world.add_person("second", operator=True)
    return world


def second(world: World) -> Person:
    return world.people["second"]


def draft(world: World, slug: str = "readers", action: str = "read", **more: Any) -> Policy:
    text = READERS.format(id=slug, action=action)
    who = world.operator.principal
    return life.draft_policy(who, kind="access", slug=slug, text=text, **more)


def simulated(world: World, policy: Policy) -> None:
    life.validate_draft(world.operator.principal, policy.pk)
    assert simulate_policy(world.operator.principal, policy.pk).passed


def approved(world: World, policy: Policy) -> None:
    simulated(world, policy)
    life.propose_draft(world.operator.principal, policy.pk)
    life.approve_draft(second(world).principal, policy.pk)


def state(policy: Policy) -> str:
    policy.refresh_from_db()
    return str(policy.state)


def test_a_draft_comes_into_force_step_by_step(reviewed: World) -> None:
    one, two = reviewed.operator.principal, second(reviewed).principal
    policy = draft(reviewed, tests=[BEN_READS])
    seen = [state(policy)]
    life.validate_draft(one, policy.pk)
    seen.append(state(policy))
    simulate_policy(one, policy.pk)
    seen.append(state(policy))
    life.propose_draft(one, policy.pk)
    seen.append(state(policy))
    life.approve_draft(two, policy.pk, digest=policy.digest)
    seen.append(state(policy))
    assert not decide(reviewed.ben.principal, Action.READ, wiki()).allow
    life.activate_draft(one, policy.pk)
    seen.append(state(policy))
    assert seen == ["draft", "validated", "simulated", "proposed", "approved", "active"]
    assert decide(reviewed.ben.principal, Action.READ, wiki()).allow
    acts = AuditEntry.objects.filter(detail__policy=str(policy)).order_by("id")
    assert [entry.action for entry in acts] == [
        "draft-policy", "validate-policy", "simulate-policy", "propose-policy", "approve-policy",
        "activate-policy",
    ]  # fmt: skip


def wiki() -> Resource:
    return resources.load("/acme/nlp/~/wiki")


def test_every_move_outside_the_table_is_refused(reviewed: World) -> None:
    one, two = reviewed.operator.principal, second(reviewed).principal
    calls: dict[Move, Callable[[UUID], object]] = {
        Move.VALIDATE: lambda pk: life.validate_draft(one, pk),
        Move.PROPOSE: lambda pk: life.propose_draft(one, pk),
        Move.APPROVE: lambda pk: life.approve_draft(two, pk),
        Move.ACTIVATE: lambda pk: life.activate_draft(one, pk),
        Move.EDIT: lambda pk: life.edit_draft(one, pk, text=READERS.format(id="a", action="read")),
        Move.DELETE: lambda pk: life.delete_draft(one, pk),
    }
    policy = draft(reviewed)
    for at in set(State) - {State.DELETED}:
        for move, call in calls.items():
            if (at, move) in TRANSITIONS:
                continue
            Policy.objects.filter(pk=policy.pk).update(state=at)
            with pytest.raises(Conflict):
                call(policy.pk)
            assert state(policy) == at


def test_who_wrote_edited_or_proposed_it_cannot_approve(reviewed: World) -> None:
    one, two = reviewed.operator, second(reviewed)
    policy = draft(reviewed)
    simulated(reviewed, policy)
    life.propose_draft(one.principal, policy.pk)
    answer = one.client().post(f"/api/v1/policies/{policy.pk}/approve", {}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "second_person_needed")
    life.edit_draft(two.principal, policy.pk, text=policy.text + "\n")
    simulated(reviewed, policy)
    life.propose_draft(one.principal, policy.pk)
    for each in (one, two):
        with pytest.raises(SecondPersonNeeded):
            life.approve_draft(each.principal, policy.pk)
    machine = replace(reviewed.add_person("third", operator=True).principal, kind="service")
    with pytest.raises(SecondPersonNeeded):
        life.approve_draft(machine, policy.pk)
    life.approve_draft(reviewed.people["third"].principal, policy.pk)


def test_an_agent_writes_in_the_name_of_its_person(reviewed: World) -> None:
    one = reviewed.operator.principal
    agent = replace(one, id="agent.1", kind="agent", on_behalf_of=second(reviewed).principal)
    policy = life.draft_policy(
        agent, kind="access", slug="x", text=READERS.format(id="x", action="read")
    )
    simulated(reviewed, policy)
    life.propose_draft(one, policy.pk)
    with pytest.raises(SecondPersonNeeded):
        life.approve_draft(second(reviewed).principal, policy.pk)


def test_what_was_edited_since_is_not_approved(reviewed: World) -> None:
    one, two = reviewed.operator.principal, second(reviewed).principal
    policy = draft(reviewed)
    read = policy.digest
    life.edit_draft(one, policy.pk, text=policy.text.replace("Readers", "People"))
    with pytest.raises(Conflict):
        life.approve_draft(two, policy.pk)
    simulated(reviewed, policy)
    life.propose_draft(one, policy.pk)
    with pytest.raises(Conflict, match="edited since"):
        life.approve_draft(two, policy.pk, digest=read)


def test_a_failing_test_stops_it(reviewed: World) -> None:
    policy = draft(reviewed, action="discover", tests=[BEN_READS])
    with pytest.raises(PolicyTestsFailed) as failed:
        life.validate_draft(reviewed.operator.principal, policy.pk)
    assert failed.value.extra["errors"][0]["where"] == "tests[0].expect"
    assert state(policy) == "draft"
    with pytest.raises(InvalidSpec):
        draft(reviewed, tests=[{"principal": {}, "expect": "allow"}])


def test_a_draft_that_was_overtaken_is_not_activated(reviewed: World) -> None:
    first, late = draft(reviewed), draft(reviewed, action="transform")
    approved(reviewed, first)
    life.activate_draft(reviewed.operator.principal, first.pk)
    approved(reviewed, late)
    with pytest.raises(Conflict, match="written against version none, and 1 is in force"):
        life.activate_draft(reviewed.operator.principal, late.pk)


def test_saving_makes_a_draft_where_policies_are_reviewed(reviewed: World) -> None:
    body = {"kind": "access", "slug": "readers", "text": READERS.format(id="r", action="read")}
    answer = reviewed.operator.client().post("/api/v1/policies", body, "application/json")
    assert (answer.status_code, answer.json()["state"]) == (201, "validated")
    assert "simulate" in answer.json()["next"]
    assert not Policy.objects.filter(state="active").exists()


def test_rolling_back_is_one_call_for_what_was_in_force_last(reviewed: World) -> None:
    one = reviewed.operator.principal
    versions = []
    for action in ("read", "transform", "discover"):
        policy = draft(reviewed, action=action)
        approved(reviewed, policy)
        life.activate_draft(one, policy.pk)
        versions.append(policy)
    first, middle, last = versions
    life.roll_back(one, middle.pk)
    assert [state(policy) for policy in versions] == ["retired", "active", "retired"]
    life.roll_back(one, first.pk)
    assert [state(policy) for policy in versions] == ["proposed", "active", "retired"]
    with pytest.raises(Conflict, match="never edited"):
        life.edit_draft(one, first.pk, text=first.text)
    with pytest.raises(Conflict, match="in force once"):
        life.delete_draft(one, first.pk)
    life.approve_draft(second(reviewed).principal, first.pk)
    life.activate_draft(one, first.pk)
    assert [state(policy) for policy in versions] == ["active", "retired", "retired"]
    assert state(last) == "retired"


def test_a_second_person_takes_a_reviewed_policy_out_of_force(reviewed: World) -> None:
    policy = draft(reviewed)
    approved(reviewed, policy)
    life.activate_draft(reviewed.operator.principal, policy.pk)
    retire_policy(reviewed.operator.principal, policy.pk)
    retire_policy(reviewed.operator.principal, policy.pk)
    assert state(policy) == "active"
    retire_policy(second(reviewed).principal, policy.pk)
    assert state(policy) == "retired"


def test_without_review_a_draft_is_activated_at_once_but_never_unchecked(world: World) -> None:
    policy = draft(world, action="discover", tests=[BEN_READS])
    with pytest.raises(PolicyTestsFailed):
        life.activate_draft(world.operator.principal, policy.pk)
    life.edit_draft(world.operator.principal, policy.pk, text=policy.text, tests=[])
    life.activate_draft(world.operator.principal, policy.pk)
    assert state(policy) == "active"


def test_drafts_are_for_who_administers_the_scope(world: World) -> None:
    text = "kind: protection\nid: two\nscope: {prefix: /acme/nlp}\nspec: {copies: 2}"
    policy = life.draft_policy(world.ana.principal, kind="protection", text=text)
    address = f"/api/v1/policies/{policy.pk}"
    assert world.ana.client().get(address).json()["state"] == "draft"
    assert world.ben.client().get(address).status_code == 404
    assert world.ben.client().get("/api/v1/policies").json()["results"] == []
    assert world.ben.client().delete(address).status_code in {403, 404}
    assert world.ana.client().delete(address).status_code == 204
    with pytest.raises(NotFound):
        life.validate_draft(world.ana.principal, policy.pk)


def test_the_digest_of_a_decision_is_explained(world: World) -> None:
    before = decide(world.ben.principal, Action.DISCOVER, MESH).policy_set
    save_policy(
        world.operator.principal, kind="access", slug="readers",
        text=READERS.format(id="readers", action="read"),
    )  # fmt: skip
    after = decide(world.ben.principal, Action.DISCOVER, MESH).policy_set
    assert before != after
    client = world.ben.client()
    told = client.get(f"/api/v1/policies/sets/{before}").json()
    assert (told["current"], len(told["policies"])) == (False, 1)
    told = client.get(f"/api/v1/policies/sets/{after}").json()
    assert told["current"]
    assert told["policies"][1:] == ["readers@1"]
    assert PolicySetRecord.objects.count() == 2
    assert client.get("/api/v1/policies/sets/sha256:00").status_code == 404


def test_two_versions_differ_in_lines_and_places(world: World) -> None:
    one = world.add_protection("two", "{copies: 2}")
    two = world.add_protection("two", "{copies: 3, sites: [core-eu]}")
    told = world.ben.client().get(f"/api/v1/policies/{two.pk}/diff/{one.pk}").json()
    assert "+spec: {copies: 3, sites: [core-eu]}" in told["text"]
    assert [(c["where"], c["before"], c["after"]) for c in told["changes"]] == [
        ("spec.copies", 2, 3), ("spec.sites", None, ["core-eu"]),
    ]  # fmt: skip


def test_lists_are_narrowed_by_kind_state_and_slug(world: World) -> None:
    world.add_protection("two", "{copies: 2}")
    world.add_protection("two", "{copies: 3}")
    client = world.ana.client()

    def versions(query: str) -> list[int]:
        return [row["version"] for row in client.get(f"/api/v1/policies?{query}").json()["results"]]

    assert versions("slug=two&state=active") == [2]
    assert versions("kind=protection&state=retired") == [1]
    assert versions("kind=naming") == []
    assert client.get("/api/v1/policies?kind=odd").status_code == 422
