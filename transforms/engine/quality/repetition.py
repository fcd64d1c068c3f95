"""The repetition rules of Gopher. Source: Rae et al. 2021, table A1, arXiv 2112.11446.

Whole columns are looked at for an upper bound; only the few texts above it are counted one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
    words = cut(texts)
    ends = np.concatenate([[0], np.cumsum(words.count())])
    for place in np.flatnonzero((verdicts.failed < 0) & _suspicious(words, length)).tolist():
        own = words.values.slice(ends[place], ends[place + 1] - ends[place])
        reason = next(_broken(cast("list[str]", own.to_pylist()), int(length[place])), None)
        if reason is not None:
            verdicts.failed[place] = REASONS.index(reason)
    return verdicts


def _suspicious(words: Pieces, length: Counts) -> Flags:
    """Return which texts may break a rule about n-grams; those that do are among them.

    A repeated n-gram of six or more lies in repeated 5-grams, so that these cover it.
    """
    sizes = np.concatenate([[0], np.cumsum(words.sizes)])
    flags = np.zeros(words.texts, np.bool_)
    for n, limit in TOP.items():
        owner, hashes = _grams(words, n)
        _, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        spelled = sizes[n:][: len(sizes) - n] - sizes[:-n]
        within = spelled[_whole(words, n)] + n - 1
        most = np.zeros(words.texts, np.int64)
        np.maximum.at(most, owner, within * counts[group])
        flags |= share(most, length) > limit
    owner, hashes = _grams(words, min(REPEATED))
    again = np.ones(len(hashes), np.bool_)
    again[np.unique(hashes, return_index=True)[1]] = False
    starts = np.flatnonzero(_whole(words, min(REPEATED)))[again]
    edges = np.zeros(len(words.owner) + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + min(REPEATED), -1)
    covered = np.cumsum(edges)[:-1] > 0
    return flags | (share(words.total(np.diff(sizes) * covered), length) > min(REPEATED.values()))


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


def _broken(words: list[str], length: int) -> Iterator[str]:
    """Yield the rules about n-grams that a text of `length` characters breaks, counted exactly."""
    for n, limit in TOP.items():
        grams = [" ".join(words[at : at + n]) for at in range(len(words) - n + 1)]
        if grams:
            ((top, count),) = Counter(grams).most_common(1)
            if len(top) * count / length > limit:
                yield f"top_{n}_gram"
    for n, limit in REPEATED.items():
        if _repeated(words, n) / length > limit:
            yield f"repeated_{n}_grams"


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
