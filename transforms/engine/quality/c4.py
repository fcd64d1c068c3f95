"""The rules of C4. Source: Raffel et al. 2020, section 2.2, and the code that goes with it.

They look at lines, keep some, and drop the text when too little is left. The list of bad words is
not among them: the texts that it drops say more about the list than about the text.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.quality.pieces import (
    SPACE,
    Counts,
    Flags,
    Pieces,
    Verdicts,
    characters,
    found,
    joined,
    lines_of,
    words_of,
)

REASONS = ("lorem_ipsum", "curly_bracket", "few_sentences")
LONGEST_WORD = 1000
FEWEST_SENTENCES = 5
_CITATION = r"\[\p{Nd}*\]|\[edit\]|\[citation needed\]"
_POLICY = r"terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies"
_CLOSED = r"[.!?][\"')\]\x{201d}\x{2019}]*"


def judge(texts: Text) -> tuple[Verdicts, Text]:
    """Return which rule each text breaks first, and the lines that are kept; no text is null.

    A line is kept when it ends like a sentence, has three words or more, none of them longer than
    1,000 characters, and speaks of no JavaScript, cookies or terms of use. Marks of citations go.
    """
    verdicts = Verdicts.none(REASONS, len(texts))
    whole = lines_of(texts)
    whole = Pieces(text_of(pc.utf8_trim_whitespace(whole.values)), whole.owner, whole.texts)
    lines = _prose(whole)
    lowered = text_of(pc.utf8_lower(lines.values))
    lorem = found(lowered, "lorem ipsum")
    script = ~lorem & found(lowered, "javascript")
    curly = ~lorem & ~script & found(lines.values, r"\{")
    first_lorem, first_curly = _first(lines, lorem), _first(lines, curly)
    verdicts.fail("lorem_ipsum", first_lorem < first_curly)
    verdicts.fail("curly_bracket", first_curly < first_lorem)
    kept = lines.where(~(lorem | script | curly | found(lowered, _POLICY)))
    verdicts.fail("few_sentences", kept.total(_sentences(kept.values)) < FEWEST_SENTENCES)
    left = pc.utf8_trim_whitespace(joined(kept, "\n"))
    return verdicts, text_of(left.cast(texts.type))


def _prose(lines: Pieces) -> Pieces:
    """Return the lines that may be sentences, without marks of citations."""
    words = words_of(lines.values)
    longest = np.zeros(len(lines.values), np.int64)
    np.maximum.at(longest, words.owner, characters(words.values))
    bare = text_of(pc.replace_substring_regex(lines.values, _CITATION, ""))
    ended = found(bare, "[.?!\"']$") & ~found(bare, r"\.\.\.$")
    good = (longest <= LONGEST_WORD) & ended & (words.count() >= 3)
    return Pieces(bare, lines.owner, lines.texts).where(good)


def _first(lines: Pieces, chosen: Flags) -> Counts:
    """Return the place of the first chosen line of each text; behind all lines where none is."""
    place = np.full(lines.texts, len(lines.owner))
    at = np.flatnonzero(chosen)
    np.minimum.at(place, lines.owner[at], at)
    return place


def _sentences(lines: Text) -> Counts:
    """Count what ends in a mark of punctuation before white space, and the rest of the line."""
    ends = pc.count_substring_regex(lines, rf"{_CLOSED}(?:{SPACE}+|$)")
    counts = ends.to_numpy(zero_copy_only=False).astype(np.int64)
    return counts + ~found(lines, f"{_CLOSED}$")
