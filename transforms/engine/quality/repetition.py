"""The repetition rules of Gopher. Source: Rae et al. 2021, table A1, arXiv 2112.11446.

Whole columns are looked at for an upper bound; only the few texts above it are counted one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.quality.pieces import (
    Counts,
    Cut,
    Flags,
    Pieces,
    Verdicts,
    characters,
    pieces_between,
    share,
    stood_before,
    times,
)

TOP = {2: 0.2, 3: 0.18, 4: 0.16}
"""By length of an n-gram: the largest share of the characters that the most frequent one makes."""
REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
"""By length of an n-gram: the largest share of the characters that stand in repeated ones."""
REASONS = (
    "no_text",
    "paragraphs",
    "paragraph_characters",
    "lines",
    "line_characters",
    *(f"top_{n}_gram" for n in TOP),
    *(f"repeated_{n}_grams" for n in REPEATED),
)
_Hashes: TypeAlias = "npt.NDArray[np.uint64]"
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def judge(texts: Text, cut: Cut) -> Verdicts:
    """Return which rule each text breaks first; no text is null."""
    verdicts = Verdicts.none(REASONS, len(texts))
    length = characters(texts)
    verdicts.fail("no_text", length == 0)
    trimmed = text_of(pc.utf8_trim_whitespace(texts))
    for name, parts in (
        ("paragraph", pieces_between(trimmed, "\n\n+")),
        ("line", pieces_between(texts, "\n+")),
    ):
        again = parts.repeated()
        repeated = parts.total(parts.sizes * again)
        verdicts.fail(f"{name}s", share(parts.count(again), parts.count()) > 0.3)
        verdicts.fail(f"{name}_characters", share(repeated, length) > 0.2)
    _judge_grams(verdicts, cut(texts), length)
    return verdicts


def _judge_grams(verdicts: Verdicts, words: Pieces, length: Counts) -> None:
    """Apply the rules about n-grams.

    A repeated n-gram of six or more lies in repeated 5-grams: where these cover little, longer
    ones are not looked for.
    """
    grams = _Grams(words)
    for n, limit in TOP.items():
        suspects = share(_most(grams, n), length) > limit
        _judge_exactly(verdicts, f"top_{n}_gram", suspects, _Exact(grams, length, n, limit, _top))
    for n, limit in REPEATED.items():
        bound = share(_covered(grams, n), length)
        exact = _Exact(grams, length, n, limit, _repeated)
        _judge_exactly(verdicts, f"repeated_{n}_grams", bound > limit, exact)
        if n == min(REPEATED):
            grams = _Grams(words.where((bound > min(REPEATED.values()))[words.owner]))


class _Grams:
    """The n-grams of words, by hashes that are asked for from short ones to long ones.

    Equal hashes mean, but for chance, the same n-gram of the same text.
    """

    def __init__(self, words: Pieces) -> None:
        self.words, self.sizes = words, words.sizes
        self.ends: Counts = np.concatenate([[0], np.cumsum(self.sizes)])
        """Where each word ends if all stand without space between them; before that a 0."""
        self._codes = words.encoded[1].astype(np.uint64)
        self._mixed, self._n = words.owner.astype(np.uint64), 0

    def whole(self, n: int) -> Flags:
        """Return from which words an n-gram starts that stays in its text."""
        owner = self.words.owner
        return np.equal(owner[n - 1 :], owner[: max(len(owner) - n + 1, 0)])

    def hashes(self, n: int) -> _Hashes:
        """Return a hash of each n-gram that stays in its text; `n` is no less than last time."""
        for at in range(self._n, n):
            further = self._codes[at:]
            mixed = (self._mixed[: len(further)] + further + np.uint64(1)) * _FACTOR
            self._mixed = mixed ^ (mixed >> np.uint64(29))
        self._n = n
        return self._mixed[self.whole(n)]

    def spelled(self, n: int) -> Counts:
        """Return the characters of each n-gram that stays in its text, without spaces."""
        spelled: Counts = self.ends[n:] - self.ends[: max(len(self.ends) - n, 0)]
        return spelled[self.whole(n)]

    def of_text(self, text: int) -> tuple[list[int], list[int]]:
        """Return a number for each word of one text, the same for equal words, and the sizes."""
        start, end = np.searchsorted(self.words.owner, [text, text + 1])
        numbers = self.words.encoded[1][start:end]
        return numbers.tolist(), self.sizes[start:end].tolist()


@dataclass(frozen=True)
class _Exact:
    """A rule about n-grams, counted in one text."""

    grams: _Grams
    length: Counts
    n: int
    limit: float
    count: Callable[[list[int], list[int], int], int]

    def broken(self, text: int) -> bool:
        found = self.count(*self.grams.of_text(text), self.n)
        return found / int(self.length[text]) > self.limit


def _judge_exactly(verdicts: Verdicts, reason: str, suspects: Flags, rule: _Exact) -> None:
    open_ = np.flatnonzero(suspects & (verdicts.failed < 0))
    broken = np.zeros(len(suspects), np.bool_)
    broken[open_] = [rule.broken(text) for text in open_.tolist()]
    verdicts.fail(reason, broken)


def _most(grams: _Grams, n: int) -> Counts:
    """Return at most how many characters all places of one n-gram make in each text."""
    words = grams.words
    most = np.zeros(words.texts, np.int64)
    owner = words.owner[: max(len(words.owner) - n + 1, 0)][grams.whole(n)]
    np.maximum.at(most, owner, (grams.spelled(n) + n - 1) * times(grams.hashes(n)))
    return most


def _covered(grams: _Grams, n: int) -> Counts:
    """Return how many characters of each text stand in n-grams that stood before."""
    starts = np.flatnonzero(grams.whole(n))[stood_before(grams.hashes(n))]
    words = grams.words
    edges = np.zeros(len(words.owner) + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + n, -1)
    return words.total(grams.sizes * (np.cumsum(edges)[:-1] > 0))


def _top(words: list[int], sizes: list[int], n: int) -> int:
    """Count the characters that the most frequent n-gram makes, the first of several."""
    every = list(_runs(words, n))
    for top, often in Counter(every).most_common(1):
        at = every.index(top)
        return (sum(sizes[at : at + n]) + n - 1) * often
    return 0


def _repeated(words: list[int], sizes: list[int], n: int) -> int:
    """Count the characters in n-grams that stood before; what is counted is not looked at again."""
    every = list(_runs(words, n))
    seen: set[tuple[int, ...]] = set()
    at = found = 0
    while at < len(every):
        if every[at] in seen:
            found += sum(sizes[at : at + n])
            at += n
        else:
            seen.add(every[at])
            at += 1
    return found


def _runs(words: list[int], n: int) -> Iterator[tuple[int, ...]]:
    """Return every n words that follow one another."""
    return zip(*(words[at:] for at in range(n)), strict=False)
