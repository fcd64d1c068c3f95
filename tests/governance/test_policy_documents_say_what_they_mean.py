from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec, PolicyTestsFailed
from core.yaml_text import read_yaml
from governance.engine import documents, service_policies
from governance.engine.contradictions import Site, contradictions
from governance.engine.protection import NOTHING, Protection, join, merge, requirement_of
from governance.engine.service_policies import Event
from governance.models import Policy
from governance.selectors import protection_of, services_for
from governance.services import save_policy
from tests.builders import World

NAMES = st.sampled_from("abcdef")
SITES = st.frozensets(st.sampled_from(["eu-1", "us-1", "jp-1"]))
DAYS = st.none() | st.integers(1, 4)
PROTECTIONS = st.builds(
    Protection,
    id=NAMES,
    copies=st.integers(1, 4),
    sites=SITES,
    residency=st.none() | st.frozensets(st.sampled_from(["DE", "EU", "US"]), min_size=1),
    min_sites=st.integers(1, 3),
    never_sites=SITES,
    jurisdictions=st.integers(1, 3),
    retention_days=st.integers(0, 4),
    max_retention_days=DAYS,
    object_lock_days=st.integers(0, 4),
    legal_hold=st.booleans(),
    time_to_replicate_minutes=DAYS,
)
REQUIREMENTS = st.lists(PROTECTIONS, max_size=2).map(merge)


@given(REQUIREMENTS, REQUIREMENTS, REQUIREMENTS)
def test_requirements_join_in_any_order_and_any_number_of_times(a: Any, b: Any, c: Any) -> None:
    assert join(a, b) == join(b, a)
    assert join(a, join(b, c)) == join(join(a, b), c)
    assert join(a, a) == a
    assert join(a, NOTHING) == a


@given(st.lists(PROTECTIONS, max_size=4, unique_by=lambda policy: policy.id))
def test_what_a_requirement_asks_for_is_asked_by_those_it_names(policies: list[Protection]) -> None:
    together = merge(policies)
    shortest = [p.max_retention_days for p in policies if p.max_retention_days is not None]
    assert together.max_retention_days == min(shortest, default=None)
    assert together.retention_days == max((p.retention_days for p in policies), default=0)
    assert together.legal_hold == any(p.legal_hold for p in policies)
    assert together.never_sites == frozenset().union(*(p.never_sites for p in policies))
    assert set(together.hold_by) == {p.id for p in policies if p.legal_hold}
    assert set(together.retention_by) == {
        p.id for p in policies if p.retention_days == together.retention_days > 0
    }
    assert set(together.never_by) == {(s, p.id) for p in policies for s in p.never_sites}


PLACES = [Site("eu-1", frozenset({"DE", "EU"})), Site("us-1", frozenset({"US"}))]


@given(st.lists(PROTECTIONS, max_size=3, unique_by=lambda policy: policy.id))
def test_a_contradiction_names_policies_that_have_it_by_themselves(
    policies: list[Protection],
) -> None:
    """Taking away all others leaves it standing; so it is theirs."""
    for found in contradictions(merge(policies), PLACES):
        alone = [policy for policy in policies if policy.id in found.policies]
        again = contradictions(merge(alone), PLACES)
        assert found.where in {each.where for each in again}
        assert found.severity in {each.severity for each in again if each.where == found.where}


CALLS = st.lists(
    st.fixed_dictionaries(
        {"service": st.sampled_from(["profile", "scan", "contract-check", "pipeline:x"])},
        optional={
            "after": st.lists(st.sampled_from(["profile", "scan", "pipeline:x"]), unique=True),
            "budget": st.fixed_dictionaries({"seconds": st.integers(1, 9)}),
        },
    ),
    min_size=1,
    max_size=3,
)
PLANS = st.tuples(NAMES, CALLS).map(
    lambda pair: service_policies.plan_of(pair[0], {"on": {"publish": pair[1]}}, Event.PUBLISH)
)


@given(PLANS, PLANS, PLANS)
def test_plans_join_in_any_order_and_any_number_of_times(a: Any, b: Any, c: Any) -> None:
    together = service_policies.join
    assert together(a, b) == together(b, a)
    assert together(a, together(b, c)) == together(together(a, b), c)
    assert together(a, a) == a


@given(st.lists(PLANS, max_size=3))
def test_services_run_after_what_they_wait_for(plans: list[Any]) -> None:
    plan = service_policies.merge(plans)
    ordered, circle = service_policies.in_order(plan)
    assert sorted(call.service for call in ordered) == sorted(plan)
    place = {call.service: n for n, call in enumerate(ordered)}
    for call in ordered:
        for earlier in call.after & place.keys():
            assert place[earlier] < place[call.service] or call.service in circle
    for order in permutations(plans):
        assert service_policies.in_order(service_policies.merge(order)) == (ordered, circle)
    if circle:
        assert any(plan[name].after & set(circle) for name in circle)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a: NO", {"a": "NO"}), ("on: [y]", {"on": ["y"]}), ("a: 010", {"a": 10}),
     ("a: 2026-11-25", {"a": "2026-11-25"}), ("a: true", {"a": True}), ("a:", {"a": None}),
     ("a: 1e3", {"a": 1000.0})],
)  # fmt: skip
def test_yaml_means_what_it_says(text: str, value: Any) -> None:
    assert read_yaml(text) == value


@pytest.mark.parametrize(
    "text",
    ["a: 1\na: 2", "a: &x 1\nb: *x", "1: 2", "a: !!python/name:os.system", "a: !!binary aGk=",
     "a: 1e999", "[" * 5000, "? [1]\n: 2", "a: \x00"],
)  # fmt: skip
def test_yaml_that_surprises_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        read_yaml(text)


def test_norway_is_a_jurisdiction() -> None:
    text = "kind: protection\nid: a\nspec: {residency: [NO, SE]}"
    assert documents.parse(text).spec == {"residency": ["NO", "SE"]}


def test_every_kind_has_a_schema(world: World) -> None:
    client = world.ben.client()
    for kind in (*documents.KINDS, "access"):
        told = client.get(f"/api/v1/policies/schema?kind={kind}").json()
        assert told["$schema"].endswith("2020-12/schema")
    assert client.get("/api/v1/policies/schema?kind=odd").status_code == 422


def protect(world: World, slug: str, spec: str, prefix: str = "/acme", **more: Any) -> Any:
    text = f"kind: protection\nid: {slug}\nscope: {{prefix: {prefix}}}\nspec: {spec}"
    body = {"kind": "protection", "text": text}
    return world.operator.client().post("/api/v1/policies", body, "application/json")


@pytest.fixture
def places(world: World) -> World:
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_site("edge-pt", "edge", ["PT", "EU"])
    return world


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        ("{retention_days: 2555}", "{max_retention_days: 30}", "spec.retention_days"),
        ("{object_lock_days: 90}", "{max_retention_days: 30}", "spec.object_lock_days"),
        ("{sites: [core-us]}", "{never_sites: [core-us]}", "spec.never_sites"),
        ("{sites: [core-us]}", "{residency: [EU]}", "spec.sites"),
        ("{copies: 2}", "{copies: 3, residency: [EU]}", "spec.copies"),
        ("{copies: 2}", "{min_sites: 2, never_sites: [core-us, edge-pt]}", "spec.min_sites"),
    ],
)
def test_a_contradiction_is_refused_with_the_products_named(
    places: World, first: str, second: str, where: str
) -> None:
    assert protect(places, "one", first).status_code == 201
    answer = protect(places, "two", second, prefix="/acme/nlp")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_spec")
    (error,) = [each for each in problem["errors"] if each["where"] == where]
    assert error["products"] == ["/acme/nlp/~/open", "/acme/nlp/~/secret", "/acme/nlp/~/wiki"]
    assert error["count"] == 3
    assert not Policy.objects.filter(slug="two").exists()


def test_at_most_twenty_products_are_named_and_all_counted(places: World) -> None:
    for number in range(25):
        places.add_product(f"/acme/nlp/~/p{number}")
    protect(places, "one", "{retention_days: 2555}")
    error = protect(places, "two", "{max_retention_days: 30}").json()["errors"][0]
    assert (len(error["products"]), error["count"]) == (20, 28)


def test_what_only_waits_for_a_site_is_a_warning(places: World) -> None:
    answer = protect(places, "one", "{copies: 5, sites: [core-jp]}").json()
    told = {each["where"]: each for each in answer["warnings"]}
    assert set(told) == {"spec.copies", "spec.sites"}
    assert told["spec.copies"]["count"] == 3
    for who in (places.ben, places.operator):
        (row,) = who.client().get("/api/v1/policies?slug=one").json()["results"]
        assert [each["products"] for each in row["warnings"]] == [[], []]


def test_a_residency_is_never_held_up_by_a_wish_for_copies(places: World) -> None:
    protect(places, "one", "{copies: 3}")
    answer = protect(places, "two", "{residency: [DE]}")
    assert answer.status_code == 201
    assert [each["where"] for each in answer.json()["warnings"]] == ["spec.copies"]


def test_a_hold_beats_the_end_of_retention(places: World) -> None:
    protect(places, "ends", "{max_retention_days: 30}")
    answer = protect(places, "held", "{legal_hold: true}", prefix="/acme/nlp/~/wiki")
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert "the hold wins" in warning["message"]
    assert warning["products"] == ["/acme/nlp/~/wiki"]
    assert protection_of("/acme/nlp/~/wiki", []).legal_hold
    assert not protection_of("/acme/nlp/~/open", []).legal_hold


def test_policies_with_labels_meet_on_a_product_that_carries_both(places: World) -> None:
    one = "{kind: protection, id: one, scope: {labels: ['a:b']}, spec: {retention_days: 99}}"
    two = "{kind: protection, id: two, scope: {labels: ['c:d']}, spec: {max_retention_days: 9}}"
    who = places.operator.principal
    save_policy(who, kind="protection", text=one)
    save_policy(who, kind="protection", text=two)
    places.add_label("/acme/nlp/~/wiki", "a:b")
    places.add_label("/acme/nlp/~/wiki", "c:d")
    with pytest.raises(InvalidSpec) as refused:
        save_policy(who, kind="protection", text=two.replace("9}", "8}"))
    assert refused.value.extra["errors"][0]["products"] == ["/acme/nlp/~/wiki"]


def test_a_contradiction_names_nothing_that_one_may_not_know_of(places: World) -> None:
    places.add_product("/acme/health/~/patients", visibility="team")
    protect(places, "one", "{retention_days: 99}")
    text = "kind: protection\nid: two\nscope: {prefix: /acme}\nspec: {max_retention_days: 9}"
    with pytest.raises(InvalidSpec) as refused:
        save_policy(places.ana.principal, kind="protection", text=text)
    (error,) = refused.value.extra["errors"]
    assert "/acme/health/~/patients" not in error["products"]
    assert error["count"] == 3


SERVICES = """
kind: services
id: on-arrival
scope: {prefix: /acme/nlp}
spec:
  on:
    publish: [scan, profile, {service: contract-check, after: [scan], budget: {seconds: 60}}]
    schedule: [{service: scan, every_hours: 168}]
  budget: {seconds: 600}
tests:
  - given: {name: /acme/nlp/~/wiki, event: publish}
    expect: {services: [profile, scan, contract-check]}
  - given: {name: /acme/health/~/x}
    expect: {applies: false, services: []}
"""


def test_services_are_told_in_the_order_in_which_they_run(world: World) -> None:
    save_policy(world.ana.principal, kind="services", text=SERVICES)
    calls = services_for("/acme/nlp/~/wiki", [], "publish")
    assert [call.service for call in calls] == ["profile", "scan", "contract-check"]
    assert [call.seconds for call in calls] == [600, 600, 60]
    assert [c.every_hours for c in services_for("/acme/nlp/~/wiki", [], "schedule")] == [168]
    assert services_for("/acme/health/~/x", [], "publish") == []


def test_services_that_wait_for_each_other_are_refused(world: World) -> None:
    save_policy(world.ana.principal, kind="services", text=SERVICES)
    text = (
        "kind: services\nid: more\nscope: {prefix: /acme/nlp/~/wiki}\n"
        "spec: {on: {publish: [{service: scan, after: [contract-check]}]}}"
    )
    with pytest.raises(InvalidSpec, match="wait for each other") as refused:
        save_policy(world.ana.principal, kind="services", text=text)
    assert refused.value.extra["errors"][0]["products"] == ["/acme/nlp/~/wiki"]


@pytest.mark.parametrize(
    ("kind", "spec", "test"),
    [
        ("protection", "{copies: 2}", "given: {name: /acme/~/x}, expect: {copies: 3}"),
        ("protection", "{residency: [DE]}", "given: {name: /b/~/x}, expect: {applies: true}"),
        ("protection", "{copies: 2}", "given: {name: /acme/~/x}, expect: {legal_hold: true}"),
        ("services", "{on: {change: [scan]}}",
         "given: {name: /acme/~/x, event: publish}, expect: {services: [scan]}"),
        ("naming", "{reserved: [x]}", "given: {name: /acme/~/x}, expect: {allowed: true}"),
        ("naming", 'keys: [{key: "/acme/KEY/{id}", signs: /acme}]',
         "given: {name: /acme/~/x/v=1, act: sign, key: /other/KEY/1}, expect: {allowed: true}"),
        ("protection", "{copies: 2}", "given: {name: no-name}, expect: {copies: 2}"),
    ],
)  # fmt: skip
def test_a_document_whose_own_tests_fail_is_refused(
    world: World, kind: str, spec: str, test: str
) -> None:
    spec = spec if spec.startswith("{") else "{" + spec + "}"
    text = f"kind: {kind}\nid: mine\nscope: {{prefix: /acme}}\nspec: {spec}\ntests: [{{{test}}}]\n"
    expected = InvalidSpec if "no-name" in test else PolicyTestsFailed
    with pytest.raises(expected):
        save_policy(world.operator.principal, kind=kind, text=text)
    assert not Policy.objects.exists()


def test_what_one_document_says_of_a_name_is_what_its_tests_see(world: World) -> None:
    text = (
        "kind: protection\nid: mine\nscope: {prefix: /acme, labels: ['pii:email']}\n"
        "spec: {copies: 2, residency: [DE, EU]}\n"
        "tests:\n"
        "  - {given: {name: /acme/~/x, labels: ['pii:email']}, expect: {copies: 2,"
        " residency: [EU, DE], legal_hold: false, applies: true}}\n"
        "  - {given: {name: /acme/~/x}, expect: {applies: false, residency: null}}\n"
    )
    assert save_policy(world.operator.principal, kind="protection", text=text).state == "active"


def test_the_empty_requirement_is_that_of_no_policy() -> None:
    assert merge([]) == NOTHING == requirement_of(Protection("x"))
    assert contradictions(NOTHING, []) == []
