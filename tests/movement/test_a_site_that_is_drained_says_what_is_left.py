"""A site that is drained has its copies made elsewhere, and says what stays behind and why."""

from __future__ import annotations

from typing import Any

from governance.services import place_hold
from movement.holdings import holdings_of
from movement.models import Pin, Replica, Site, Store
from movement.services import remove_due, set_site_state
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.sites import Clock, clock, work

__all__ = ["clock"]

FILES = {"a.csv": b"x\n1\n"}


def holdings(world: World, who: str = "operator") -> dict[str, Any]:
    shown: dict[str, Any] = world.people[who].client().get("/api/v1/sites/core-eu").json()
    return dict(shown["holdings"])


def test_it_says_what_is_left_and_what_does_not_leave_by_itself(folders: World) -> None:
    folders.add_protection("eu-only", '{residency: ["DE"]}', prefix=PATIENTS)
    bound = folders.publish(PATIENTS, FILES, store="dir-eu")
    held = folders.publish(WIKI, FILES, store="dir-eu")
    pinned = folders.publish(WIKI, FILES, store="dir-eu")
    folders.publish(WIKI, FILES, store="dir-eu")
    draft = folders.draft(WIKI, FILES, store="dir-eu")
    place_hold(folders.operator.principal, name=held.name, reference="case-1", reason="A case")
    store = Store.objects.get(name="dir-eu")
    Pin.objects.create(version=pinned, store=store, reason="A demo", asked_by="operator")
    assert holdings(folders)["replicas"] == 5
    assert holdings(folders)["left_to_move"] == 0
    set_site_state(folders.operator.principal, "core-eu", "draining")
    work()
    left = holdings(folders)
    assert (left["left_to_move"], left["bytes_left"]) == (left["replicas"], left["bytes"])
    assert {(each["reason_code"], *each["versions"]) for each in left["blocked"]} == {
        ("draft",),
        ("pinned", pinned.name),
        ("policy_denied", bound.name),
        ("under_legal_hold", held.name),
    }
    told = {each["reason_code"]: each["versions"] for each in holdings(folders, "ana")["blocked"]}
    assert told["draft"] == [draft.name], "its writer is told its name"


def test_it_is_emptied_and_nothing_new_is_placed_there(folders: World, clock: Clock) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    assert work() == {}
    set_site_state(folders.operator.principal, "core-eu", "draining")
    for _ in range(3):
        work()
        clock.pass_by(hours=25)
        remove_due()
    states = dict(Replica.objects.filter(version=version).values_list("store__name", "state"))
    assert states.pop("dir-eu") == "deleted"
    assert list(states.values()) == ["complete"]
    assert not list((folders.home / "stores" / "dir-eu").rglob("a.csv"))
    folders.add_protection("three", "{copies: 3}")
    later = folders.publish(WIKI, FILES, store="dir-us")
    work()
    assert not later.replicas.filter(store__name="dir-eu").exists()
    left = holdings_of(folders.operator.principal, Site.objects.get(name="core-eu"))
    assert (left.left_to_move, left.blocked) == (0, ())


def test_a_stranger_is_told_of_what_he_may_know_of(folders: World) -> None:
    folders.add_product("/acme/nlp/~/secret", visibility="team")
    folders.publish("/acme/nlp/~/secret", FILES, store="dir-eu")
    folders.draft("/acme/nlp/~/secret", FILES, store="dir-eu")
    folders.publish(WIKI, FILES, store="dir-eu")
    set_site_state(folders.operator.principal, "core-eu", "draining")
    assert holdings(folders, "ben")["left_to_move"] == 1
    assert holdings(folders, "ben")["blocked"] == []
    assert holdings(folders, "ana")["left_to_move"] == 3
