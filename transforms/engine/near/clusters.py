"""Clusters of documents that are alike, directly or over others, each known by its first member."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.engine.near.shingles import Indices

Truths = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


class Forest:
    """Documents 0 to `count` - 1, each below the first document of its cluster."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def join(self, one: Indices, other: Indices) -> None:
        """Put one[i] and other[i] into the same cluster, for each i."""
        while True:
            roots = self._above[one], self._above[other]
            apart = roots[0] != roots[1]
            if not apart.any():
                return
            one, other = roots[0][apart], roots[1][apart]
            np.minimum.at(self._above, np.maximum(one, other), np.minimum(one, other))
            self._flatten()

    def _flatten(self) -> None:
        while not np.array_equal(higher := self._above[self._above], self._above):
            self._above = higher

    def apart(self, one: Indices, other: Indices) -> Truths:
        """Return where one[i] and other[i] are in different clusters."""
        found: Truths = self._above[one] != self._above[other]
        return found

    def below(self) -> tuple[Indices, Indices]:
        """Return all documents but the first ones of clusters, and the first of each."""
        members = np.flatnonzero(self._above != np.arange(len(self._above)))
        return members, self._above[members]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Documents one[i] and other[i], by any numbers that tell them apart."""

    one: Indices
    other: Indices

    def __len__(self) -> int:
        return len(self.one)

    def where(self, chosen: Truths | Places | slice) -> Pairs:
        return Pairs(self.one[chosen], self.other[chosen])

    def named(self, names: Indices) -> Pairs:
        """Return the same pairs under other numbers: `names` holds that of each."""
        return Pairs(names[self.one], names[self.other])

    def unique(self) -> Pairs:
        """Return each pair once, in order."""
        found = np.unique(np.stack([self.one, self.other]), axis=1)
        return Pairs(found[0], found[1])

    def numbered(self) -> tuple[Pairs, Indices]:
        """Return the pairs with documents numbered from 0 in order, and what each number names."""
        names, numbers = np.unique(np.stack([self.one, self.other]), return_inverse=True)
        one, other = numbers.reshape(2, -1)
        return Pairs(one, other), names


def joined(pairs: list[Pairs]) -> Pairs:
    none = np.zeros(0, np.int64)
    return Pairs(
        np.concatenate([none, *(each.one for each in pairs)]),
        np.concatenate([none, *(each.other for each in pairs)]),
    )


def clusters(pairs: Pairs) -> Pairs:
    """Return each document that is not the first of its cluster, with the first."""
    numbered, names = pairs.numbered()
    forest = Forest(len(names))
    forest.join(numbered.one, numbered.other)
    return Pairs(*forest.below()).named(names)
