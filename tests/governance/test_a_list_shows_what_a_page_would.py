"""The list form of a decision is the point form: Cedar is the oracle, on the real database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from catalog.selectors import PRODUCT_FIELDS, product_resource, visible_products
from core.errors import InvalidSpec
from governance.engine import decision, oracle
from governance.engine.conditions import Some, Within
from governance.engine.entities import Action, Principal, Resource, Scope, Situation
from governance.engine.permits import Permit
from governance.engine.policyset import check_pushable, policy_set
from governance.engine.residual import Unpushable
from governance.engine.uids import Uid
from governance.pushdown import to_q
from governance.selectors import default_policies, schema_text
from governance.services import add_label, decide, save_policy
from governance.services.policy_checks import LISTED
from tests.builders import World, build_world

pytestmark = pytest.mark.django_db

TEAMS = ["acme", "nlp", "health"]
LABELS = ["pii:email", "topic:text"]


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    add = world.add_product
    add("/acme/~/plain")
    add("/acme/~/open", visibility="public", access="open")
    add("/acme/nlp/~/wiki", visibility="team", access="open")
    add("/acme/nlp/~/mail")
    add("/acme/nlp/~/wiki-tokens", visibility="public")
    add("/acme/health/~/scans", visibility="team")
    world.add_label("/acme/nlp/~/mail", "pii:email")
    world.add_label("/acme/nlp/~/mail", "topic:text")
    world.add_label("/acme/~/open", "topic:text")
    return world


quoted = st.sampled_from(
    ["acme", "nlp", "team", "mesh", "public", "open", "request", "draft", "model-training",
     "pii:email", "topic:text", "/acme/nlp/~/wiki"]
).map(lambda text: f'"{text}"')  # fmt: skip
strings = st.sampled_from(
    ["resource.visibility", "resource.access", "resource.lifecycle", "resource.name",
     "context.purpose", "principal.kind"]
)  # fmt: skip
string_sets = st.lists(quoted, min_size=1, max_size=3).map(lambda some: f"[{', '.join(some)}]")
labels = st.sampled_from(LABELS).map(lambda label: f'"{label}"')
teams = st.sampled_from(TEAMS).map(lambda slug: f'Team::"{slug}"')
domains = st.sampled_from(
    ['Domain::"/acme"', 'Domain::"/acme/nlp"', 'Domain::"/ac"', 'Product::"/acme/nlp/~/wiki"']
)
atoms = st.one_of(
    st.tuples(strings, st.sampled_from(["==", "!="]), quoted).map(" ".join),
    st.tuples(quoted, st.just("=="), strings).map(" ".join),
    st.tuples(string_sets, strings).map(lambda p: f"{p[0]}.contains({p[1]})"),
    labels.map(lambda label: f"resource.labels.contains({label})"),
    st.tuples(strings, st.sampled_from(["/acme/*", "te*", "*i*", "open"])).map(
        lambda p: f'{p[0]} like "{p[1]}"'
    ),
    st.lists(labels, min_size=1, max_size=2).map(
        lambda some: f"resource.labels.containsAll([{', '.join(some)}])"
    ),
    st.lists(labels, min_size=1, max_size=2).map(
        lambda some: f"resource.labels.containsAny([{', '.join(some)}])"
    ),
    teams.map(lambda team: f"resource.team == {team}"),
    st.lists(teams, min_size=1, max_size=2).map(
        lambda some: f"[{', '.join(some)}].contains(resource.team)"
    ),
    teams.map(lambda team: f"principal in {team}"),
    domains.map(lambda domain: f"resource in {domain}"),
    st.sampled_from(
        ["principal in resource.team", "principal in resource.owners", "resource has team",
         'principal == User::"ben"', "resource is Product", 'action == Action::"read"',
         'principal in Group::"members"', 'resource.owners == Role::"nlp/owner"',
         'context.jurisdictions.contains("EU")', "true"]
    ),
)  # fmt: skip
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda p: f"({p[0]}) {p[1]} ({p[2]})"
        ),
        inner.map(lambda part: f"!({part})"),
        st.tuples(inner, inner, inner).map(lambda p: f"if {p[0]} then {p[1]} else {p[2]}"),
    ),
    max_leaves=5,
)
heads = st.tuples(
    st.sampled_from(["principal", 'principal == User::"ben"', 'principal in Group::"members"',
                     'principal in Team::"nlp"']),
    st.sampled_from(["action", 'action == Action::"read"',
                     'action in [Action::"discover", Action::"read"]']),
    st.sampled_from(["resource is Product", 'resource == Product::"/acme/nlp/~/wiki"',
                     'resource is Product in Domain::"/acme/nlp"']),
).map(", ".join)  # fmt: skip
policies = st.lists(
    st.tuples(
        st.sampled_from(["permit", "permit", "forbid"]),
        heads,
        st.sampled_from(["when", "unless"]),
        conditions,
    ),
    min_size=1,
    max_size=3,
).map(
    lambda rules: "\n".join(
        f'@id("p{n}") {effect} ({head}) {kind} {{ {body} }};'
        for n, (effect, head, kind, body) in enumerate(rules)
    )
)
principals = st.builds(
    Principal,
    st.sampled_from(["ana", "ben", "anonymous"]),
    st.sampled_from([frozenset(), frozenset({"members"})]),
    st.sets(st.sampled_from(TEAMS)).map(frozenset),
    st.sets(st.sampled_from([f"{team}/owner" for team in TEAMS])).map(frozenset),
    kind=st.sampled_from(["person", "agent"]),
    on_behalf_of=st.sampled_from([None, Principal("carla")]),
)
situations = st.builds(
    Situation,
    st.sampled_from(["", "model-training"]),
    st.just(""),
    st.sampled_from([frozenset(), frozenset({"EU"})]),
)


def allowed_by_pages(text: str, principal: Principal, action: Action, at: Situation) -> set[str]:
    """One by one, by Cedar itself; our own `decide` must say the same for the same reasons."""
    known = policy_set(text, schema_text())
    found = set()
    for product in Product.objects.select_related("domain__team"):
        resource = product_resource(product)
        cedar = oracle.ask(known, principal, action, resource, at)
        assert not cedar.failure
        ours = decision.decide(known, principal, action, resource, at)
        assert (ours.allow, ours.policies) == (cedar.allow, cedar.policies), product.name
        if cedar.allow:
            found.add(product.name)
    return found


def allowed_by_list(text: str, principal: Principal, action: Action, at: Situation) -> set[str]:
    program = policy_set(text, schema_text()).program
    condition = program.slice(principal, action, "Product", at).condition()
    rows = Product.objects.filter(to_q(condition, PRODUCT_FIELDS))
    return set(rows.values_list("name", flat=True))


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=policies,
    principal=principals,
    action=st.sampled_from([Action.DISCOVER, Action.READ]),
    at=situations,
)
def test_generated_policies_decide_alike(
    world: World, text: str, principal: Principal, action: Action, at: Situation
) -> None:
    try:
        known = policy_set(text, schema_text())
    except InvalidSpec:
        return  # the validator knows that it can never hold
    pages = allowed_by_pages(text, principal, action, at)
    try:
        listed = allowed_by_list(text, principal, action, at)
    except Unpushable:
        with pytest.raises(Unpushable):
            check_pushable(known.policies, LISTED)
        return
    assert listed == pages


@pytest.mark.parametrize("who", ["ana", "ben", "carla", "operator", "anonymous"])
@pytest.mark.parametrize("action", [a for a in Action if a is not Action.REPLICATE])
def test_the_default_policies_decide_alike(world: World, who: str, action: Action) -> None:
    principal = Principal("anonymous") if who == "anonymous" else world.people[who].principal
    listed = set(visible_products(principal, action).values_list("name", flat=True))
    assert listed == allowed_by_pages(default_policies(), principal, action, Situation())


@pytest.mark.parametrize("prefix", ["/", "/acme/nlp", "/acme/nlp/~/wiki", "/acme/nl"])
def test_a_tokens_scope_narrows_lists_and_pages_alike(world: World, prefix: str) -> None:
    ana = world.ana.principal
    scoped = Principal(
        ana.id, ana.groups, ana.teams, ana.roles, (Scope(frozenset({Action.READ}), prefix),)
    )
    for action in (Action.READ, Action.DISCOVER):
        listed = set(visible_products(scoped, action).values_list("name", flat=True))
        pages = {
            product.name
            for product in Product.objects.select_related("domain__team")
            if decide(scoped, action, product_resource(product)).allow
        }
        assert listed == pages
    assert visible_products(scoped, Action.DISCOVER).count() == 0


def test_a_label_changes_the_very_next_decision(world: World) -> None:
    text = (
        '@id("no-pii") @reason("Not without a purpose.")\n'
        'forbid (principal, action in [Action::"discover", Action::"read"], resource is Product)\n'
        'when { resource.labels.contains("pii:phone") };'
    )
    save_policy(world.operator.principal, kind="access", slug="no-pii", text=text)
    name, ana = "/acme/~/open", world.ana.principal
    assert visible_products(ana).filter(name=name).exists()
    add_label(ana, name=name, label="pii:phone", column="number")
    assert not visible_products(ana).filter(name=name).exists()
    product = Product.objects.select_related("domain__team").get(name=name)
    refused = decide(ana, Action.READ, product_resource(product))
    assert (refused.allow, refused.policies) == (False, ("no-pii",))


def test_an_error_in_a_forbid_denies() -> None:
    """In plain Cedar a forbid that errors is skipped, and so would allow."""
    text = (
        '@id("yes") permit (principal, action, resource is Product);\n'
        '@id("no") forbid (principal, action, resource is Product) '
        'when { resource.lifecycle == "active" };'
    )
    known = policy_set(text, schema_text())
    whole = Resource("Product", "/a/~/b", "t", lifecycle="draft")
    assert decision.decide(known, Principal("x"), Action.READ, whole, Situation()).allow

    class Bare(Resource):
        """A resource that lacks an attribute, as a bug above might make it."""

        def __getattribute__(self, name: str) -> Any:
            if name == "lifecycle":
                raise AttributeError(name)
            return super().__getattribute__(name)

    answer = decision.decide(
        known, Principal("x"), Action.READ, Bare("Product", "/a/~/b", "t"), Situation()
    )
    assert (answer.allow, answer.policies) == (False, ())
    assert "could not be evaluated, which denies" in answer.reason


@pytest.mark.parametrize(
    "body",
    [
        "resource.bound",
        'principal == User::"bob" && resource.bound',
        'context.purpose == "x" && resource.residency.contains("EU")',
        'if context.purpose == "x" then resource.bound else true',
        "resource.labels.isEmpty()",
        'resource.name like "*/wiki"',
        "resource.name == resource.lifecycle",
        'principal == User::"bob" && resource.visibility == resource.access',
        "resource.labels == resource.residency",
    ],
)
def test_what_cannot_filter_lists_is_refused_whoever_saves_it(world: World, body: str) -> None:
    text = f'@id("mine") permit (principal, action, resource is Product) when {{ {body} }};'
    with pytest.raises(Unpushable, match="mine") as caught:
        save_policy(world.operator.principal, kind="access", slug="mine", text=text)
    assert caught.value.extra["errors"][0]["where"] == "mine"
    assert visible_products(world.ben.principal).exists()


def test_a_policy_about_copies_alone_may_speak_of_residency(world: World) -> None:
    text = (
        '@id("copies") forbid (principal, action == Action::"replicate", resource is Product) '
        'when { resource.residency.contains("US") };'
    )
    save_policy(world.operator.principal, kind="access", slug="copies", text=text)
    assert visible_products(world.ben.principal).exists()


def test_a_thousand_grants_are_one_list(world: World) -> None:
    many = tuple(Within(Uid("Product", f"/acme/~/p{n}"), itself_only=True) for n in range(3000))
    more = Within(Uid("Product", "/acme/~/open"), itself_only=True)
    found = Product.objects.filter(to_q(Some((*many, more)), PRODUCT_FIELDS))
    assert list(found.values_list("name", flat=True)) == ["/acme/~/open"]


@pytest.mark.parametrize("purpose", ["any", "model-training"])
def test_the_two_forms_of_a_grant_are_one_policy(purpose: str) -> None:
    permit = Permit("1", "ben", "/acme/~/wiki", purpose, datetime(2026, 1, 1, tzinfo=UTC))
    assert policy_set(permit.as_text(), schema_text()).policies == [permit.as_json()]
    base = policy_set(default_policies(), schema_text())
    wiki = Resource("Product", "/acme/~/wiki", "acme", visibility="mesh")
    at = Situation(purpose="model-training")
    for permits in ([permit], []):
        answer = decision.decide(base, Principal("ben"), Action.READ, wiki, at, permits)
        cedar = oracle.ask(base, Principal("ben"), Action.READ, wiki, at, permits)
        assert (answer.allow, answer.policies) == (bool(permits), cedar.policies)
        assert (permit.reason in answer.reason) == bool(permits)
