"""Watching transfers: the mesh's events where it has room for them, and asking again where not."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from fairmesh.errors import Denied, FairmeshError, Pending, Unavailable
from fairmesh.transport import Api, Json, problem_error
from fairmesh.waiting import TRANSFER_ENDS

POLL_SECONDS = 2.0
_CUTS = 3
"""Streams cut in a row, without an event, after which it is asked again and again instead."""


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    data: Any
    id: str


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events in the lines of a stream; comments are passed over.

    Source: HTML Living Standard, section 9.2.6.
    """
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "data" in fields:
            kind = fields.get("event", ["message"])[-1]
            data = json.loads("\n".join(fields["data"]))
            yield Event(kind, data, fields.get("id", [""])[-1])
        fields = {}


class Watching:
    """The transfers of a version or product, or one of them, as they change.

    Iterating yields each transfer at first and whenever it changed, and ends once all have ended;
    it raises Pending after `timeout` seconds.
    """

    def __init__(
        self,
        api: Api,
        *,
        transfer: str | None = None,
        version: str | None = None,
        product: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._api = api
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._transfer = transfer
        self._filters = {
            key: value for key, value in (("version", version), ("product", product)) if value
        }
        self._last = ""
        self.streamed = True
        """False once the mesh had no room, so that it is asked again and again."""

    def __iter__(self) -> Iterator[Json]:
        cuts = 0
        while cuts < _CUTS:
            before = self._last
            try:
                if (yield from self._events()):
                    return
                cuts = 0
            except Unavailable:
                break
            except httpx.TransportError:
                cuts = 0 if self._last != before else cuts + 1
                self._pause()
        self.streamed = False
        yield from self._polled()

    def _events(self) -> Generator[Json, None, bool]:
        """Yield what one stream tells; return whether all has ended. Raise what the mesh says."""
        path = f"transfers/{self._transfer}/events" if self._transfer else "transfers/events"
        url = str(httpx.URL(self._api.address(path), params=self._filters))
        headers = {"Accept": "text/event-stream"}
        if self._last:
            headers["Last-Event-ID"] = self._last
        with self._api.stream(url, headers) as answer:
            if answer.status_code != 200:
                answer.read()
                raise problem_error(answer)
            for event in parse_events(self._in_time(answer.iter_lines())):
                self._last = event.id or self._last
                if event.kind == "transfer":
                    yield event.data
                elif event.kind == "end":
                    return self._is_end(event.data["reason"])
        raise httpx.RemoteProtocolError("The stream ended without saying so.")

    def _in_time(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines as long as there is time: comments come when nothing else does."""
        for line in lines:
            self._check_time()
            yield line

    def _pause(self) -> None:
        self._check_time()
        time.sleep(POLL_SECONDS)

    def _check_time(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise Pending(f"Transfers are still under way after {self._timeout:g} s.")

    def _is_end(self, reason: str) -> bool:
        if reason == "denied":
            raise Denied("You may not know of these transfers any more.")
        return reason == "ended"

    def _polled(self) -> Iterator[Json]:
        told: dict[str, Json] = {}
        while True:
            rows = self._rows()
            for row in rows:
                if told.get(row["id"]) != row:
                    told[row["id"]] = row
                    yield row
            if all(row["state"] in TRANSFER_ENDS for row in rows) and self._ends:
                return
            self._pause()

    @property
    def _ends(self) -> bool:
        return bool(self._transfer or self._filters)

    def _rows(self) -> list[Json]:
        if self._transfer:
            return [dict(self._api.get(f"transfers/{self._transfer}"))]
        return list(reversed(list(self._api.pages("transfers", **self._filters))))


def require_done(rows: Iterable[Json]) -> None:
    """Raise FairmeshError with the reason of the first transfer that did not end well."""
    bad = [row for row in rows if row["state"] in TRANSFER_ENDS - {"done"}]
    if bad:
        row = bad[0]
        why = row.get("reason") or "no reason was given"
        raise FairmeshError(
            f"{row['version']} to {row['target']} {row['state']}: {why}", {"transfers": bad}
        )
