"""Policies approve, limit, name approvers; together they are no wider than the narrowest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, Invalid, InvalidSpec, PolicyDenied
from governance.engine.entities import Principal
from governance.engine.requests import Asked, AutoApproval, RequestRules, merge
from governance.models import AccessRequest, AuditEntry, Grant
from governance.selectors import principal_for
from governance.services import (
    add_member,
    approve_request,
    issue_token,
    request_access,
    revoke_grant,
)
from tests.builders import Person, World

WIKI, OTHER = "/acme/nlp/~/wiki", "/acme/health/~/scans"
SELF_SERVICE = (
    "{auto_approve: [{purposes: [analytics], groups: [members], max_days: 30}], max_days: 90}"
)


def ask(who: Person, **more: Any) -> AccessRequest:
    wish = {"name": WIKI, "purpose": "analytics", "days": 10, **more}
    return request_access(who.user, who.principal, **wish)


def test_a_policy_approves_what_it_says_and_no_more(world: World) -> None:
    policy = world.add_request_rules("self-service", SELF_SERVICE)
    asked = ask(world.ben)
    assert (asked.state, asked.decided_by, asked.policies) == ("approved", None, [str(policy)])
    grant = Grant.objects.live().get(request=asked)
    (entry,) = AuditEntry.objects.filter(action="grant")
    assert entry.policies == [str(policy)]
    shown = world.ben.client().get("/api/v1/grants").json()["results"]
    assert [(row["id"], row["granted_by"]) for row in shown] == [(str(grant.pk), str(policy))]
    for more in ({"days": 31}, {"purpose": "model-training"}, {"purpose": "any"}):
        assert ask(world.ben, **more).state == "pending"
    with pytest.raises(Invalid, match=f"1 to 90 days by {policy}"):
        ask(world.carla, days=91)


def test_a_second_document_that_has_a_list_must_allow_it_too(world: World) -> None:
    world.add_request_rules("self-service", SELF_SERVICE, prefix="/")
    world.add_request_rules("no-pii", "{auto_approve: []}", labels=["pii:email"])
    assert ask(world.ben).state == "approved"
    world.add_label(WIKI, "pii:email")
    assert ask(world.carla).state == "pending"


def test_who_names_approvers_wants_them_asked(world: World) -> None:
    world.add_person("dora")
    world.add_team("stewards", {"dora": "member"})
    world.add_request_rules("self-service", SELF_SERVICE, prefix="/")
    world.add_request_rules("stewards-decide", "{approvers: stewards}", prefix="/acme/nlp")
    dora, asked = world.people["dora"], ask(world.ben)
    assert asked.state == "pending"
    for owner in (world.ana, world.operator):
        with pytest.raises(PolicyDenied, match="decided by stewards"):
            approve_request(owner.user, owner.principal, asked.pk)
        inbox = owner.client().get("/api/v1/access-requests?inbox=true").json()["results"]
        assert inbox == []
    inbox = dora.client().get("/api/v1/access-requests?inbox=true").json()["results"]
    assert [row["id"] for row in inbox] == [str(asked.pk)]
    grant = approve_request(dora.user, dora.principal, asked.pk)
    entry = AuditEntry.objects.filter(action="grant").latest("id")
    assert entry.policies == ["stewards-decide@1"]
    revoke_grant(dora.principal, grant.pk)


def test_an_approver_without_the_scope_or_the_right_to_know_decides_nothing(world: World) -> None:
    world.add_person("dora")
    world.add_team("stewards", {"dora": "member"})
    world.add_request_rules("stewards-decide", "{approvers: stewards}")
    dora, asked = world.people["dora"], ask(world.ben)
    scopes = [{"actions": ["discover", "read"], "prefix": "/"}]
    token, _ = issue_token(dora.user, dora.principal, title="t", days=1, scopes=scopes)
    with pytest.raises(PolicyDenied):
        approve_request(dora.user, principal_for(dora.user, token), asked.pk)
    hidden = ask(world.ana, name="/acme/nlp/~/secret")
    answer = dora.client().post(f"/api/v1/access-requests/{hidden.pk}/approve", {})
    assert answer.status_code in (404, 415)
    answer = dora.client().post(
        f"/api/v1/access-requests/{hidden.pk}/approve", {}, "application/json"
    )
    assert answer.status_code == 404
    inbox = dora.client().get("/api/v1/access-requests?inbox=true").json()["results"]
    assert [row["id"] for row in inbox] == [str(asked.pk)]


def test_an_approver_does_not_approve_for_himself(world: World) -> None:
    world.add_person("dora")
    world.add_team("stewards", {"dora": "member", "ben": "member"})
    world.add_request_rules("stewards-decide", "{approvers: stewards}")
    dora, asked = world.people["dora"], ask(world.people["dora"])
    with pytest.raises(Conflict):
        approve_request(dora.user, dora.principal, asked.pk)
    for_team = ask(world.ben, team="stewards")
    with pytest.raises(Conflict, match="outside of stewards"):
        approve_request(dora.user, dora.principal, for_team.pk)


@pytest.mark.parametrize(
    "rules",
    [
        "{}",
        "{escalate_to: stewards}",
        "{sla_hours: 0}",
        "{max_days: 367}",
        "{auto_approve: [{purposes: [fun], groups: [members], max_days: 3}]}",
        "{auto_approve: [{purposes: [analytics], max_days: 3}]}",
    ],
)
def test_rules_that_cannot_be_are_refused_when_saved(world: World, rules: str) -> None:
    with pytest.raises(InvalidSpec):
        world.add_request_rules("wrong", rules)


PURPOSE, GROUP = st.sampled_from(["analytics", "operations"]), st.sampled_from(["members", "nlp"])
lists = st.lists(
    st.builds(
        AutoApproval,
        st.frozensets(PURPOSE, min_size=1),
        st.frozensets(GROUP, min_size=1),
        st.integers(1, 40),
    ),
    max_size=2,
).map(tuple)
documents = st.builds(
    RequestRules,
    policy=st.text("abc", min_size=1, max_size=3),
    auto_approve=st.none() | lists,
    max_days=st.none() | st.integers(1, 40),
    sla_hours=st.none() | st.integers(1, 9),
    approvers=st.none() | st.sampled_from(["nlp", "health"]),
)
asked_for = st.builds(Asked, PURPOSE, st.integers(1, 40), st.frozensets(GROUP))


def naive(some: list[RequestRules], asked: Asked) -> bool:
    """Approved when somebody has a list, and nobody who has a say would rather decide."""
    if any(rules.max_days is not None and asked.days > rules.max_days for rules in some):
        return False
    lists = [rules.auto_approve for rules in some if rules.auto_approve is not None]
    asked_to_ask = any(rules.approvers and rules.auto_approve is None for rules in some)
    return (
        bool(lists)
        and not asked_to_ask
        and all(
            any(
                asked.purpose in each.purposes
                and asked.belongs_to & each.groups
                and asked.days <= each.max_days
                for each in listed
            )
            for listed in lists
        )
    )


@given(some=st.lists(documents, max_size=4), asked=asked_for)
def test_merging_is_as_the_naive_reading_has_it(some: list[RequestRules], asked: Asked) -> None:
    merged = merge(some)
    assert bool(merged.auto_approved_by(asked)) == naive(some, asked)
    assert merged.documents == merge(reversed(some)).documents or len(
        {each.policy for each in some}
    ) < len(some)


@given(some=st.lists(documents, min_size=1, max_size=3), more=documents, asked=asked_for)
def test_another_document_never_approves_more_of_what_others_speak_of(
    some: list[RequestRules], more: RequestRules, asked: Asked
) -> None:
    before, after = merge(some), merge([*some, more])
    if any(each.speaks_of_auto_approval for each in some):
        assert not (after.auto_approved_by(asked) and not before.auto_approved_by(asked))
    assert after.max_days <= before.max_days
    assert before.sla_hours is None or (after.sla_hours or 0) <= before.sla_hours
    everyone = Principal("x", teams=frozenset({"nlp"}))
    if before.approvers:
        assert not (after.names(everyone) and not before.names(everyone))


def test_a_member_is_asked_for_as_a_member_of_today(world: World) -> None:
    rules = "{auto_approve: [{purposes: [analytics], groups: [pilot], max_days: 30}]}"
    world.add_request_rules("pilot", rules)
    world.add_team("pilot", {"operator": "owner"})
    assert ask(world.carla).state == "pending"
    add_member(world.operator.principal, "pilot", username="ben", role="member")
    assert ask(world.ben).state == "approved"
