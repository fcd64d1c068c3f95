"""Turns text into the terms of the search index; one analyzer for what is written and asked.

`CustomerIds`, `customer_id` and `customer ids` give the same terms. An identifier also gives
itself in one piece (`customerid`), so that it is found however it is spelt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

MAX_TERM = 64
"""Characters of a term; what is longer is cut, in the index as in the query."""
_MAX_PARTS = 4
_APOSTROPHES = "'\u2019"
_JOINERS = f"_.{_APOSTROPHES}-"
_CHUNK = re.compile(rf"[^\W_]+(?:[{_JOINERS}][^\W_]+)*")
_NO_APOSTROPHES = str.maketrans("", "", _APOSTROPHES)
_VOWELS = frozenset("aeiouy")
_HISSING = ("s", "x", "z", "ch", "sh")

_STOP = """
a an and are as at be been but by can did do does for from had has have how i in into is it
its me my of on or our that the their them then there these they this those to was we were
what when where which who why will with you your
"""
STOP_WORDS = frozenset(_STOP.split())

_SAME = (
    ("address", "addr"),
    ("amount", "amt"),
    ("average", "avg"),
    ("car", "auto", "automobile"),
    ("category", "categ"),
    ("country", "ctry"),
    ("customer", "cust", "client"),
    ("database", "db"),
    ("department", "dept"),
    ("description", "descr"),
    ("document", "doc"),
    ("employee", "emp"),
    ("geography", "geo"),
    ("image", "img", "photo", "picture"),
    ("kilometre", "kilometer", "km"),
    ("latitude", "lat"),
    ("longitude", "lon", "lng"),
    ("maximum", "max"),
    ("message", "msg"),
    ("minimum", "min"),
    ("number", "num", "nbr"),
    ("organisation", "organization", "org"),
    ("percent", "pct", "percentage"),
    ("population", "pop"),
    ("quantity", "qty"),
    ("temperature", "temp"),
    ("timestamp", "ts"),
    ("transaction", "txn", "trx"),
    ("year", "yr"),
)
"""Words that say the same, the one that stands for all of them first."""


@dataclass(frozen=True, slots=True)
class Token:
    """A term and the piece `text[start:end]` of the text that it came from."""

    term: str
    start: int
    end: int
    whole: bool = False
    """True for an identifier in one piece, whose parts are tokens of their own."""


def normal(text: str) -> str:
    """Return the text in the form that positions of tokens refer to."""
    return unicodedata.normalize("NFC", text)


def fold(word: str) -> str:
    """Return a word without case, accents, widths, ligatures and apostrophes."""
    word = word.translate(_NO_APOSTROPHES)
    if word.isascii():
        return word.lower()
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


@lru_cache(maxsize=16_384)
def term_of(word: str) -> str:
    """Return the term that one word stands for, at most MAX_TERM characters."""
    stem = stem_of(fold(word))
    return _CANONICAL.get(stem, stem)[:MAX_TERM]


def stem_of(word: str) -> str:
    """Return a folded word without its commonest English endings.

    It need not be a word, only the same for `measure`, `measured`, `measures` and `measuring`.
    """
    if len(word) < 3 or not word.isalpha():
        return word
    word = _singular(word)
    for ending, instead in (("ically", "ic"), ("ical", "ic"), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending) + instead
            break
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= 3 and _VOWELS & set(root):
            word = root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("es") and word[:-2].endswith(_HISSING) and not word.endswith(("ases", "oses")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


_CANONICAL = {stem_of(other): stem_of(first) for first, *others in _SAME for other in others}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text that is `normal`, in order. Linear in the text."""
    for chunk in _CHUNK.finditer(text):
        spans = _parts(chunk.group(), chunk.start())
        for start, end in spans:
            word = fold(text[start:end])
            if word and word not in STOP_WORDS:
                yield Token(term_of(word), start, end)
        if 1 < len(spans) <= _MAX_PARTS:
            joined = term_of("".join(text[start:end] for start, end in spans))
            yield Token(joined, chunk.start(), chunk.end(), whole=True)


def terms(text: str) -> list[str]:
    """Return the terms of any text, in order, as often as they stand there."""
    return [token.term for token in tokens(normal(text))]


def last_part(text: str) -> int | None:
    """Return where the last word of a `normal` text begins; None unless the text ends in one."""
    chunks = list(_CHUNK.finditer(text))
    spans = _parts(chunks[-1].group(), chunks[-1].start()) if chunks else []
    return spans[-1][0] if spans and spans[-1][1] == len(text) else None


def _parts(chunk: str, offset: int) -> list[tuple[int, int]]:
    """Return where the words of an identifier are: split at joiners, humps and digits."""
    spans: list[tuple[int, int]] = []
    cuts = [0, *(at for at in range(1, len(chunk)) if _is_cut(chunk, at)), len(chunk)]
    for start, end in pairwise(cuts):
        while start < end and chunk[start] in _JOINERS:
            start += 1
        if start < end and not _is_possessive(chunk, start, end):
            spans.append((offset + start, offset + end))
    return spans


def _is_cut(chunk: str, at: int) -> bool:
    """Whether a new part begins at `at`; a joiner belongs to the part that it opens."""
    before, here = chunk[at - 1], chunk[at]
    if here in _JOINERS:
        return True
    if before in _JOINERS:
        return False
    if before.isdigit() != here.isdigit():
        return True
    if not here.isupper():
        return False
    return before.islower() or (before.isupper() and chunk[at + 1 : at + 2].islower())


def _is_possessive(chunk: str, start: int, end: int) -> bool:
    return start > 0 and chunk[start - 1] in _APOSTROPHES and chunk[start:end].lower() == "s"
