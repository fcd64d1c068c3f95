from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec, NotFound, PolicyDenied
from core.models import OutboxEvent
from governance.engine.protection import Protection, merge
from governance.models import AuditEntry, Policy, PolicyState
from governance.services import add_label, save_policy
from tests.builders import World

SITES = ["eu-1", "us-1", "jp-1"]
places = st.none() | st.frozensets(st.sampled_from(["DE", "EU", "US"]), min_size=1)
protections = st.lists(
    st.builds(
        Protection,
        st.sampled_from("abcdef"),
        st.integers(1, 5),
        st.frozensets(st.sampled_from(SITES)),
        places,
    ),
    unique_by=lambda policy: policy.id,
    max_size=4,
)


@given(protections)
def test_merging_is_max_union_and_intersection_in_any_order(policies: list[Protection]) -> None:
    together = merge(policies)
    assert all(merge(order) == together for order in permutations(policies))
    assert together.copies == max([1, *(p.copies for p in policies)])
    assert together.sites == {site for p in policies for site in p.sites}
    bound = [p.residency for p in policies if p.residency is not None]
    every = {"DE", "EU", "US"}
    expected = {place for place in every if all(place in b for b in bound)} if bound else None
    assert together.residency == expected
    assert bool(together.contradiction) == (expected == set())


def save(world: World, slug: str, spec: str, **scope: Any) -> Policy:
    return world.add_protection(slug, spec, **scope)


def test_three_that_agree_two_by_two_can_still_contradict(world: World) -> None:
    save(world, "one", "{residency: [DE, FR]}")
    save(world, "two", "{residency: [FR, US]}")
    with pytest.raises(InvalidSpec, match="one, three, two"):
        save(world, "three", "{residency: [DE, US]}", prefix="/acme/nlp")
    assert not Policy.objects.filter(slug="three").exists()


def test_policies_that_never_meet_do_not_contradict(world: World) -> None:
    save(world, "one", "{residency: [DE]}", prefix="/acme/nlp")
    save(world, "two", "{residency: [US]}", prefix="/acme/health")
    save(world, "three", "{residency: [DE]}", labels=["region:eu"])
    save(world, "four", "{residency: [US]}", labels=["region:us"])
    with pytest.raises(InvalidSpec):
        save(world, "five", "{residency: [DE]}", prefix="/acme/health", labels=["pii:email"])


@pytest.mark.parametrize(
    "text",
    ["", "- a", "kind: protection", ": :", "kind: access\nid: a\nspec: {copies: 1}",
     "kind: protection\nid: a\nspec: {copies: 0}", "kind: protection\nid: a\nspec: {copys: 1}",
     "kind: protection\nid: A b\nspec: {copies: 1}",
     "kind: protection\nid: a\nscope: {prefix: /acme/nlp/~/wiki/v=1}\nspec: {copies: 1}",
     "kind: protection\nid: a\nspec: {residency: [Germany]}"],
)  # fmt: skip
def test_a_document_without_sense_is_refused_whole(world: World, text: str) -> None:
    with pytest.raises(InvalidSpec):
        save_policy(world.operator.principal, kind="protection", text=text)
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    "text",
    ["permit", "permit (principal, action, resource);", '@id("a") permit (principal, action, x);',
     '@id("a") permit (principal, action, resource) when { resource.colour == "red" };',
     '@id("owners-manage") permit (principal, action, resource);'],
)  # fmt: skip
def test_cedar_that_is_not_clean_is_refused(world: World, text: str) -> None:
    with pytest.raises(InvalidSpec):
        save_policy(world.operator.principal, kind="access", slug="a", text=text)
    assert not Policy.objects.exists()


def test_only_who_administers_the_scope_saves(world: World) -> None:
    text = "kind: protection\nid: mine\nscope: {prefix: /acme/nlp}\nspec: {copies: 2}"
    with pytest.raises(PolicyDenied):
        save_policy(world.ben.principal, kind="protection", text=text)
    save_policy(world.ana.principal, kind="protection", text=text)
    with pytest.raises(PolicyDenied):
        save_policy(
            world.ana.principal, kind="access", slug="x",
            text='@id("x") permit (principal, action, resource);',
        )  # fmt: skip


def test_nobody_puts_anothers_policy_out_of_force_by_taking_its_id(world: World) -> None:
    kept = save(world, "eu-only", "{residency: [DE]}", prefix="/acme/nlp")
    text = "kind: protection\nid: eu-only\nscope: {prefix: /acme/health}\nspec: {copies: 1}"
    with pytest.raises(PolicyDenied):
        save_policy(world.carla.principal, kind="protection", text=text)
    kept.refresh_from_db()
    assert kept.state == PolicyState.ACTIVE


def test_a_new_version_retires_the_one_before_and_edits_nothing(world: World) -> None:
    first = save(world, "two-copies", "{copies: 2}")
    assert save(world, "two-copies", "{copies: 2}").pk == first.pk
    second = save(world, "two-copies", "{copies: 3}")
    first.refresh_from_db()
    assert (first.version, first.state) == (1, PolicyState.RETIRED)
    assert (second.version, second.state) == (2, PolicyState.ACTIVE)
    assert "copies: 2" in first.text


def test_a_policy_that_names_a_hidden_product_is_hidden_with_it(world: World) -> None:
    save(world, "for-secret", "{copies: 2}", prefix="/acme/nlp/~/secret")
    save(world, "for-all", "{copies: 2}")

    def slugs(who: Any) -> set[str]:
        return {row["slug"] for row in who.client().get("/api/v1/policies").json()["results"]}

    assert slugs(world.ana) == {"for-secret", "for-all"}
    assert slugs(world.ben) == {"for-all"}


def test_the_log_holds_the_act_in_the_same_transaction(world: World) -> None:
    name = "/acme/nlp/~/wiki"
    before = (AuditEntry.objects.count(), OutboxEvent.objects.count())
    with transaction.atomic():
        add_label(world.ana.principal, name=name, label="topic:text")
        assert AuditEntry.objects.count() == before[0] + 1
        transaction.set_rollback(True)
    assert (AuditEntry.objects.count(), OutboxEvent.objects.count()) == before


def test_a_denied_act_is_in_the_log_though_it_was_rolled_back(world: World) -> None:
    body = {"name": "/acme/nlp/~/new", "title": "New"}
    assert world.ben.client().post("/api/v1/products", body, "application/json").status_code == 403
    entry = AuditEntry.objects.by("ben").get(allowed=False)
    assert (entry.action, entry.name) == ("publish", "/acme/nlp")


def test_ones_own_log_does_not_betray_what_is_hidden(world: World) -> None:
    client = world.ben.client()
    for name in ("/acme/nlp/~/secret", "/acme/nlp/~/absent"):
        body = {"action": "read", "name": name}
        assert client.post("/api/v1/decisions", body, "application/json").status_code == 404
    assert AuditEntry.objects.by("ben").filter(name="/acme/nlp/~/secret").exists()
    log = client.get("/api/v1/audit").json()["results"]
    assert not [row for row in log if row["name"].endswith(("secret", "absent"))]
    whole = world.operator.client().get("/api/v1/audit?principal=ben").json()["results"]
    assert [row["name"] for row in whole if not row["allowed"]] == ["/acme/nlp/~/secret"]


def test_labels_are_checked_and_belong_to_writers(world: World) -> None:
    with pytest.raises(NotFound):
        add_label(world.ben.principal, name="/acme/nlp/~/secret", label="pii:email")
    with pytest.raises(PolicyDenied):
        add_label(world.ben.principal, name="/acme/nlp/~/wiki", label="pii:email")
    row = world.add_label("/acme/nlp/~/wiki", "pii:email")
    assert world.add_label("/acme/nlp/~/wiki", "pii:email").pk == row.pk
    answer = world.ben.client().delete(f"/api/v1/labels/{row.pk}")
    assert answer.status_code == 403
    assert world.ana.client().delete(f"/api/v1/labels/{row.pk}").status_code == 204
