"""Numbers mixed well: the same bits on every machine, a whole array at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]


def mixed(words: Words) -> Words:
    """Return a number for each of `words`, another one for each other word, without any pattern.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    found = words ^ (words >> np.uint64(30))
    found *= np.uint64(0xBF58476D1CE4E5B9)
    found ^= found >> np.uint64(27)
    found *= np.uint64(0x94D049BB133111EB)
    found ^= found >> np.uint64(31)
    return found


_APART = np.uint64(0x9E3779B97F4A7C15)
"""Zero is mixed to zero; this keeps the numbers that are mixed away from it."""


def place_hashes(seed: int, unit: int, first_row: int, rows: int) -> Words:
    """Return a hash of (seed, unit, row) for so many rows of a unit, from `first_row` on."""
    shard = mixed(mixed(np.array([seed], np.uint64) + _APART) ^ np.uint64(unit))
    return mixed(shard ^ np.arange(first_row, first_row + rows, dtype=np.uint64))
