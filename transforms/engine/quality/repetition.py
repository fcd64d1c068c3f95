"""The repetition rules of Gopher. Source: Rae et al. 2021, table A1, arXiv 2112.11446.

Whole columns are looked at for an upper bound; only the few texts above it are counted one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
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
    for n, limit in TOP.items():
        suspects = share(_most(words, n), length) > limit
        _judge_exactly(verdicts, f"top_{n}_gram", suspects, _Exact(words, length, n, limit, _top))
    for n, limit in REPEATED.items():
        bound = share(_covered(words, n), length)
        exact = _Exact(words, length, n, limit, _repeated)
        _judge_exactly(verdicts, f"repeated_{n}_grams", bound > limit, exact)
        if n == min(REPEATED):
            words = words.where((bound > min(REPEATED.values()))[words.owner])


@dataclass(frozen=True)
class _Exact:
    """A rule about n-grams, counted in one text."""

    words: Pieces
    length: Counts
    n: int
    limit: float
    count: Callable[[list[str], int], int]

    def broken(self, place: int) -> bool:
        start, end = np.searchsorted(self.words.owner, [place, place + 1])
        own = cast("list[str]", self.words.values.slice(start, end - start).to_pylist())
        return self.count(own, self.n) / int(self.length[place]) > self.limit


def _judge_exactly(verdicts: Verdicts, reason: str, suspects: Flags, rule: _Exact) -> None:
    open_ = np.flatnonzero(suspects & (verdicts.failed < 0))
    broken = np.zeros(len(suspects), np.bool_)
    broken[open_] = [rule.broken(place) for place in open_.tolist()]
    verdicts.fail(reason, broken)


def _most(words: Pieces, n: int) -> Counts:
    """Return at most how many characters all places of one n-gram make in each text."""
    owner, hashes = _grams(words, n)
    _, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    ends = np.concatenate([[0], np.cumsum(words.sizes)])
    spelled = ends[n:][: len(ends) - n] - ends[:-n]
    most = np.zeros(words.texts, np.int64)
    np.maximum.at(most, owner, (spelled[_whole(words, n)] + n - 1) * counts[group])
    return most


def _covered(words: Pieces, n: int) -> Counts:
    """Return how many characters of each text stand in n-grams that stood before."""
    hashes = _grams(words, n)[1]
    again = np.ones(len(hashes), np.bool_)
    again[np.unique(hashes, return_index=True)[1]] = False
    starts = np.flatnonzero(_whole(words, n))[again]
    edges = np.zeros(len(words.owner) + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + n, -1)
    return words.total(words.sizes * (np.cumsum(edges)[:-1] > 0))


def _whole(words: Pieces, n: int) -> Flags:
    """Return from which words an n-gram starts that stays in its text."""
    starts = max(len(words.owner) - n + 1, 0)
    return np.equal(words.owner[n - 1 :], words.owner[:starts])


def _grams(words: Pieces, n: int) -> tuple[Counts, np.ndarray[tuple[int], np.dtype[np.uint64]]]:
    """Return the text and a hash of each n-gram; equal hashes mean, but for chance, equal both."""
    codes = words.encoded[1].astype(np.uint64)
    starts = max(len(codes) - n + 1, 0)
    mixed = words.owner[:starts].astype(np.uint64)
    for at in range(n):
        mixed = (mixed + codes[at : at + starts] + np.uint64(1)) * _FACTOR
        mixed ^= mixed >> np.uint64(29)
    whole = _whole(words, n)
    return words.owner[:starts][whole], mixed[whole]


def _top(words: list[str], n: int) -> int:
    """Count the characters that the most frequent n-gram makes, the first of several."""
    grams = [" ".join(words[at : at + n]) for at in range(len(words) - n + 1)]
    return max((len(top) * count for top, count in Counter(grams).most_common(1)), default=0)


def _repeated(words: list[str], n: int) -> int:
    """Count the characters in n-grams that stood before; what is counted is not looked at again."""
    seen: set[tuple[str, ...]] = set()
    at = found = 0
    while at <= len(words) - n:
        gram = tuple(words[at : at + n])
        if gram in seen:
            found += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return found
