"""The true similarity of pairs of sets."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from transforms.engine.hashing import Words
from transforms.engine.near.clusters import Pairs
from transforms.engine.near.shingles import Indices

_HASHES_AT_ONCE = 4 * 1024 * 1024


class Sets:
    """Sets of 32-bit hashes, by number."""

    def __init__(self, owners: Indices, hashes: npt.NDArray[np.uint32], count: int) -> None:
        """Take members in any order and as often as they come; `owners` says whose each is."""
        keys = owners.astype(np.uint64) << np.uint64(32) | hashes
        keys.sort()
        self._keys: Words = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
        self._edges = np.searchsorted(
            self._keys, np.arange(count + 1, dtype=np.uint64) << np.uint64(32)
        )
        self.sizes = np.diff(self._edges)

    def similarities(self, pairs: Pairs) -> npt.NDArray[np.float64]:
        """Return the Jaccard similarity of each pair; 0 of two empty sets."""
        found = np.zeros(len(pairs))
        group = np.cumsum(self.sizes[pairs.one]) // _HASHES_AT_ONCE
        edges = [0, *(1 + np.flatnonzero(np.diff(group))).tolist(), len(pairs)]
        for start, end in itertools.pairwise(edges):
            some = pairs.where(slice(start, end))
            both = self._shared(some)
            either = self.sizes[some.one] + self.sizes[some.other] - both
            found[start:end] = both / np.maximum(either, 1)
        return found

    def _shared(self, pairs: Pairs) -> Indices:
        sizes = self.sizes[pairs.one]
        pair = np.repeat(np.arange(len(pairs)), sizes)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        members = self._keys[self._edges[pairs.one[pair]] + place] & np.uint64(2**32 - 1)
        wanted = pairs.other[pair].astype(np.uint64) << np.uint64(32) | members
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.bincount(pair[self._keys[at] == wanted], minlength=len(pairs))
