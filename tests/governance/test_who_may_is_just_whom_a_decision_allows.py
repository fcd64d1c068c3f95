"""The list of who may do something is the point decision, person by person."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from catalog.selectors import product_resource
from core.errors import InvalidSpec
from governance.engine.entities import Action, Resource, Situation
from governance.engine.policyset import policy_set
from governance.grants import permits_on_name
from governance.models import User
from governance.selectors import default_policies, principal_for, schema_text
from governance.services import approve_request, decide, request_access
from governance.who import who_can
from tests.builders import World
from tests.governance.conftest import OPEN, SECRET, WIKI

pytestmark = pytest.mark.django_db

atoms = st.sampled_from(
    [
        "true",
        'principal in Team::"nlp"',
        'principal in Role::"acme/owner"',
        'principal in Group::"operators"',
        'principal in Group::"members"',
        'principal in Group::"nobody"',
        'principal == User::"ben"',
        '[User::"ben", User::"ana"].contains(principal)',
        "principal in resource.team",
        "principal in resource.owners",
        'principal.kind == "person"',
        "principal.delegated",
        'resource.visibility == "mesh"',
        'context.purpose == "analytics"',
        'resource.name like "/acme/*"',
    ]
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda p: f"({p[0]}) {p[1]} ({p[2]})"
        ),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=4,
)
heads = st.sampled_from(
    ["principal", 'principal == User::"carla"', 'principal in Team::"nlp"', "principal is User"]
)
texts = st.lists(
    st.tuples(st.sampled_from(["permit", "permit", "forbid"]), heads, conditions),
    min_size=1,
    max_size=4,
).map(
    lambda rules: "\n".join(
        f'@id("p{n}") {effect} ({head}, action, resource is Product) when {{ {body} }};'
        for n, (effect, head, body) in enumerate(rules)
    )
)


def resource_of(name: str) -> Resource:
    return product_resource(Product.objects.select_related("domain__team").get(name=name))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=texts, purpose=st.sampled_from(["", "analytics"]))
def test_generated_policies_find_just_those_they_allow(
    world: World, text: str, purpose: str
) -> None:
    try:
        known = policy_set(text, schema_text())
    except InvalidSpec:
        return  # the validator knows that it can never hold
    resource, at = resource_of(WIKI), Situation(purpose)
    found = set(who_can(known, Action.READ, resource, at, []).values_list("username", flat=True))
    allowed = {
        user.username
        for user in User.objects.all()
        if known.program.slice(principal_for(user), Action.READ, "Product", at)
        .verdict(resource)
        .allow
    }
    assert found == allowed


@pytest.mark.parametrize("name", [WIKI, OPEN, SECRET])
@pytest.mark.parametrize("action", list(Action))
def test_the_default_policies_and_a_grant_find_just_those_they_allow(
    world: World, name: str, action: Action
) -> None:
    asked = request_access(
        world.ben.user, world.ben.principal, name=WIKI, purpose="any", reason="", days=1
    )
    approve_request(world.ana.user, world.ana.principal, asked.pk)
    resource = resource_of(name)
    known = policy_set(default_policies(), schema_text())
    found = who_can(known, action, resource, Situation(), permits_on_name(name))
    allowed = {
        user.username
        for user in User.objects.all()
        if decide(principal_for(user), action, resource).allow
    }
    assert set(found.values_list("username", flat=True)) == allowed
    if (name, action) == (WIKI, Action.READ):
        assert "ben" in allowed, "the grant counts"


def test_a_disabled_person_is_not_found(world: World) -> None:
    known = policy_set(default_policies(), schema_text())
    User.objects.filter(username="ben").update(is_active=False)
    found = who_can(known, Action.READ, resource_of(OPEN), Situation(), [])
    assert not found.filter(username="ben").exists()


def test_only_who_administers_a_product_is_told(world: World) -> None:
    address = f"/api/v1/decisions/who?name={WIKI}&action=read"
    assert world.ben.client().get(address).status_code == 403
    answer = world.ana.client().get(address)
    told = {row["username"]: row["policies"] for row in answer.json()["results"]}
    assert told == {"ana": ["owners-manage", "team-uses-its-data"]}
    assert world.ben.client().get(address.replace("wiki", "secret")).status_code == 404
    assert world.ana.client().get(address.replace("read", "fly")).status_code == 422
