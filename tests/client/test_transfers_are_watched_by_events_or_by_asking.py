"""`transfers watch`: by events where the mesh has room, else by asking; cuts cost nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fairmesh import watching
from fairmesh.client import Client
from fairmesh.errors import Denied, NotFound, Pending
from fairmesh.watching import Event, parse_events

STREAM = "GET /api/v1/transfers/events"
LIST = "GET /api/v1/transfers"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)


def row(state: str, done: int = 0, name: str = "t1", **more: Any) -> dict[str, Any]:
    fields = {"id": name, "version": "/a/~/b/v=1", "target": "store-us", "reason": ""}
    return {**fields, "state": state, "bytes_done": done, "bytes_total": 4000, **more}


def told(*events: tuple[str, Any]) -> tuple[int, bytes]:
    pieces = [
        f": a comment\n\nid: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for number, (kind, data) in enumerate(events, 1)
    ]
    return 200, "".join(pieces).encode()


ENDED = ("end", {"reason": "ended"})


def one_after_another(*answers: Any) -> Callable[[Any], Any]:
    """Answer with each in turn, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_events_are_read_as_the_standard_says() -> None:
    lines = ["data: 1", "", ": comment", "", "id: 7", "event:end", 'data: {"a":', "data: 2}", ""]
    assert list(parse_events(lines)) == [Event("message", 1, ""), Event("end", {"a": 2}, "7")]
    assert list(parse_events(["data: 1"])) == []  # cut: no empty line ends it


def test_each_change_is_shown_until_all_have_ended(tiny_mesh: Any, run: Callable[..., Any]) -> None:
    going = row("running", 1000, bytes_per_second=500.0, eta_seconds=6.0)
    tiny_mesh.answers[STREAM] = told(
        ("transfer", going), ("transfer", row("done", 4000)), ("gone", {"id": "t9"}), ENDED
    )
    asked = ("transfers", "watch", "--version", "/a/~/b/v=1", "--json")
    found = run(*asked, FAIRMESH_URL=tiny_mesh.url, FAIRMESH_TOKEN="fm_x")
    assert found.code == 0
    assert [each["state"] for each in found.json] == ["done"]
    first = " ".join(found.err.splitlines()[0].split())
    assert first == ("/a/~/b/v=1 → store-us running 25 % 1.0 kB of 4.0 kB 500 B/s 6 s left")
    assert parse_qs(urlsplit(tiny_mesh.asked[0][1]).query) == {"version": ["/a/~/b/v=1"]}


def test_one_that_did_not_end_well_is_an_error(tiny_mesh: Any, run: Callable[..., Any]) -> None:
    refused = row("refused", reason="Not outside the EU.")
    tiny_mesh.answers[STREAM] = told(("transfer", refused), ENDED)
    found = run("transfers", "watch", FAIRMESH_URL=tiny_mesh.url)
    assert (found.code, "Not outside the EU." in found.err) == (1, True)


def test_after_a_cut_or_a_stream_at_its_end_it_goes_on_behind_the_last_event(
    tiny_mesh: Any,
) -> None:
    tiny_mesh.answers[STREAM] = one_after_another(
        told(("transfer", row("queued"))),  # cut
        told(("transfer", row("running")), ("end", {"reason": "lifetime"})),
        told(("transfer", row("done")), ENDED),
    )
    with Client(tiny_mesh.url) as client:
        rows = list(client.watch_transfers(version="/a/~/b/v=1"))
    assert [each["state"] for each in rows] == ["queued", "running", "done"]
    assert [headers.get("Last-Event-ID") for _, _, headers in tiny_mesh.asked] == [None, "1", "2"]


def test_without_room_for_a_stream_it_asks_again_and_again(tiny_mesh: Any) -> None:
    tiny_mesh.answers[STREAM] = (503, {"code": "too_many_streams", "detail": "Full."})
    pages = [
        (200, {"results": [row(state)], "next": None}) for state in ("queued", "queued", "done")
    ]
    tiny_mesh.answers[LIST] = one_after_another(*pages)
    with Client(tiny_mesh.url) as client:
        rows = list(client.watch_transfers(product="/a/~/b"))
    assert [each["state"] for each in rows] == ["queued", "done"]


def test_what_the_mesh_refuses_is_not_asked_for_again_and_time_ends(tiny_mesh: Any) -> None:
    with Client(tiny_mesh.url) as client:
        with pytest.raises(NotFound):
            list(client.watch_transfers(transfer="t7"))
        tiny_mesh.answers[STREAM] = told(("transfer", row("queued")), ("end", {"reason": "denied"}))
        with pytest.raises(Denied):
            list(client.watch_transfers())
        tiny_mesh.answers[STREAM] = told(("transfer", row("queued")))
        with pytest.raises(Pending):
            list(client.watch_transfers(timeout=0.0))
