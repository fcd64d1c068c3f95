"""How fast a copy goes and how long it will take, from what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_SECONDS = 30.0
"""The pace is that of the last half minute: long enough to be steady, short enough to be true."""
_LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """How many bytes were there at a moment of any steady clock."""

    seconds: float
    bytes: int


def seen(samples: tuple[Sample, ...], newest: Sample) -> tuple[Sample, ...]:
    """Return the samples of the window that ends with the newest.

    Bytes that went back are another attempt: what was seen before says nothing of it.
    """
    if samples and newest.bytes < samples[-1].bytes:
        return (newest,)
    start = newest.seconds - WINDOW_SECONDS
    return (*(each for each in samples if each.seconds >= start), newest)


def pace(samples: tuple[Sample, ...]) -> float | None:
    """Return the bytes a second over the samples; None until there is enough to tell."""
    if not samples or samples[-1].seconds - samples[0].seconds < _LEAST_SECONDS:
        return None
    return (samples[-1].bytes - samples[0].bytes) / (samples[-1].seconds - samples[0].seconds)


def seconds_left(bytes_total: int, bytes_done: int, rate: float | None) -> float | None:
    """Return how long the rest takes at that rate; None when nobody can say."""
    left = max(0, bytes_total - bytes_done)
    if not left:
        return 0.0
    return left / rate if rate else None
