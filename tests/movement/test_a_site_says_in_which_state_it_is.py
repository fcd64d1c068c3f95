"""Operators say in which state a site is and why; a site itself says that it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from governance.models import AuditEntry, User
from governance.selectors import principal_for
from governance.services import create_machine
from movement.models import SITE_MOVES, Site, SiteState
from movement.services import hear_from, request_transfer, set_site_state, watch_sites
from tests.builders import Person, World
from tests.movement.conftest import WIKI
from tests.movement.sites import Clock, audited, clock, patch, state_of

__all__ = ["clock"]


def machine_of(world: World, site: str) -> Person:
    maker = world.operator.principal
    return Person(create_machine(maker, username=f"at-{site}", kind="site", team="nlp", site=site))


def post_heartbeat(client: Client, site: str) -> Any:
    return client.post(f"/api/v1/sites/{site}/heartbeat")


def test_a_state_has_a_reason_and_a_date_and_is_audited(folders: World, clock: Clock) -> None:
    back = clock.now + timedelta(days=3)
    told = {"state": "offline", "reason": "A voyage", "expected_back": back.isoformat()}
    shown = patch(folders.operator, "edge-pt", **told).json()
    assert (shown["state"], shown["state_reason"]) == ("offline", "A voyage")
    assert "expected back" in shown["contact"]["reason"]
    first = Site.objects.get(name="edge-pt")
    assert (first.state_since, first.expected_back) == (clock.now, back)
    clock.pass_by(hours=5)
    again = patch(folders.operator, "edge-pt", state="offline", reason="A long voyage").json()
    assert again["state_since"] == shown["state_since"], "it has been away since it went"
    assert again["expected_back"] == shown["expected_back"]
    home = patch(folders.operator, "edge-pt", state="online").json()
    assert (home["state_reason"], home["expected_back"]) == ("", None)
    entries = audited("site-state")
    assert [(entry["was"], entry["state"]) for entry in entries] == [
        ("online", "offline"), ("offline", "offline"), ("offline", "online")
    ]  # fmt: skip
    assert [bool(entry["reason"]) for entry in entries] == [True, True, False]


def test_every_move_is_one_of_the_table(folders: World) -> None:
    for was in SiteState:
        for state in SITE_MOVES[was]:
            Site.objects.filter(name="edge-pt").update(state=was)
            assert patch(folders.operator, "edge-pt", state=state).status_code == 200
            assert state_of("edge-pt") == state


def test_what_makes_no_sense_is_refused(folders: World) -> None:
    before = Site.objects.filter(name="edge-pt").values().get()
    wrong: list[dict[str, Any]] = [
        {"state": "asleep"},
        {"state": "online", "expected_back": "2099-01-01T00:00:00Z"},
        {"grace_hours": -1},
        {"windows": "always"},
        {"jurisdictions": []},
        {"jurisdictions": ["Portugal"]},
    ]
    for changes in wrong:
        assert patch(folders.operator, "edge-pt", **changes).status_code == 422, changes
    assert Site.objects.filter(name="edge-pt").values().get() == before
    assert patch(folders.operator, "nowhere", state="online").status_code == 404


def test_the_law_of_a_place_changes_only_while_nothing_lies_there(folders: World) -> None:
    assert patch(folders.operator, "edge-pt", jurisdictions=["ES", "EU"]).status_code == 200
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    assert patch(folders.operator, "core-eu", jurisdictions=["US"]).status_code == 409
    request_transfer(folders.operator.principal, version=version.name, target="dir-pt")
    assert patch(folders.operator, "edge-pt", jurisdictions=["US"]).status_code == 409
    assert patch(folders.operator, "edge-pt", title="Porto", grace_hours=5).status_code == 200
    assert Site.objects.get(name="edge-pt").jurisdictions == ["ES", "EU"]
    assert audited("change-site")[-1].keys() == {"title", "grace_hours"}


def test_a_site_speaks_for_itself_and_for_no_other(folders: World) -> None:
    client = machine_of(folders, "edge-pt").client()
    set_site_state(folders.operator.principal, "edge-pt", "lost")
    answer = post_heartbeat(client, "edge-pt")
    assert (answer.status_code, answer.json()["state"]) == (200, "online")
    assert Site.objects.get(name="edge-pt").last_seen is not None
    assert post_heartbeat(client, "core-eu").status_code == 403
    assert post_heartbeat(client, "nowhere").status_code == 404
    assert post_heartbeat(folders.ana.client(), "edge-pt").status_code == 403
    assert post_heartbeat(Client(), "edge-pt").status_code == 401
    assert client.patch("/api/v1/sites/edge-pt", {}, "application/json").status_code == 403
    assert Site.objects.get(name="core-eu").last_seen is None


def test_nobody_but_operators_lends_a_site_its_voice(folders: World) -> None:
    """Who may say that a site lives keeps its copies counted."""
    asked = {"username": "edge", "kind": "site", "team": "nlp", "site": "edge-pt"}
    answer = folders.ana.client().post("/api/v1/users", asked, "application/json")
    assert answer.status_code == 403
    assert not User.objects.filter(username="edge").exists()


def test_a_sign_of_life_a_minute_is_no_entry_in_the_log(folders: World) -> None:
    site = principal_for(machine_of(folders, "edge-pt").user)
    before = AuditEntry.objects.count()
    for _ in range(3):
        hear_from(site, "edge-pt")
    assert AuditEntry.objects.count() == before


def test_a_draining_site_that_lives_stays_draining(folders: World) -> None:
    set_site_state(folders.operator.principal, "edge-pt", "draining")
    assert hear_from(folders.operator.principal, "edge-pt").state == "draining"


def test_one_that_falls_silent_is_off_line(folders: World, clock: Clock) -> None:
    hear_from(folders.operator.principal, "edge-pt")
    clock.pass_by(minutes=14)
    assert watch_sites() == 0
    clock.pass_by(minutes=1)
    assert watch_sites() == 1
    site = Site.objects.get(name="edge-pt")
    assert (site.state, "silent" in site.state_reason) == ("offline", True)
    assert state_of("core-eu") == "online", "it never said a word, and none is expected"
    clock.pass_by(hours=72)
    assert watch_sites() == 1
    assert state_of("edge-pt") == "lost"
    assert watch_sites() == 0


def test_silence_outside_of_its_windows_is_no_silence(folders: World, clock: Clock) -> None:
    clock.set(timezone.now().replace(hour=23, minute=0, second=0, microsecond=0))
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    night = {"days": days, "from": "22:00", "to": "23:30"}
    assert patch(folders.operator, "edge-pt", windows=[night]).status_code == 200
    hear_from(folders.operator.principal, "edge-pt")
    for minutes in (10, 60 * 12, 60 * 10 + 50 + 10):
        clock.pass_by(minutes=minutes)
        assert watch_sites() == 0, clock.now
    clock.pass_by(minutes=10)
    assert watch_sites() == 1, "its window has been open for a quarter of an hour"
