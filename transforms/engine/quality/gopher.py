"""The quality rules of Gopher. Source: Rae et al. 2021, section A1.1, arXiv 2112.11446.

A word of punctuation alone counts neither for the length of a text nor for that of its words.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text
from transforms.engine.quality.pieces import (
    SPACE,
    Counts,
    Cut,
    Pieces,
    Verdicts,
    found,
    lines_of,
    occurrences,
    share,
)

REASONS = (
    "too_short",
    "too_long",
    "short_words",
    "long_words",
    "hashes",
    "ellipses",
    "bullet_lines",
    "ellipsis_lines",
    "few_alphabetic_words",
    "few_stop_words",
)
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


def judge(texts: Text, cut: Cut) -> Verdicts:
    """Return which rule each text breaks first; no text is null."""
    verdicts = Verdicts.none(REASONS, len(texts))
    words, lines = cut(texts), lines_of(texts)
    _judge_words(verdicts, words)
    count = words.count()
    dots = occurrences(texts, "...") + occurrences(texts, "…")
    verdicts.fail("hashes", share(occurrences(texts, "#"), count) > 0.1)
    verdicts.fail("ellipses", share(dots, count) > 0.1)
    bullets = lines.count(found(lines.values, f"^{SPACE}*[•-]"))
    trailing = lines.count(found(lines.values, rf"(?:\.\.\.|…){SPACE}*$"))
    verdicts.fail("bullet_lines", share(bullets, lines.count()) > 0.9)
    verdicts.fail("ellipsis_lines", share(trailing, lines.count()) > 0.3)
    alphabetic = words.count(words.matching(r"\pL"))
    verdicts.fail("few_alphabetic_words", share(alphabetic, count) < 0.8)
    verdicts.fail("few_stop_words", _stop_words(words) < 2)
    return verdicts


def _judge_words(verdicts: Verdicts, words: Pieces) -> None:
    proper = words.matching(r"[^\pP\pC!-/:-@\[-`{-~]")
    count = words.count(proper)
    length = share(words.total(words.sizes * proper), count)
    verdicts.fail("too_short", count < 50)
    verdicts.fail("too_long", count > 100_000)
    verdicts.fail("short_words", length < 3)
    verdicts.fail("long_words", length > 10)


def _stop_words(words: Pieces) -> Counts:
    """Return how many different stop words each text has."""
    different, places = words.encoded
    known = pa.array(STOP_WORDS, different.type)
    which = pc.index_in(different, value_set=known).fill_null(-1)
    place = which.to_numpy(zero_copy_only=False)[places]
    counts = np.zeros(words.texts, np.int64)
    for at in range(len(STOP_WORDS)):
        counts += words.count(place == at) > 0
    return counts
