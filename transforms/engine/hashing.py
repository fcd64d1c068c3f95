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
