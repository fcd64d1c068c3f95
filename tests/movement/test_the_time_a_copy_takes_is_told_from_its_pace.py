"""The estimate: the pace of the last half minute, and nothing where nobody can say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from movement.engine.eta import Sample, pace, seconds_left, seen


def after(*samples: tuple[float, int]) -> tuple[Sample, ...]:
    kept: tuple[Sample, ...] = ()
    for seconds, count in samples:
        kept = seen(kept, Sample(seconds, count))
    return kept


def test_one_look_tells_no_pace_and_two_tell_one() -> None:
    assert pace(()) is None
    assert pace(after((0, 100))) is None
    assert pace(after((0, 100), (0.1, 300))) is None
    assert pace(after((0, 100), (2, 300))) == 100
    assert seconds_left(1000, 300, 100) == 7


def test_what_was_long_ago_does_not_count() -> None:
    assert pace(after((0, 0), (1, 10_000), (40, 10_000), (50, 10_100))) == 10


def test_an_attempt_that_begins_anew_forgets_the_pace_of_the_last() -> None:
    assert pace(after((0, 0), (5, 5_000), (6, 0))) is None
    assert pace(after((0, 0), (5, 5_000), (6, 0), (8, 20))) == 10


def test_nobody_can_say_how_long_what_stands_still_will_take() -> None:
    assert seconds_left(1000, 300, None) is None
    assert seconds_left(1000, 300, 0.0) is None
    assert seconds_left(1000, 1000, None) == 0


@given(
    st.floats(1, 1e9), st.integers(0, 10**12), st.lists(st.floats(1, 20), min_size=2, max_size=20)
)
def test_a_steady_copy_is_estimated_right(rate: float, rest: int, pauses: list[float]) -> None:
    at, samples = 0.0, after((0.0, 0))
    for pause in pauses:
        at += pause
        samples = seen(samples, Sample(at, round(at * rate)))
    done = samples[-1].bytes
    left = seconds_left(done + rest, done, pace(samples))
    assert left is not None
    assert abs(left - rest / rate) <= 1 + 2 * left / rate
