"""Identifiers of rows: order of making is order of sorting, even within a millisecond."""

from __future__ import annotations

import time

import pytest

from core.ids import new_id


def test_each_follows_the_last_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_id() for _ in range(10_000)]
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600 * 10**9)
    made += [new_id() for _ in range(100)]  # the clock was set back by an hour
    assert made == sorted(set(made))
    assert {(made_id.version, made_id.variant) for made_id in made} == {
        (7, "specified in RFC 4122")
    }


def test_its_time_is_in_its_first_48_bits() -> None:
    assert abs((new_id().int >> 80) / 1000 - time.time()) < 60
