"""In which language each of many texts is, by the model of py3langid, many bytes at a time.

The model is an automaton that finds n-grams of bytes, and a weight of each n-gram for each
language. What it knows of a text by now it knows from its last bytes alone, as many as its longest
n-gram has, so that a text may be cut: a walk that begins so many bytes earlier arrives where it
would have been. The pieces of all texts are walked side by side.

Languages and confidences are the package's own to the last bit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

LONGEST_GRAM = 6
"""Bytes; the model has no longer n-gram."""
APART = 0xFF
"""A byte of no text in UTF-8: behind it the automaton has forgotten everything."""
PIECE_BYTES = 256
AT_ONCE_BYTES = 1 << 20
"""How much is walked in one go, which takes some fifty times as much memory."""
_FEATURE_BITS = 17


@cache
def model() -> Model:
    return Model(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))


class Model:
    """A model of the package, laid out for many texts."""

    def __init__(self, read: LanguageIdentifier) -> None:
        self.labels: list[str] = read.labels
        self._classes: list[str] = read.nb_classes
        self._moves = np.asarray(read.tk_nextmove)
        self._rows = np.asarray(read.tk_row).astype(np.int64) << 8
        self._found = np.asarray(read.tk_output).astype(np.int32)
        self._weights: Floats = read.nb_ptc.astype(np.float32)
        self._prior: Floats = read.nb_pc
        self._again = [
            (self._classes.index(code), at)
            for at, code in enumerate(self._classes)
            if self._classes.index(code) < at
        ]
        """Columns of a language that has one already, as of another script, with that one."""

    def tell(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Return the likeliest language of each text, as an ISO 639 code, and how sure that is."""
        told: list[tuple[str, float]] = []
        for some in _in_portions([_encoded(text) for text in texts]):
            likely = self._likely(some)
            best = likely.argmax(axis=1)
            codes = [self._classes[at] for at in best.tolist()]
            told += zip(codes, likely[np.arange(len(some)), best].tolist(), strict=True)
        return told

    def _likely(self, texts: list[bytes]) -> Floats:
        """Return the probability of each column, a row for each text."""
        scores = self._scores(texts)
        # by the root of the length, so that long texts are not told as surer than they are
        scores *= np.array([1 / sqrt(len(text) or 1) for text in texts], np.float32)[:, None]
        np.exp(scores - scores.max(axis=1, keepdims=True), out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        for first, again in self._again:
            scores[:, first] += scores[:, again]
            scores[:, again] = 0
        return scores

    def _scores(self, texts: list[bytes]) -> Floats:
        if len(texts) == 1 and len(texts[0]) > AT_ONCE_BYTES:
            starts, grams, times = self._counted_long(texts[0])
        else:
            data = b"".join(text + bytes([APART]) for text in texts)
            starts, grams, times = _counted(self._walked(data), [len(text) + 1 for text in texts])
        logs = np.log1p(times.astype(np.float32))
        scores = np.zeros((len(texts), len(self._prior)), np.float32)
        for at, (start, stop) in enumerate(pairwise(starts)):
            if stop > start:
                scores[at] = logs[start:stop] @ self._weights[grams[start:stop]] + self._prior
        return scores

    def _counted_long(self, text: bytes) -> tuple[Ints, Ints, Ints]:
        """Return what `_counted` would of one text, of which never more than a part is walked."""
        times: dict[int, int] = {}
        for begin in range(0, len(text), AT_ONCE_BYTES):
            before = min(begin, LONGEST_GRAM)
            found = self._walked(text[begin - before : begin + AT_ONCE_BYTES])[before:]
            _, grams, more = _counted(found, [len(found)])
            for gram, count in zip(grams.tolist(), more.tolist(), strict=True):
                times[gram] = times.get(gram, 0) + count
        return np.array([0, len(times)]), np.array(list(times)), np.array(list(times.values()))

    def _walked(self, data: bytes) -> npt.NDArray[np.int32]:
        """Return the number of the n-gram that ends at each byte; below zero where none does."""
        pieces = -(-len(data) // PIECE_BYTES)
        padded = np.full(LONGEST_GRAM + pieces * PIECE_BYTES, APART, np.uint8)
        padded[LONGEST_GRAM : LONGEST_GRAM + len(data)] = np.frombuffer(data, np.uint8)
        side_by_side = np.lib.stride_tricks.sliding_window_view(padded, PIECE_BYTES + LONGEST_GRAM)
        steps = np.ascontiguousarray(side_by_side[::PIECE_BYTES].T)
        found = np.empty((PIECE_BYTES, pieces), np.int32)
        states = np.zeros(pieces, np.int64)
        for number, step in enumerate(steps, -LONGEST_GRAM):
            states = self._moves[self._rows[states] + step]
            if number >= 0:
                found[number] = self._found[states]
        return found.T.reshape(-1)[: len(data)]


def _encoded(text: str) -> bytes:
    """Return the bytes that the model was made for; half a surrogate pair is three of them."""
    lower = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", lower).encode("utf8", errors="surrogatepass")


def _in_portions(texts: list[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    held = 0
    for text in texts:
        if some and held + len(text) > AT_ONCE_BYTES:
            yield some
            some, held = [], 0
        some.append(text)
        held += len(text)
    if some:
        yield some


def _counted(found: npt.NDArray[np.int32], lengths: Sequence[int]) -> tuple[Ints, Ints, Ints]:
    """Return where the n-grams of each text start, the n-grams, and how often each is there.

    Those of text i, as they first come, are from starts[i] to starts[i + 1]: sums of floats depend
    on their order. `lengths` says how much of `found` is of each text.
    """
    ends = np.cumsum(lengths)
    at = np.flatnonzero(found >= 0)
    edges = np.searchsorted(at, ends)
    whose = np.repeat(np.arange(len(lengths)), np.diff(edges, prepend=0))
    bits = len(found).bit_length()
    keys = ((whose << _FEATURE_BITS | found[at]) << bits) | at
    keys.sort()
    grams = keys >> bits
    firsts = np.flatnonzero(np.diff(grams, prepend=-1))
    times = np.diff(firsts, append=len(keys))
    first_at = keys[firsts] & ((1 << bits) - 1)
    place = np.full(len(found), -1, np.int64)
    place[first_at] = np.arange(len(firsts))
    order = place[place >= 0]
    starts = np.searchsorted(first_at[order], np.concatenate(([0], ends)))
    return starts, grams[firsts][order] & ((1 << _FEATURE_BITS) - 1), times[order]
