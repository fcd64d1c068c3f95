"""Texts as sets of hashed shingles, runs of neighbouring words; no Python object for any word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from transforms.engine.arrow import Text, ends_of, numbers_in
from transforms.engine.hashing import Words, mixed

Indices = npt.NDArray[np.int64]
BLOCK_BYTES = 256 * 1024
"""Text that is looked at together, to stay within the caches; longer documents are whole."""
_SPACE = 0x20
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_BYTE_HASHES = mixed(np.arange(1, 257, dtype=np.uint64))


@dataclass(frozen=True, slots=True)
class Shingles:
    """Hashes of the shingles of some documents, those of a document together."""

    hashes: Words
    documents: Indices
    """The document of each shingle, ascending."""
    count: int
    """Of the documents, with those that have no shingle."""

    def sizes(self) -> Indices:
        """Return how many shingles each document has, with repeats."""
        return np.bincount(self.documents, minlength=self.count)


def shingles_of(texts: Text, words: int) -> Shingles:
    """Return the shingles of all `texts`.

    A word is a run of bytes above the space, so white space beyond ASCII is part of words. A
    document of fewer than `words` words is one shingle; one without words, or a null, has none.
    Memory: about 16 bytes for each word, and 60 for each byte of a block.
    """
    worded = texts.fill_null("") if texts.null_count else texts
    ends = ends_of(worded)
    data = numbers_in(worded.buffers()[2], np.uint8)
    hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    first = 0
    while first < len(texts):
        limit = np.searchsorted(ends, ends[first] + BLOCK_BYTES, side="right") - 1
        last = max(first + 1, int(limit))
        found, documents = _block(data, ends[first : last + 1], words)
        hashes.append(found)
        owners.append(first + documents)
        first = last
    return Shingles(np.concatenate(hashes), np.concatenate(owners), len(texts))


def _block(data: npt.NDArray[np.uint8], ends: Indices, words: int) -> tuple[Words, Indices]:
    """Return the shingles of data[ends[i] : ends[i + 1]] for each i, and which i each is of."""
    edges = ends - ends[0]
    hashes, starts = _words(data[ends[0] : ends[-1]], edges)
    edges = np.searchsorted(starts, edges)
    counts = np.diff(edges)
    shingles = np.where(counts, np.maximum(counts - words + 1, 1), 0)
    documents = np.repeat(np.arange(len(counts)), shingles)
    place = np.arange(len(documents)) - np.repeat(np.cumsum(shingles) - shingles, shingles)
    begin = edges[documents] + place
    end = np.minimum(begin + words, edges[documents + 1])
    return _hash_runs(hashes, begin, end), documents


def _words(data: npt.NDArray[np.uint8], edges: Indices) -> tuple[Words, Indices]:
    """Return the hash of each word and where it starts; no word crosses an edge."""
    is_word = data > _SPACE
    at_edge = np.zeros(len(data) + 1, np.bool_)
    at_edge[edges] = True
    before = np.concatenate([[False], is_word])
    after = np.concatenate([is_word, [False]])
    starts = np.flatnonzero(after & (~before | at_edge))
    ends = np.flatnonzero(before & (~after | at_edge))
    return _hash_runs(np.take(_BYTE_HASHES, data), starts, ends), starts


def _hash_runs(values: Words, starts: Indices, ends: Indices) -> Words:
    """Return a hash of values[starts[i] : ends[i]] for each i, in one pass over `values`.

    The polynomial hash modulo 2^64 of a run is a difference of two sums of all before; the values
    are hashes already, so that the polynomial's weakness for plain bytes does not matter.
    Source: Karp, Rabin 1987.
    """
    powers, inverses = _powers(1 << max(len(values), 1).bit_length())
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return mixed((sums[ends] - sums[starts]) * inverses[starts])


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Words, Words]:
    """Return the powers of the base and of its inverse, modulo 2^64."""
    factors = np.full(count, _BASE, np.uint64), np.full(count, _INVERSE, np.uint64)
    for each in factors:
        each[0] = 1
    return np.cumprod(factors[0]), np.cumprod(factors[1])
