"""Calendars: when a site is in contact, and how fast, by the days of a week in UTC.

Pure: a calendar and a moment in, an opening out. A calendar without windows is always open.
See docs/explanation/algorithms/sites.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NewType

from core.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_WINDOWS = 50
_KEYS = frozenset({"days", "from", "to", "bytes_per_second"})
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MIDNIGHT = "24:00"
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that comes back each week."""

    days: frozenset[int]
    """The days on which it begins, Monday is 0."""
    begin: timedelta
    end: timedelta
    """Both since the day's midnight; the end lies on the next day when it is over 24 hours."""
    bytes_per_second: int | None = None
    """The most that may pass; None for no limit."""


Calendar = NewType("Calendar", tuple[Window, ...])


@dataclass(frozen=True, slots=True)
class Opening:
    """One window on one day. It is open at `begin` and not any more at `until`."""

    begin: datetime | None = None
    until: datetime | None = None
    """None, as `begin`, for a calendar that is always open."""
    bytes_per_second: int | None = None


ALWAYS = Opening()


def read_calendar(windows: object) -> Calendar:
    """Return the calendar that a JSON list of windows stands for; raise Invalid.

    A window is `{"days": ["mon"], "from": "22:00", "to": "06:00", "bytes_per_second": null}`. One
    that ends before it begins ends on the next day; `to` may be 24:00.
    """
    if not isinstance(windows, list) or len(windows) > MOST_WINDOWS:
        raise Invalid(f"Windows are a list of at most {MOST_WINDOWS}.")
    return Calendar(tuple(_window(each, f"windows[{n}]") for n, each in enumerate(windows)))


def open_at(calendar: Calendar, moment: datetime) -> Opening | None:
    """Return the opening at a moment, the fastest of several; None while there is none."""
    if not calendar:
        return ALWAYS
    now = moment.astimezone(UTC)
    opened = [
        each
        for each in _openings(calendar, now)
        if each.begin is not None and each.until is not None and each.begin <= now < each.until
    ]
    return max(opened, key=_generosity, default=None)


def next_opening(calendar: Calendar, moment: datetime) -> datetime:
    """Return the first moment that is open, from `moment` on; `moment` itself while it is."""
    if open_at(calendar, moment) is not None:
        return moment
    now = moment.astimezone(UTC)
    begins = (each.begin for each in _openings(calendar, now) if each.begin is not None)
    return min(begin for begin in begins if begin > now)


def _generosity(opening: Opening) -> tuple[float, datetime]:
    rate = float("inf") if opening.bytes_per_second is None else opening.bytes_per_second
    return rate, opening.until or datetime.max.replace(tzinfo=UTC)


def _openings(calendar: Calendar, now: datetime) -> Iterator[Opening]:
    """Yield the openings that begin between a day ago and a week from now."""
    for day in range(-1, _WEEK + 1):
        midnight = datetime.combine(now.date() + timedelta(days=day), time(), UTC)
        for window in calendar:
            if midnight.weekday() in window.days:
                yield Opening(
                    midnight + window.begin, midnight + window.end, window.bytes_per_second
                )


def _window(value: object, where: str) -> Window:
    if not isinstance(value, dict):
        raise Invalid(f"{where} must be an object with days, from and to.", where=where)
    if unknown := sorted(map(str, value.keys() - _KEYS)):
        raise Invalid(f"{where} has members that mean nothing: {', '.join(unknown)}.", where=where)
    begin = _since_midnight(value.get("from"), f"{where}.from")
    end = _since_midnight(value.get("to"), f"{where}.to")
    if begin == end or begin == timedelta(days=1):
        raise Invalid(
            f"{where} is empty. Say from 00:00 to {_MIDNIGHT} for a whole day.", where=where
        )
    return Window(
        _days(value.get("days"), f"{where}.days"),
        begin,
        end if end > begin else end + timedelta(days=1),
        _rate(value.get("bytes_per_second"), f"{where}.bytes_per_second"),
    )


def _days(value: object, where: str) -> frozenset[int]:
    if not isinstance(value, list) or not value or any(day not in DAYS for day in value):
        raise Invalid(f"{where} must list some of {', '.join(DAYS)}.", where=where)
    return frozenset(DAYS.index(day) for day in value)


def _since_midnight(value: object, where: str) -> timedelta:
    if value == _MIDNIGHT:
        return timedelta(days=1)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(f"{where} must be a time of day in UTC such as 22:30.", where=where)
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


def _rate(value: object, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid(f"{where} must be a whole number above 0, or null.", where=where)
    return value
