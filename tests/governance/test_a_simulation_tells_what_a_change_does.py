from __future__ import annotations

from typing import Any

import pytest

from core.errors import Conflict
from governance import resources, simulations
from governance.engine.entities import Action
from governance.models import Policy, PolicyState
from governance.services import decide, save_policy, simulation
from governance.services import policy_lifecycle as life
from governance.services.simulation import simulate_policy
from governance.services.simulation_access import access_changes
from movement.services import apply_plan
from movement.services.plans import Asked
from tests.builders import Person, World, build_world, deliver

WIKI, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/secret"
PERMIT = '@id("{0}") permit (principal in Group::"members", action == Action::"read", {1});'


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Any) -> World:
    world = build_world(settings, tmp_path)
    world.add_product(WIKI)
    world.add_product("/acme/nlp/~/open", visibility="public", access="open")
    world.add_product(SECRET, visibility="team")
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_directory("store-eu", "core-eu")
    world.add_directory("store-us", "core-us")
    return world


def drafted(who: Person, text: str, kind: str = "access", slug: str = "draft") -> Policy:
    slug = slug if kind == "access" else ""
    policy = life.draft_policy(who.principal, kind=kind, text=text, slug=slug)
    return life.validate_draft(who.principal, policy.pk)


def result_of(who: Person, policy: Policy, **asked: Any) -> dict[str, Any]:
    return dict(simulate_policy(who.principal, policy.pk, **asked).result)


def test_pairs_gained_and_lost_are_counted_and_named(world: World) -> None:
    policy = drafted(world.operator, PERMIT.format("a", 'resource == Product::"' + WIKI + '"'))
    found = result_of(world.operator, policy)
    gained = {(row["principal"], row["name"]) for row in found["gained"]["sample"]}
    assert gained == {("ben", WIKI), ("carla", WIKI), ("operator", WIKI)}
    assert (found["gained"]["pairs"], found["gained"]["by_action"]) == (3, {"read": 3})
    assert (found["lost"]["pairs"], found["changed_policies"]) == (0, ["a"])
    assert not decide(world.ben.principal, Action.READ, resources.load(WIKI)).allow


def test_what_a_changed_version_takes_away_is_lost(world: World) -> None:
    text = PERMIT.format("a", "resource is Product")
    save_policy(world.operator.principal, kind="access", slug="draft", text=text)
    narrower = text.replace(";", ' when { resource.visibility == "public" };')
    found = result_of(world.operator, drafted(world.operator, narrower))
    lost = {(row["principal"], row["name"]) for row in found["lost"]["sample"]}
    assert lost == {(who, name) for who in ("ben", "carla", "operator") for name in (WIKI, SECRET)}
    assert found["gained"]["pairs"] == 0


def test_a_grant_is_access_that_one_has_already(world: World) -> None:
    world.grant(world.ben, WIKI)
    policy = drafted(world.operator, PERMIT.format("a", 'resource == Product::"' + WIKI + '"'))
    found = result_of(world.operator, policy)
    assert {row["principal"] for row in found["gained"]["sample"]} == {"carla", "operator"}


def test_no_new_access_is_a_gate(world: World) -> None:
    policy = drafted(world.operator, PERMIT.format("a", "resource is Product"))
    client = world.operator.client()
    address = f"/api/v1/policies/{policy.pk}/simulate"
    answer = client.post(address, {"no_new_access": True}, "application/json").json()
    assert (answer["passed"], answer["result"]["new_access"]) == (False, True)
    policy.refresh_from_db()
    assert policy.state == PolicyState.VALIDATED
    with pytest.raises(Conflict):
        life.propose_draft(world.operator.principal, policy.pk)
    forbid = '@id("f") forbid (principal, action == Action::"read", resource is Product);'
    harmless = drafted(world.operator, forbid, slug="forbids")
    answer = client.post(
        f"/api/v1/policies/{harmless.pk}/simulate", {"no_new_access": True}, "application/json"
    ).json()
    assert (answer["passed"], answer["result"]["lost"]["pairs"] > 0) == (True, True)


def test_less_masking_is_new_access_and_more_is_not(world: World) -> None:
    text = '@mask("email=hash") ' + PERMIT.format("a", "resource is Product")
    save_policy(world.operator.principal, kind="access", slug="draft", text=text)
    bare = drafted(world.operator, text.replace('@mask("email=hash") ', ""))
    found = result_of(world.operator, bare)
    assert found["wider"]["pairs"] > 0
    assert found["new_access"]
    more = drafted(world.operator, text.replace("email=hash", "email=null"))
    found = result_of(world.operator, more)
    assert found["rebound"]["pairs"] > 0
    assert not found["new_access"]


def test_past_decisions_are_asked_again(world: World) -> None:
    site = {"action": "read", "name": WIKI}
    for client in (world.ben.client(), world.ben.client(), world.carla.client()):
        assert client.post("/api/v1/decisions", site, "application/json").status_code == 200
        client.get(f"/api/v1/resolve?name={WIKI}")
    world.add_label(WIKI, "topic:text")
    policy = drafted(world.operator, PERMIT.format("a", 'resource == Product::"' + WIKI + '"'))
    past = result_of(world.operator, policy)["past"]
    assert [(r["principal"], r["was"], r["would_be"], r["times"]) for r in past["sample"]] == [
        ("ben", False, True, 2), ("carla", False, True, 1),
    ]  # fmt: skip
    assert (past["decisions"], past["different"]) == (4, 3)
    assert result_of(world.operator, policy, days=0)["past"]["decisions"] == 0


def test_only_what_one_may_know_of_is_named_and_all_is_counted(world: World) -> None:
    """Whoever administers the mesh need not know of everything in it."""
    hide = f'@id("h") forbid (principal == User::"operator", action == Action::"discover", ' \
           f'resource == Product::"{SECRET}");'  # fmt: skip
    save_policy(world.operator.principal, kind="access", slug="hide", text=hide)
    policy = drafted(world.operator, PERMIT.format("a", "resource is Product"))
    found = result_of(world.operator, policy)
    named = {row["name"] for row in found["gained"]["sample"]}
    assert SECRET not in str(found)
    assert WIKI in named
    assert found["gained"]["resources"] == len(named) + 1


def test_what_was_named_once_is_not_told_to_who_may_not_know(world: World) -> None:
    policy = drafted(world.operator, PERMIT.format("a", "resource is Product"))
    assert SECRET in str(result_of(world.operator, policy))
    hide = f'@id("h") forbid (principal == User::"operator", action == Action::"discover", ' \
           f'resource == Product::"{SECRET}");'  # fmt: skip
    save_policy(world.operator.principal, kind="access", slug="hide", text=hide)
    told = world.operator.client().get(f"/api/v1/policies/{policy.pk}/simulation").json()
    assert SECRET not in str(told)
    assert WIKI in str(told)
    assert told["stale"]
    assert world.ben.client().get(f"/api/v1/policies/{policy.pk}/simulation").status_code in {
        403, 404,
    }  # fmt: skip


def test_copies_under_way_that_would_be_refused_are_told(world: World) -> None:
    version = world.publish(WIKI, {"a.csv": b"x\n1\n"}, "store-eu")
    world.add_protection("two", "{copies: 2}")
    deliver()
    apply_plan(world.operator.principal, Asked(WIKI))
    assert [row["store"] for row in simulations.touched(frozenset({WIKI}))["transfers"]] == [
        "store-us"
    ]
    forbid = '@id("f") forbid (principal, action == Action::"replicate", resource is Product) ' \
             'when { context.jurisdictions.contains("US") };'  # fmt: skip
    affected = result_of(world.operator, drafted(world.operator, forbid))["affected"]
    (transfer,) = affected["transfers"]["sample"]
    assert (transfer["version"], transfer["store"]) == (version.name, "store-us")
    assert transfer["would"] == "be refused"


def test_what_was_made_from_a_lost_product_is_told(world: World) -> None:
    source = world.publish(WIKI, {"a.csv": b"x\n1\n"}, "store-eu")
    world.publish("/acme/nlp/~/open", {"b.csv": b"x\n1\n"}, "store-eu", inputs=[source.name])
    deliver()
    forbid = f'@id("f") forbid (principal, action, resource == Product::"{WIKI}");'
    affected = result_of(world.operator, drafted(world.operator, forbid))["affected"]
    assert [row["name"] for row in affected["derived"]["sample"]] == ["/acme/nlp/~/open"]


def test_a_protection_tells_which_copies_come_and_which_are_refused(world: World) -> None:
    world.publish(WIKI, {"a.csv": b"x\n1\n"}, "store-eu")
    world.publish(SECRET, {"a.csv": b"x\n1\n"}, "store-eu")

    def copies(spec: str, slug: str = "p") -> dict[str, Any]:
        text = f"kind: protection\nid: {slug}\nscope: {{prefix: /acme}}\nspec: {spec}"
        return result_of(world.ana, drafted(world.ana, text, "protection"))

    found = copies("{copies: 2}")
    assert [found["copies"][key] for key in ("more", "fewer", "refused")] == [2, 0, 0]
    assert {row["store"] for row in found["copies"]["sample"]} == {"store-us"}
    assert {row["name"] for row in found["products"]["sample"]} >= {WIKI, SECRET}
    world.add_protection("two", "{copies: 2}")
    found = copies("{residency: [EU]}")
    assert (found["copies"]["refused"], found["copies"]["unmet"]) == (2, 2)
    assert found["products"]["sample"][0]["after"]["residency"] == ["EU"]


def test_a_protection_names_no_product_that_its_author_may_not_know(world: World) -> None:
    world.add_product("/acme/health/~/patients", visibility="team")
    text = "kind: protection\nid: p\nscope: {prefix: /acme}\nspec: {copies: 2}"
    found = result_of(world.ana, drafted(world.ana, text, "protection"))
    assert "patients" not in str(found)


def test_a_naming_policy_tells_which_products_break_it(world: World) -> None:
    text = (
        "kind: naming\nid: names\nscope: {prefix: /acme}\n"
        "spec: {vocabulary: {words: [wiki, secret]}, metadata: {license: true}}"
    )
    found = result_of(world.ana, drafted(world.ana, text, "naming"))
    rows = {
        row["name"]: {r["where"] for r in row["rules"]} for row in found["violations"]["sample"]
    }
    assert rows[WIKI] == {"spec.metadata.license"}
    assert rows["/acme/nlp/~/open"] == {"spec.metadata.license", "spec.vocabulary.words"}
    save_policy(world.ana.principal, kind="naming", text=text)
    looser = text.replace(", metadata: {license: true}", "")
    found = result_of(world.ana, drafted(world.ana, looser, "naming"))
    assert found["violations"]["count"] == 0
    assert found["mended"]["sample"] == [SECRET, WIKI]


def test_a_services_policy_tells_what_would_run_where(world: World) -> None:
    text = "kind: services\nid: s\nscope: {prefix: /acme/nlp}\nspec: {on: {publish: [scan]}}"
    found = result_of(world.ana, drafted(world.ana, text, "services"))
    assert found["products"]["count"] == 3
    events = found["products"]["sample"][0]["events"]
    assert events == {"publish": {"before": [], "after": ["scan"]}}


def test_an_edit_meanwhile_is_a_conflict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = drafted(world.operator, PERMIT.format("a", "resource is Product"))
    compute = access_changes

    def slow(*args: Any, **kwargs: Any) -> Any:
        life.edit_draft(world.operator.principal, policy.pk, text=policy.text + "\n")
        return compute(*args, **kwargs)

    monkeypatch.setattr(simulation, "access_changes", slow)
    with pytest.raises(Conflict, match="edited while"):
        simulate_policy(world.operator.principal, policy.pk)
