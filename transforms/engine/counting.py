"""Counts that shards add up to a picture: documents by length and by language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

LENGTH, LANGUAGE = "length_upto_", "language_"
"""Behind the first stands a number of tokens, a power of two; behind the second a code."""


def length_counts(lengths: npt.NDArray[np.int64]) -> dict[str, int]:
    """Return how many documents have at most 1, 2, 4, … tokens and more than half as many."""
    exponents = np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    found, counts = np.unique(exponents, return_counts=True)
    pairs = zip(found.tolist(), counts.tolist(), strict=True)
    return {f"{LENGTH}{1 << exponent}": count for exponent, count in pairs}


def language_counts(codes: Iterable[str | None]) -> dict[str, int]:
    """Return how many documents have each language; those without a text have none."""
    return Counter(f"{LANGUAGE}{code}" for code in codes if code is not None)
