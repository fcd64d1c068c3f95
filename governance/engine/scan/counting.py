"""Counting matches in a column of text.

One RE2 pass of all patterns together leaves the rows that may hold anything; each detector looks
at those alone, and only what it finds there is checked in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from governance.engine.scan.detectors import DETECTORS, Detector
from governance.engine.scan.texts import Column, values_of


@dataclass(frozen=True, slots=True)
class Count:
    """How many values look right to a detector, and how many are."""

    candidates: int = 0
    matches: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.candidates + other.candidates, self.matches + other.matches)


class Counter:
    """Counts what a set of detectors finds; made once, used for every column."""

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        self._detectors = tuple(detectors)
        self._any = "|".join(f"(?:{detector.look})" for detector in detectors)

    def count(self, texts: Column) -> dict[str, Count]:
        """Return the counts by detector; those that find nothing are left out.

        Cost: one pass over the bytes, and one more for each detector over the rows that the first
        pass left. Nulls match nothing.
        """
        suspects = _where(texts, self._any)
        found: dict[str, Count] = {}
        if not len(suspects):
            return found
        for detector in self._detectors:
            hits = _where(suspects, detector.look)
            if not len(hits):
                continue
            matches = len(hits)
            if detector.check is not None:
                matches = sum(map(detector.matches, _strings(hits)))
            found[detector.id] = Count(len(hits), matches)
        return found


def _strings(texts: Column) -> Sequence[str]:
    """Return the values; bytes that are no UTF-8, which a file may hold as text, are replaced."""
    try:
        return cast("Sequence[str]", values_of(texts))
    except UnicodeDecodeError:
        raw = cast("Sequence[bytes]", values_of(texts.cast(pa.large_binary())))
        return [value.decode(errors="replace") for value in raw]


def _where(texts: Column, pattern: str) -> Column:
    return texts.filter(pc.match_substring_regex(cast("pa.StringArray", texts), pattern))
