"""While a hold stands nothing is removed by any way; two people lift it."""

from __future__ import annotations

import pytest

from catalog.models import Version
from catalog.services import move_product
from core.errors import UnderLegalHold
from governance.holds import holds_on
from movement.services import abort_version, reconcile_version
from tests.builders import World, deliver
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.erasing import (
    act,
    approve,
    copy,
    get,
    keys,
    lift,
    place_hold,
    post,
    propose,
    receipts,
    site_is,
)

FILES = {"a.csv": b"x\n1\n"}
HELD = "under_legal_hold"


@pytest.mark.parametrize("where", ["/acme", "/acme/nlp", WIKI, f"{WIKI}/v=1"])
def test_a_tombstone_is_refused_and_names_the_case(folders: World, where: str) -> None:
    version = folders.publish(WIKI, FILES)
    hold = place_hold(folders.operator, where)
    address = f"versions/{version.pk}/tombstone"
    told = post(folders.ana, address, {"reason": "I like to."}, expect=409)
    assert told["code"] == HELD
    assert told["holds"] == [{"name": where, "reference": "case 7"}]
    post(folders.ben, address, {"reason": "x"}, expect=403)
    lift(folders, hold)
    post(folders.ana, address, {"reason": "Now I may."})


def test_a_hold_beside_binds_nothing(folders: World) -> None:
    version = folders.publish(WIKI, FILES)
    place_hold(folders.operator, "/acme/health")
    place_hold(folders.ana, f"{WIKI}/v=2")
    assert holds_on(version.name) == ()
    post(folders.ana, f"versions/{version.pk}/tombstone", {"reason": "Mine."})


def test_an_erasure_is_not_approved_and_says_why(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    hold = place_hold(folders.operator, WIKI)
    order = propose(folders.ana, version.name)
    assert order["plan"]["versions"][0]["does"] == "block"
    assert [block["reference"] for block in order["plan"]["blocks"]] == ["case 7"]
    assert approve(folders.operator, order, expect=409)["code"] == HELD
    blocked = get(folders.ana, f"erasures/{order['id']}")
    assert (blocked["state"], blocked["reason_code"]) == ("blocked", HELD)
    assert "case 7" in blocked["why"]
    assert act(order) is None
    lift(folders, hold)
    assert act(order) is None, "a hold that is lifted approves nothing"
    approve(folders.operator, order)
    assert act(order) == "done"
    assert keys("dir-eu") == []


def test_a_hold_after_the_approval_stops_the_worker(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, version.name)
    approve(folders.operator, order)
    hold = place_hold(folders.ana, "/acme/nlp")
    assert act(order) == "blocked"
    assert get(folders.ana, f"versions/{version.pk}")["state"] == "published"
    assert "acme/nlp/~/wiki/v=1/a.csv" in keys("dir-eu")
    lift(folders, hold)
    approve(folders.operator, order)
    assert act(order) == "done"


def test_a_hold_in_the_middle_keeps_what_is_left(folders: World) -> None:
    """One store is erased, the other away; the hold comes before it is back."""
    version = folders.publish(WIKI, FILES, store="dir-eu")
    copy(folders, version, "dir-us")
    site_is(folders, "core-us", "offline")
    order = propose(folders.ana, version.name)
    approve(folders.operator, order)
    assert act(order) == "acting"
    assert keys("dir-eu") == []
    hold = place_hold(folders.ana, WIKI)
    site_is(folders, "core-us", "online")
    assert act(order) == "blocked"
    assert "acme/nlp/~/wiki/v=1/a.csv" in keys("dir-us")
    told = receipts(get(folders.ana, f"erasures/{order['id']}"))
    assert told["replica", version.name, "dir-eu"]["state"] == "erased"
    assert told["replica", version.name, "dir-us"]["state"] == "pending"
    lift(folders, hold)
    approve(folders.operator, order)
    assert act(order) == "done"
    assert keys("dir-us") == []


def test_what_is_derived_and_held_is_kept_and_receipted(folders: World) -> None:
    folders.add_product("/acme/nlp/~/tokens")
    source = folders.publish(WIKI, FILES, store="dir-eu")
    made = folders.publish("/acme/nlp/~/tokens", FILES, store="dir-eu", inputs=[source.name])
    deliver()
    place_hold(folders.ana, "/acme/nlp/~/tokens")
    order = propose(folders.ana, source.name, cascade="derived")
    approve(folders.operator, order)
    assert act(order) == "done"
    told = receipts(get(folders.ana, f"erasures/{order['id']}"))
    kept = told["derived", made.name, "catalog"]
    assert (kept["state"], kept["reason_code"]) == ("kept", HELD)
    assert [key.split("/")[3] for key in keys("dir-eu")] == ["tokens"]


def test_a_draft_is_not_given_up(folders: World) -> None:
    draft = folders.draft(WIKI, FILES, store="dir-eu")
    place_hold(folders.ana, WIKI)
    with pytest.raises(UnderLegalHold):
        abort_version(folders.ana.principal, draft.pk)
    assert keys("dir-eu") == ["acme/nlp/~/wiki/v=1/a.csv"]
    assert Version.objects.filter(pk=draft.pk).exists()


def test_a_protection_policy_holds_as_well(folders: World) -> None:
    version = folders.publish(WIKI, FILES)
    folders.add_protection("frozen", "{legal_hold: true}", prefix="/acme/nlp")
    told = post(folders.ana, f"versions/{version.pk}/tombstone", {"reason": "x"}, expect=409)
    assert told["holds"] == [{"name": "/acme/nlp", "reference": "policy frozen"}]
    assert reconcile_version(version.pk) is not None


def test_a_product_does_not_move_out_of_a_hold(folders: World) -> None:
    version = folders.publish(WIKI, FILES)
    place_hold(folders.operator, "/acme/nlp", "case 8")
    place_hold(folders.operator, WIKI, "case 9")
    moved = "/acme/~/wiki"
    move_product(folders.operator.principal, version.product_id, moved)
    version = Version.objects.get(pk=version.pk)
    assert {hold.reference for hold in holds_on(version.name)} == {"case 8", "case 9"}
    place = {hold.reference: hold.name for hold in holds_on(version.name)}
    assert place == {"case 8": moved, "case 9": moved}


def test_lifting_takes_two_people(folders: World) -> None:
    hold = place_hold(folders.ana, WIKI)
    address = f"holds/{hold['id']}/lift"
    post(folders.ben, address, {"reason": "x"}, expect=403)
    asked = post(folders.ana, address, {"reason": "It is over."})
    assert (asked["state"], asked["lift_asked_by"]) == ("lift_asked", "ana")
    assert holds_on(WIKI)
    post(folders.ana, address, {"reason": "Really."}, expect=409)
    lifted = post(folders.operator, address)
    assert (lifted["state"], lifted["lifted_by"]) == ("lifted", "operator")
    assert holds_on(WIKI) == ()
    post(folders.operator, address, expect=409)


def test_a_hold_is_told_of_to_those_who_may_know(folders: World) -> None:
    folders.add_product("/acme/health/~/secret", visibility="team")
    place_hold(folders.carla, "/acme/health/~/secret", "hidden case")
    place_hold(folders.carla, PATIENTS, "known case")
    seen = get(folders.ben, "holds")["results"]
    assert [(row["reference"], row["reason"]) for row in seen] == [("known case", "")]
    owner = get(folders.carla, "holds")["results"]
    assert {row["reference"] for row in owner} == {"hidden case", "known case"}
    assert {row["reason"] for row in owner} == {"A court asks."}
    named = get(folders.carla, f"holds?name={PATIENTS}/v=1")["results"]
    assert [row["reference"] for row in named] == ["known case"]
    post(folders.ana, "holds", {"name": PATIENTS, "reference": "x", "reason": "y"}, expect=403)
    twice = {"name": PATIENTS, "reference": "known case", "reason": "again"}
    post(folders.carla, "holds", twice, expect=409)
