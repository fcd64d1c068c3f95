"""Events of transfers: each change once, to who may know, until the end; never too many readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.services import update_product
from governance.models import ApiToken
from movement import live
from movement.api import events as events_api
from movement.models import Transfer, TransferState
from movement.services import cancel_transfer, request_transfer
from movement.streams import Places
from tests.builders import World
from tests.movement.conftest import WIKI

ALL = "/api/v1/transfers/events"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 60)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0)
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0)
    monkeypatch.setattr(events_api, "_places", Places())


@pytest.fixture
def transfer(folders: World) -> Transfer:
    """A copy of WIKI to dir-us that waits in the queue."""
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    operator = folders.operator.principal
    return request_transfer(operator, version=version.name, target="dir-us")


def changed(transfer: Transfer, **fields: Any) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(**fields)


def parsed(piece: bytes) -> tuple[str, Any, str]:
    """Return kind, data and id of an event; a comment has no kind."""
    fields = dict(line.split(": ", 1) for line in piece.decode().strip().split("\n"))
    return fields.get("event", ""), json.loads(fields.get("data", "null")), fields.get("id", "")


def opened(client: Client, address: str, **headers: str) -> tuple[Any, Iterator[Any]]:
    answer: Any = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/event-stream"
    return answer, (parsed(piece) for piece in answer.streaming_content)


def leave(answer: Any) -> None:
    """Close it as a web server does for a reader who went away, inside the test's transaction."""
    for close in answer._resource_closers:
        close()


def test_every_change_is_told_once_until_the_transfer_ends(
    folders: World, transfer: Transfer
) -> None:
    ben = folders.ben.client()
    answer, events = opened(ben, f"/api/v1/transfers/{transfer.pk}/events")
    kind, data, _ = next(events)
    assert (kind, data["state"], data["eta_seconds"]) == ("transfer", "queued", None)
    assert next(events) == ("", None, "")  # nothing changed: a comment, and no event
    changed(transfer, state="running", bytes_total=4000, bytes_done=1000, bytes_per_second=500.0)
    kind, data, _ = next(event for event in events if event[0])
    assert (data["bytes_done"], data["bytes_per_second"], data["eta_seconds"]) == (1000, 500, 6)
    assert data["verified"] is False
    changed(transfer, state="waiting", reason_code="site_offline", reason="It is away.")
    kind, data, _ = next(event for event in events if event[0])
    assert (data["state"], data["reason_code"], data["eta_seconds"]) == (
        "waiting",
        "site_offline",
        None,
    )
    changed(transfer, state="done", reason_code="", reason="", finished_at=timezone.now())
    rest = [event[:2] for event in events if event[0]]
    assert [kind for kind, _ in rest] == ["transfer", "end"]
    assert (rest[0][1]["state"], rest[0][1]["verified"]) == ("done", True)
    assert rest[1][1] == {"reason": "ended"}
    leave(answer)


def test_a_reader_who_comes_back_learns_what_ended_meanwhile(
    folders: World, transfer: Transfer
) -> None:
    ben = folders.ben.client()
    answer, events = opened(ben, ALL)
    _, _, last = next(events)
    leave(answer)
    cancel_transfer(folders.operator.principal, transfer.pk)
    answer, events = opened(ben, ALL, **{"Last-Event-ID": last})
    assert next(events)[1]["state"] == "cancelled"
    leave(answer)
    answer, events = opened(ben, ALL)
    assert next(events)[0] == ""  # who was never there is told of what goes on alone
    leave(answer)
    old = str(int(last) + 60_000)
    changed(transfer, finished_at=timezone.now() - timedelta(minutes=5))
    answer, events = opened(ben, ALL, **{"Last-Event-ID": old})
    assert next(events)[0] == ""
    leave(answer)
    for nonsense in ("x", "9" * 30, "-1"):
        answer, events = opened(ben, ALL, **{"Last-Event-ID": nonsense})
        assert next(events)[0] == ""
        leave(answer)
    _, events = opened(ben, f"{ALL}?version={WIKI}/v=1")
    assert [kind for kind, _, _ in events] == ["transfer", "end"]


def test_a_right_that_ends_ends_what_is_told(folders: World, transfer: Transfer) -> None:
    one = f"/api/v1/transfers/{transfer.pk}/events"
    product = transfer.version.product_id
    ben = folders.ben.client()
    answer, events = opened(ben, ALL)
    assert next(events)[0] == "transfer"
    update_product(folders.ana.principal, product, {"visibility": "team"})
    kind, data, _ = next(event for event in events if event[0])
    assert (kind, data) == ("gone", {"id": str(transfer.pk)})
    changed(transfer, state="running")
    assert next(events)[0] == ""
    assert ben.get(one).status_code == 404
    ApiToken.objects.filter(user=folders.ben.user).update(revoked_at=timezone.now())
    assert list(events) == [("end", {"reason": "denied"}, "")]
    leave(answer)
    assert Client().get(ALL).status_code == 401


def test_a_session_that_ends_ends_its_stream(folders: World, transfer: Transfer) -> None:
    browser = Client()
    browser.force_login(folders.ben.user)
    answer, events = opened(browser, ALL)
    assert next(events)[0] == "transfer"
    browser.session.flush()
    assert list(events)[-1][1] == {"reason": "denied"}
    leave(answer)


def test_nobody_takes_more_than_half_of_the_places_and_each_is_free_again(
    folders: World, transfer: Transfer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, event_streams=2)
    ben, ana = folders.ben.client(), folders.ana.client()
    first, events = opened(ben, ALL)
    next(events)
    second = ben.get(ALL)
    assert (second.status_code, second.json()["code"]) == (503, "too_many_streams")
    assert second["Retry-After"] == "5"
    third, _ = opened(ana, ALL)  # which is never read
    assert folders.operator.client().get(ALL).status_code == 503
    leave(third)
    leave(first)
    monkeypatch.setattr(live, "LIFETIME_SECONDS", -1)
    for _ in range(3):
        answer, events = opened(ben, ALL)
        assert list(events)[-1][1] == {"reason": "lifetime"}  # read to its end, and not closed
        del answer


def test_history_is_kept_and_found_by_when_it_ended(folders: World, transfer: Transfer) -> None:
    ended = timezone.now() - timedelta(days=2)
    changed(transfer, state=TransferState.DONE, finished_at=ended)
    other = request_transfer(
        folders.operator.principal, version=transfer.version.name, target="dir-pt"
    )
    day = timedelta(days=1)

    def listed(**asked: Any) -> list[str]:
        told = {key: at.isoformat() for key, at in asked.items()}
        answer = folders.ben.client().get("/api/v1/transfers", told)
        return [row["id"] for row in answer.json()["results"]]

    going_on = str(other.pk)
    assert listed() == [going_on, str(transfer.pk)]
    assert listed(since=ended - day) == [going_on, str(transfer.pk)]
    assert listed(since=ended + day) == [going_on]
    assert listed(until=ended + day) == [str(transfer.pk)]
    assert listed(since=ended - day, until=ended - timedelta(hours=1)) == []
    wrong = folders.ben.client().get("/api/v1/transfers", {"since": "yesterday"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
