"""What a grant allows is in policies/templates.cedar, and Cedar links it as we do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.engine import oracle
from governance.engine.decision import decide
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.obligations import PURPOSES
from governance.engine.permits import ANY_PURPOSE, Permit, templates, templates_text
from governance.engine.policyset import policy_set
from governance.selectors import default_policies, schema_text

UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
ALL = (ANY_PURPOSE, *PURPOSES)
people = st.sampled_from(["ben", 'b"en', "ana"])
teams = st.sampled_from(["nlp", "lab"])
names = st.sampled_from(["/acme/~/wiki", "/acme/nlp/~/mail"])
grants = st.one_of(
    st.builds(Permit, st.just("1"), people, names, st.sampled_from(ALL), st.just(UNTIL)),
    st.builds(
        Permit, st.just("1"), st.just(""), names, st.sampled_from(ALL), st.just(UNTIL), teams
    ),
    st.builds(
        Permit, st.just("1"), people, names, st.just("operations"), st.just(UNTIL),
        break_glass=st.just(True),
    ),
)  # fmt: skip
principals = st.builds(Principal, people, st.just(frozenset({"members"})), st.frozensets(teams))
situations = st.sampled_from(["", "fun", *PURPOSES]).map(Situation)


def test_every_purpose_has_a_template_and_every_template_a_use() -> None:
    assert set(templates()) == {f"grant-{purpose}" for purpose in ALL} | {"break-glass"}


@given(
    permit=grants, principal=principals, name=names, action=st.sampled_from(list(Action)),
    situation=situations,
)  # fmt: skip
def test_cedar_links_as_we_do(
    permit: Permit, principal: Principal, name: str, action: Action, situation: Situation
) -> None:
    """Cedar's own link of the template decides as our policy does, on the whole policy set."""
    base = policy_set(default_policies(), schema_text())
    resource = Resource("Product", name, team="health", visibility="mesh")
    linked = cedarpy.PolicySet.from_str(f"{default_policies()}\n{templates_text()}")
    answer = cedarpy.is_authorized(
        {
            "principal": principal.uid.as_json(),
            "action": {"type": "Action", "id": str(action)},
            "resource": resource.uid.as_json(),
            "context": situation.as_json(),
        },
        linked.with_linked_batch([permit.as_link()]),
        json.dumps(oracle.entities(principal, resource)),
        base.schema,
    )
    assert not answer.diagnostics.errors
    ours = decide(base, principal, action, resource, situation, [permit])
    assert ours.allow == answer.allowed
    met = permit.policy_id in ours.policies
    assert met == (permit.policy_id in answer.diagnostics.reasons)


@pytest.mark.parametrize("purpose", ALL)
@pytest.mark.parametrize("team", ["", "lab"])
def test_both_forms_of_a_link_are_one_policy(purpose: str, team: str) -> None:
    permit = Permit("1", "" if team else "ben", "/acme/~/wiki", purpose, UNTIL, team)
    whom = {"type": "Team", "id": "lab"} if team else {"type": "User", "id": "ben"}
    assert permit.as_json()["principal"] == {"op": "in", "entity": whom}
    assert policy_set(permit.as_text(), schema_text()).policies == [permit.as_json()]


def test_a_broken_glass_reads_and_makes_nothing() -> None:
    permit = Permit("1", "ben", "/acme/~/wiki", "operations", UNTIL, break_glass=True)
    base = policy_set(default_policies(), schema_text())
    resource = Resource("Product", "/acme/~/wiki", team="nlp", visibility="team")
    allowed = {
        action
        for action in Action
        if decide(base, Principal("ben"), action, resource, Situation(), [permit]).allow
    }
    assert allowed == {Action.DISCOVER, Action.READ}
