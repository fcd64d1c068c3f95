"""Counting matches in columns of text.

One RE2 pass of all patterns together leaves the values that may hold anything; each detector looks
at those alone, and only what it finds there is checked in Python. The columns of a block are one
array to it, since compiling the patterns costs milliseconds however little there is to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from governance.engine.scan.detectors import DETECTORS, Detector
from governance.engine.scan.folding import folded
from governance.engine.scan.texts import Column, strings

Places: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Count:
    """How many values look right to a detector, and how many are."""

    candidates: int = 0
    matches: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.candidates + other.candidates, self.matches + other.matches)


Counts = dict[str, Count]


class Counter:
    """Counts what a set of detectors finds; made once, used for every column."""

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        self._detectors = tuple(detectors)
        self._any = "|".join(f"(?:{detector.look})" for detector in detectors)

    def count(self, texts: Column) -> Counts:
        """Return the counts of one text array by detector, without those that find nothing."""
        return self.count_all([texts])[0]

    def count_all(self, columns: Sequence[Column]) -> list[Counts]:
        """Return the counts of some text arrays, in their order. Nulls match nothing.

        Cost: a copy and one pass over the bytes, and one more for each detector over the values
        that the first pass left.
        """
        found: list[Counts] = [{} for _ in columns]
        if not columns:
            return found
        texts = folded(pa.concat_arrays([column.cast(pa.large_string()) for column in columns]))
        ends = np.cumsum([len(column) for column in columns])
        suspects, places = _where(texts, self._any, None)
        if not len(places):
            return found
        owners = np.searchsorted(ends, places, side="right")
        for detector in self._detectors:
            hits, at = _where(suspects, detector.look, owners)
            if len(at):
                self._add(found, detector, hits, at)
        return found

    def _add(self, found: list[Counts], detector: Detector, hits: Column, at: Places) -> None:
        true = at
        if detector.check is not None:
            true = at[np.fromiter(map(detector.matches, strings(hits)), bool, len(at))]
        candidates, matches = (np.bincount(each, minlength=len(found)) for each in (at, true))
        for owner in np.flatnonzero(candidates):
            count = Count(int(candidates[owner]), int(matches[owner]))
            found[owner][detector.id] = count


def _where(texts: Column, pattern: str, owners: Places | None) -> tuple[Column, Places]:
    """Return the texts that a pattern matches, with their owners or else their positions."""
    mask = pc.match_substring_regex(cast("pa.StringArray", texts), pattern).fill_null(False)
    flags = mask.to_numpy(zero_copy_only=False)
    places = np.flatnonzero(flags)
    return texts.filter(flags), places if owners is None else owners[places]
