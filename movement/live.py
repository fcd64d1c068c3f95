"""What becomes of transfers, told as it happens to who may know of them.

Every look begins with what the reader may see at that moment, and every few seconds with who they
are: a stream is no way around a right that ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from core.errors import FairmeshError
from governance.engine.entities import Principal
from movement.engine import eta
from movement.engine.event_stream import BEAT, event
from movement.models import ACTIVE, Transfer, TransferState
from movement.selectors import visible_transfers

LOOK_SECONDS = 1.0
RECHECK_SECONDS = 2.0
BEAT_SECONDS = 10.0
LIFETIME_SECONDS = 300.0
"""Then the reader is told to come again, so that no thread is held for ever."""
MOST_ROWS = 500
_OVERLAP = timedelta(seconds=10)
"""What ended shortly before a reader was cut off is told again: a commit may have been late."""
_LONGEST_AWAY = timedelta(days=1)


@dataclass(frozen=True)
class Watch:
    """Which transfers, for whom, since when."""

    which: Q
    who: Callable[[], Principal]
    """Returns the reader with the rights of now; raises when they have none."""
    whole: bool = False
    """What has ended already is told once, too; else only what goes on."""
    until_all_ended: bool = False
    since: datetime | None = None
    """What ended since is told as well: the reader was cut off then."""


def since_event(last: str) -> datetime | None:
    """Return the moment that a Last-Event-ID stands for; None when it is none of ours."""
    if not (last.isascii() and last.isdigit() and len(last) < 15):
        return None
    now = timezone.now()
    moment = datetime.fromtimestamp(int(last) / 1000, UTC) - _OVERLAP
    return max(min(moment, now), now - _LONGEST_AWAY)


def events(watch: Watch) -> Iterator[bytes]:
    """Return an event for every transfer at first and whenever it changed, and comments between.

    The last event is `end`: its reason is `ended`, `lifetime` (come again), or `denied`. The first
    look is done here, so that what is wrong with the question is raised before anything is told.
    """
    feed = _Feed(watch)
    return _told(watch, feed, feed.look())


def _told(watch: Watch, feed: _Feed, pieces: list[bytes]) -> Iterator[bytes]:
    begun = beaten = time.monotonic()
    while True:
        yield from pieces
        now = time.monotonic()
        if watch.until_all_ended and not feed.going_on:
            yield event("end", {"reason": "ended"})
            return
        if now - begun > LIFETIME_SECONDS:
            yield event("end", {"reason": "lifetime"})
            return
        if pieces:
            beaten = now
        elif now - beaten > BEAT_SECONDS:
            beaten = now
            yield BEAT
        time.sleep(LOOK_SECONDS)
        try:
            pieces = feed.look()
        except FairmeshError:
            yield event("end", {"reason": "denied"})
            return


@dataclass
class _Feed:
    """What one reader was told last."""

    watch: Watch
    going_on: set[UUID] = field(default_factory=set)
    _told: dict[UUID, tuple[object, ...]] = field(default_factory=dict)
    _samples: dict[UUID, tuple[eta.Sample, ...]] = field(default_factory=dict)
    _reader: Principal | None = None
    _checked: float = 0.0

    def look(self) -> list[bytes]:
        """Return an event for each transfer that is new or changed since the last look."""
        last = str(int(timezone.now().timestamp() * 1000))
        rows = {row.pk: row for row in self._rows()}
        gone = self.going_on - rows.keys()
        self.going_on = {pk for pk, row in rows.items() if row.state in ACTIVE}
        changed = [row for row in reversed(rows.values()) if self._told.get(row.pk) != _key(row)]
        told = [event("transfer", self._snapshot(row), last) for row in changed]
        told += [event("gone", {"id": str(pk)}, last) for pk in sorted(gone)]
        self._told = {pk: _key(row) for pk, row in rows.items()}
        self._samples = {pk: each for pk, each in self._samples.items() if pk in rows}
        return told

    def _rows(self) -> list[Transfer]:
        now = time.monotonic()
        if self._reader is None or now - self._checked > RECHECK_SECONDS:
            self._reader, self._checked = self.watch.who(), now
        wanted = Q(state__in=ACTIVE) | Q(pk__in=self.going_on)
        if self.watch.since is not None:
            wanted |= Q(finished_at__gte=self.watch.since)
        if self.watch.whole:
            wanted = Q()
        rows = visible_transfers(self._reader).filter(self.watch.which).filter(wanted)
        return list(rows.order_by("-pk")[:MOST_ROWS])

    def _snapshot(self, row: Transfer) -> dict[str, Any]:
        sample = eta.Sample(time.monotonic(), row.bytes_done)
        samples = eta.seen(self._samples.get(row.pk, ()), sample)
        self._samples[row.pk] = samples
        return snapshot(row, eta.pace(samples))


def snapshot(row: Transfer, seen: float | None) -> dict[str, Any]:
    """Return what is told of a transfer; `seen` is its pace, where the worker wrote none."""
    running = row.state in (TransferState.RUNNING, TransferState.VERIFYING)
    rate = row.bytes_per_second if row.bytes_per_second is not None else seen
    left = eta.seconds_left(row.bytes_total, row.bytes_done, rate) if running else None
    return {
        "id": str(row.pk),
        "version": row.version.name,
        "source": row.source.name if row.source else None,
        "target": row.target.name,
        "state": row.state,
        "reason_code": row.reason_code,
        "reason": row.reason,
        "attempt": row.attempt,
        "next_attempt_at": row.next_attempt_at.isoformat(),
        "files_total": row.files_total,
        "files_done": row.files_done,
        "bytes_total": row.bytes_total,
        "bytes_done": row.bytes_done,
        "bytes_per_second": rate if running or row.state == TransferState.DONE else None,
        "eta_seconds": None if left is None else round(left, 1),
        "verified": row.state == TransferState.DONE,
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
    }


def _key(row: Transfer) -> tuple[object, ...]:
    """Return what makes a new event when it changes; a renewed lease does not."""
    return (
        row.state, row.reason_code, row.reason, row.attempt, row.source_id, row.files_done,
        row.bytes_done, row.bytes_total, row.bytes_per_second, row.finished_at,
    )  # fmt: skip
