"""Candidates for being alike: documents under equal hashes, judged by their sketches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.engine.hashing import Words
from transforms.engine.near.clusters import Forest, Pairs, joined
from transforms.engine.near.shingles import Indices

Prints = npt.NDArray[np.uint16]
NEIGHBOURS = 32
"""With how many of those before it in a bucket a document is compared, the nearest first."""
_PAIRS_AT_ONCE = 65_536
_DEVIATIONS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which candidates are surely alike, as clusters, and which must be looked at."""

    sure: Pairs
    doubtful: Pairs


class Buckets:
    """Documents under equal hashes."""

    def __init__(self, hashes: Words, documents: Indices) -> None:
        """Take a hash for each of `documents`, which are in order; lone ones are left out."""
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(len(order), np.bool_)
        shared[1:] = same
        shared[:-1] |= same
        self._hashes = ordered[shared]
        self.documents, self._members = np.unique(documents[order[shared]], return_inverse=True)

    def judged(self, prints: Prints, threshold: float) -> Verdict:
        """Return what the sketches say of the candidates; `prints` has a row for each document.

        Where the share of equal places is so near to `threshold` that it may be chance, a pair is
        doubtful. Pairs within a cluster of sure ones are not looked at.
        """
        margin = _DEVIATIONS * math.sqrt(threshold * (1 - threshold) / prints.shape[1])
        margin += 1 / prints.shape[1]
        forest = Forest(len(self.documents))
        doubtful: list[Pairs] = []
        for step in range(1, NEIGHBOURS + 1):
            same = np.flatnonzero(self._hashes[step:] == self._hashes[:-step])
            if not len(same):
                break
            pairs = Pairs(self._members[same], self._members[same + step])
            pairs = pairs.where(forest.apart(pairs.one, pairs.other)).unique()
            for start in range(0, len(pairs), _PAIRS_AT_ONCE):
                some = pairs.where(slice(start, start + _PAIRS_AT_ONCE))
                equal = (prints[some.one] == prints[some.other]).mean(axis=1)
                sure = some.where(equal > threshold + margin)
                forest.join(sure.one, sure.other)
                doubtful.append(some.where(abs(equal - threshold) <= margin))
        found = joined(doubtful).unique()
        found = found.where(forest.apart(found.one, found.other))
        return Verdict(Pairs(*forest.below()).named(self.documents), found.named(self.documents))
