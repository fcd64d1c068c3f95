"""An edge site that is away for three days keeps its copies, or gets others made; back it copies
nothing that lies there already."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from movement import doorbell
from movement.models import Replica, ReplicaState, Scrub, Site, Store, Transfer, TransferState
from movement.services import reconcile_all, set_site_state, sweep_transfers
from movement.services.transfers import new_transfer
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.movement.sites import Clock, audited, clock, heard, patch, state_of, work

__all__ = ["clock"]

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300}
SMALL = {"a.csv": b"x\n1\n"}


@pytest.fixture
def edge(folders: World, clock: Clock) -> World:
    """Two copies, one of them at edge-pt."""
    folders.add_protection("two", "{copies: 2, sites: [edge-pt]}")
    folders.publish(WIKI, FILES, store="dir-eu")
    assert work() == {"done to dir-pt": 1}
    return folders


def states() -> dict[str, str]:
    return dict(Replica.objects.values_list("store__name", "state"))


def sent() -> Counter[str]:
    done = Transfer.objects.filter(state=TransferState.DONE)
    return Counter(done.values_list("target__name", flat=True))


def test_three_days_off_line_move_nothing_and_what_is_new_waits(edge: World, clock: Clock) -> None:
    edge.publish(WIKI, {**FILES, "c.csv": b"x\n2\n"}, store="dir-eu")
    deliver()
    answer = patch(edge.operator, "edge-pt", state="offline", reason="At sea", grace_hours=96)
    assert answer.status_code == 200, answer.content
    waiting = Transfer.objects.get(target__name="dir-pt", state=TransferState.QUEUED)
    edge.publish(WIKI, {**FILES, "d.csv": b"x\n3\n"}, store="dir-eu")
    ended = Counter[str]()
    for _ in range(3):
        clock.pass_by(hours=24)
        ended += work()
    assert ended == {"waiting to dir-pt": 3, "done to dir-us": 1}, (
        "the third has two copies as well"
    )
    assert state_of("edge-pt") == "offline"
    waiting.refresh_from_db()
    assert (waiting.reason_code, waiting.attempt) == ("site_offline", 0)
    assert heard(edge, "edge-pt") == "online"
    assert work() == {"good scrub at dir-pt": 1, "done to dir-pt": 2}
    assert work() == {}
    assert sent()["dir-pt"] == 3


def test_past_its_grace_it_is_lost_and_others_take_its_part(edge: World, clock: Clock) -> None:
    set_site_state(edge.operator.principal, "edge-pt", "offline")
    clock.pass_by(hours=71)
    assert work() == {}
    clock.pass_by(hours=2)
    assert work() == {"done to dir-us": 1}
    assert state_of("edge-pt") == "lost"
    last = audited("site-state")[-1]
    assert (last["was"], last["state"]) == ("offline", "lost")
    assert "72 hours" in last["reason"]
    clock.pass_by(days=3)
    assert heard(edge, "edge-pt") == "online"
    assert states()["dir-pt"] == ReplicaState.SUSPECT, "it counts when it has been looked at"
    assert work() == {"good scrub at dir-pt": 1}
    assert states()["dir-pt"] == ReplicaState.COMPLETE
    assert Replica.objects.get(store__name="dir-pt").reason_code == ""
    assert sent() == {"dir-pt": 1, "dir-us": 1}, "nothing went to edge-pt again"


def test_what_was_lost_with_it_is_found_and_that_alone_is_sent(edge: World, clock: Clock) -> None:
    set_site_state(edge.operator.principal, "edge-pt", "lost")
    assert work() == {"done to dir-us": 1}
    gone = next((edge.home / "stores" / "dir-pt").rglob("b.bin"))
    gone.unlink()
    assert heard(edge, "edge-pt") == "online"
    assert work()["broken scrub at dir-pt"] == 1
    clock.pass_by(minutes=1)
    work()
    assert states()["dir-pt"] == ReplicaState.COMPLETE
    assert Path(gone).read_bytes() == FILES["b.bin"]


def test_a_site_that_bounces_moves_nothing(edge: World, clock: Clock) -> None:
    before = list(Replica.objects.order_by("id").values("state", "since", "reason_code"))
    for _ in range(10):
        set_site_state(edge.operator.principal, "edge-pt", "offline")
        reconcile_all()
        clock.pass_by(minutes=20)
        assert heard(edge, "edge-pt") == "online"
        assert work() == {}
        clock.pass_by(minutes=20)
    assert list(Replica.objects.order_by("id").values("state", "since", "reason_code")) == before
    assert Transfer.objects.count() == 1
    assert not Scrub.objects.exists()


def test_a_listing_that_was_cut_is_begun_again(edge: World, clock: Clock) -> None:
    set_site_state(edge.operator.principal, "edge-pt", "lost")
    work()
    folder = edge.home / "stores" / "dir-pt"
    folder.rename(folder.with_name("away"))
    heard(edge, "edge-pt")
    assert work() == {"cut scrub at dir-pt": 1}
    assert states()["dir-pt"] == ReplicaState.SUSPECT
    folder.with_name("away").rename(folder)
    Site.objects.get(name="edge-pt").stores.update(reachable=True)
    assert work() == {}, "not at once again"
    clock.pass_by(minutes=6)
    assert work() == {"good scrub at dir-pt": 1}
    assert states()["dir-pt"] == ReplicaState.COMPLETE


def test_what_waited_comes_due_by_priority_then_deadline_then_size(
    edge: World, clock: Clock
) -> None:
    asked = {"small": (5, None, 1), "big": (5, None, 9), "due": (5, 1, 9), "first": (9, None, 9)}
    for name, (priority, hours, size) in asked.items():
        version = edge.publish(WIKI, SMALL, store="dir-eu")
        new_transfer(version, Store.objects.get(name="dir-us"), asked_by=name)
        Transfer.objects.filter(asked_by=name).update(
            state=TransferState.WAITING,
            reason_code="site_offline",
            priority=priority,
            due_at=clock.now + timedelta(hours=hours) if hours else None,
            bytes_total=size,
            next_attempt_at=clock.now + timedelta(hours=1),
        )
    set_site_state(edge.operator.principal, "core-us", "offline")
    heard(edge, "core-us")
    deliver()
    waiting = Transfer.objects.filter(asked_by__in=asked, next_attempt_at__lte=clock.now)
    order = list(waiting.order_by("next_attempt_at").values_list("asked_by", flat=True))
    assert order == ["first", "due", "small", "big"]


def test_what_was_published_meanwhile_is_rung_for_in_its_turn(
    folders: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring_transfer", lambda pk: rung.append(str(pk)))
    Store.objects.filter(name="dir-pt").update(slots=1)
    set_site_state(folders.operator.principal, "edge-pt", "offline")
    for slug, priority in (("later", 2), ("urgent", 8)):
        name = f"/acme/nlp/~/{slug}"
        folders.add_product(name)
        folders.add_protection(slug, f"{{sites: [edge-pt], priority: {priority}}}", prefix=name)
        folders.publish(name, SMALL, store="dir-eu")
    deliver()
    assert not Transfer.objects.exists()
    heard(folders, "edge-pt")
    deliver()
    queued = Transfer.objects.order_by("id").values_list("version__product__name", flat=True)
    assert list(queued) == ["/acme/nlp/~/later", "/acme/nlp/~/urgent"]
    assert rung == []
    assert sweep_transfers() == 1
    urgent = Transfer.objects.get(version__product__name="/acme/nlp/~/urgent")
    assert rung == [str(urgent.pk)]
