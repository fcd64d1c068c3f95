"""A calendar is open in the minutes that a naive walk over them says, also over midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from movement.engine.calendar import ALWAYS, DAYS, next_opening, open_at, read_calendar

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NIGHT = {"days": ["sun"], "from": "22:00", "to": "06:00", "bytes_per_second": 1000}
DAY_MINUTES = 24 * 60


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    begin = draw(st.integers(0, DAY_MINUTES - 1))
    end = draw(st.integers(0, DAY_MINUTES).filter(lambda end: end != begin))
    return {
        "days": draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True)),
        "from": clock(begin),
        "to": clock(end),
        "bytes_per_second": draw(st.none() | st.integers(1, 10**9)),
    }


def naive_rates(windows: list[dict[str, Any]], moment: datetime) -> list[float]:
    """Return the rates of the windows that hold the minute of a moment, each judged by itself."""
    minute = moment.hour * 60 + moment.minute
    today, yesterday = DAYS[moment.weekday()], DAYS[moment.weekday() - 1]
    rates = []
    for window in windows:
        begin, end = (
            int(hours) * 60 + int(minutes)
            for hours, minutes in (window[key].split(":") for key in ("from", "to"))
        )
        if end > begin:
            inside = today in window["days"] and begin <= minute < end
        else:
            inside = (today in window["days"] and minute >= begin) or (
                yesterday in window["days"] and minute < end
            )
        if inside:
            rates.append(window["bytes_per_second"] or float("inf"))
    return rates


@settings(max_examples=60, deadline=None)
@given(
    st.lists(windows(), min_size=1, max_size=4),
    st.integers(0, 7 * DAY_MINUTES - 1),
    st.integers(0, 59),
)
@example([NIGHT], 5, 0)
@example([NIGHT], 6 * 60, 0)
def test_it_is_open_when_a_minute_of_it_is(
    listed: list[dict[str, Any]], minute: int, second: int
) -> None:
    calendar = read_calendar(listed)
    now = MONDAY + minute * MINUTE + timedelta(seconds=second)
    rates, found = naive_rates(listed, now), open_at(calendar, now)
    assert (found is not None) == bool(rates)
    if found is None:
        whole = (MONDAY + (minute + step) * MINUTE for step in range(1, 8 * DAY_MINUTES))
        first = next(moment for moment in whole if naive_rates(listed, moment))
        assert next_opening(calendar, now) == first
        return
    assert (found.bytes_per_second or float("inf")) == max(rates)
    assert next_opening(calendar, now) == now
    assert found.begin is not None
    assert found.until is not None
    assert found.begin <= now < found.until
    for inside in (found.begin, found.until - MINUTE):
        assert max(rates) in {*naive_rates(listed, inside)}, "it is open as long as it says"


def test_another_time_zone_asks_about_the_same_moment() -> None:
    calendar = read_calendar([NIGHT])
    karachi = timezone(timedelta(hours=5))
    there = datetime(2024, 1, 8, 4, 0, tzinfo=karachi)
    assert open_at(calendar, there) is not None, "it is Sunday, 23:00 UTC"
    assert open_at(calendar, there - timedelta(hours=2)) is None


def test_without_windows_it_is_always_open() -> None:
    calendar = read_calendar([])
    assert open_at(calendar, MONDAY) == ALWAYS
    assert next_opening(calendar, MONDAY) == MONDAY


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("always", "list"),
        ([NIGHT] * 51, "list"),
        (["mon"], "windows[0]"),
        ([{**NIGHT, "until": "06:00"}], "until"),
        ([NIGHT, {**NIGHT, "days": []}], "windows[1].days"),
        ([{**NIGHT, "days": ["monday"]}], "windows[0].days"),
        ([{**NIGHT, "days": [["mon"]]}], "windows[0].days"),
        ([{**NIGHT, "from": "24:01"}], "windows[0].from"),
        ([{**NIGHT, "from": "9:00"}], "windows[0].from"),
        ([{**NIGHT, "from": 9}], "windows[0].from"),
        ([{**NIGHT, "to": "22:00"}], "windows[0]"),
        ([{**NIGHT, "from": "24:00"}], "windows[0]"),
        ([{**NIGHT, "bytes_per_second": 0}], "windows[0].bytes_per_second"),
        ([{**NIGHT, "bytes_per_second": 1.5}], "windows[0].bytes_per_second"),
        ([{**NIGHT, "bytes_per_second": True}], "windows[0].bytes_per_second"),
    ],
)
def test_a_wrong_calendar_is_refused_and_says_where(wrong: Any, where: str) -> None:
    with pytest.raises(Invalid, match=where.replace("[", r"\[").replace("]", r"\]")):
        read_calendar(wrong)
