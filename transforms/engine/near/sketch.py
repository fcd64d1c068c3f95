"""Sketches of sets: two of them agree in as large a share of their places as the sets do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.engine.hashing import Words, mixed
from transforms.engine.near.shingles import Shingles

Sketch = npt.NDArray[np.uint32]
RECALL = 0.99
_NOTHING = np.uint32(2**32 - 1)


def sketches(shingles: Shingles, places: int) -> Sketch:
    """Return (documents, places): each place holds the least hash of the shingles that fell there.

    The share of equal places of two documents is on average their Jaccard similarity, and as near
    to it as with `places` independent hash functions. Each round throws every shingle of a document
    into one place; documents with empty places go into another round, and after `places` rounds
    every shingle goes to each place in turn. A document costs about max(shingles, places * ln
    places) hashes, where independent ones cost shingles * places. A document without shingles
    holds nothing but the greatest number.
    Source: Dahlgaard, Knudsen, Thorup 2017, "Fast similarity sketching".
    """
    found = np.full(shingles.count * places, _NOTHING, np.uint32)
    filled = np.zeros(shingles.count * places, np.bool_)
    hashes, documents = shingles.hashes, shingles.documents
    for number in range(2 * places):
        if not len(hashes):
            break
        thrown = mixed(hashes + _salt(number))
        forced = number - places
        place = (thrown >> np.uint64(32)) * np.uint64(places) >> np.uint64(32)
        at = documents * places + (place.astype(np.int64) if forced < 0 else forced)
        free = ~filled[at]
        at = at[free]
        np.minimum.at(found, at, thrown[free].astype(np.uint32))
        filled[at] = True
        full = np.logical_and.reduce(filled.reshape(-1, places), axis=1)
        hashes, documents = hashes[~full[documents]], documents[~full[documents]]
    return found.reshape(shingles.count, places)


def _salt(number: int) -> np.uint64:
    return np.uint64((number + 1) * 0xD6E8FEB86659FD93 & (2**64 - 1))


@dataclass(frozen=True, slots=True)
class Bands:
    """How a sketch is cut: documents that agree in all rows of a band are candidates."""

    count: int
    rows: int

    @classmethod
    def fitting(cls, places: int, threshold: float, recall: float = RECALL) -> Bands:
        """Return the bands of most rows by which documents as alike as `threshold` are candidates.

        With a probability of at least `recall`, and no more bands than that takes. Raises
        ValueError where no bands do it.
        """
        for rows in range(places, 0, -1):
            agreeing = threshold**rows
            if agreeing == 1:
                return cls(1, rows)
            if agreeing * places < 1 - recall:
                continue
            count = math.ceil(math.log(1 - recall) / math.log1p(-agreeing))
            if count * rows <= places:
                return cls(count, rows)
        raise ValueError(f"{places} places are too few for a threshold of {threshold}.")

    def hashes(self, found: Sketch) -> Words:
        """Return (documents, bands) hashes: equal where all rows of a band are."""
        cut = found[:, : self.count * self.rows].reshape(len(found), self.count, self.rows)
        factors = mixed(np.arange(1, self.rows + 1, dtype=np.uint64)) | np.uint64(1)
        sums = (mixed(cut.astype(np.uint64) + np.uint64(1)) * factors).sum(axis=2, dtype=np.uint64)
        return mixed(sums ^ mixed(np.arange(1, self.count + 1, dtype=np.uint64)))
