"""The arithmetic of search: BM25F in whole numbers, repair of one wrong letter, a small re-rank.

Everything that a database adds up is a whole number, and whole numbers have one sum whatever the
order: so SQLite and PostgreSQL rank alike, and so does every query plan.

Source: Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (2004).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

K1 = 1.2
"""How soon more of the same word says no more."""
PER_MILLE = 1000
RAREST = 8
"""Terms by which candidates are found; the others only order them."""
CANDIDATES = 200
"""Candidates that are ordered by all terms."""
REPAIR_FROM = 4
"""Letters a word must have before it is repaired; shorter ones have too many neighbours."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How much a field says: its boost, and how far (0 to 1) its length tells against it.

    The usual length is a constant and not the mean of what is stored: a weight then depends on
    its own product alone. Nothing is to be recomputed when others come and go, and nobody can
    read from a score how long the products are that are hidden from him.
    """

    boost: float
    by_length: float
    usual_terms: int


RULES: Mapping[str, FieldRule] = MappingProxyType(
    {
        "title": FieldRule(8.0, 0.75, 6),
        "name": FieldRule(4.0, 0.5, 4),
        "keywords": FieldRule(4.0, 0.3, 6),
        "columns": FieldRule(1.5, 0.5, 20),
        "description": FieldRule(1.0, 0.6, 60),
    }
)


def weights(fields: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return what each term says about a product, in thousandths, without the term's rarity.

    `fields` holds the terms of each field of RULES. Between 1 and 1000 * (K1 + 1).
    """
    counts: Counter[str] = Counter()
    frequency: dict[str, float] = {}
    for name, rule in RULES.items():
        found = fields.get(name, ())
        length = 1 - rule.by_length + rule.by_length * len(found) / rule.usual_terms
        counts = Counter(found)
        for term, count in counts.items():
            frequency[term] = frequency.get(term, 0.0) + rule.boost * count / length
    return {
        term: max(round(PER_MILLE * tf * (K1 + 1) / (K1 + tf)), 1) for term, tf in frequency.items()
    }


def rarity(products: int, holding: int) -> int:
    """Return the inverse document frequency in thousandths; never below 1.

    `products` is how many the caller sees, `holding` in how many of those the term stands.
    """
    rest = max(products - holding, 0)
    return max(round(PER_MILLE * math.log(1 + (rest + 0.5) / (holding + 0.5))), 1)


def rarest(holding: Mapping[str, int], limit: int = RAREST) -> list[str]:
    """Return the terms that stand in the fewest products, each in at least one."""
    known = [term for term, count in holding.items() if count]
    return sorted(known, key=lambda term: (holding[term], term))[:limit]


def one_edit(word: str) -> set[str]:
    """Return all words that one letter inserted, dropped, changed or swapped makes of `word`.

    About 73 for each letter. Looking all of them up in a sorted vocabulary finds every neighbour
    at Damerau-Levenshtein distance one, and needs no second table.
    """
    letters = sorted(set(_ALPHABET) | set(word))
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    dropped = {head + tail[1:] for head, tail in splits if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    changed = {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    inserted = {head + letter + tail for head, tail in splits for letter in letters}
    return (dropped | swapped | changed | inserted) - {word, ""}


def most_frequent(holding: Mapping[str, int]) -> str | None:
    """Return the term that stands in the most products, the first in order among equals."""
    known = {term: count for term, count in holding.items() if count}
    return min(known, key=lambda term: (-known[term], term)) if known else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for a product besides its text."""

    described: bool = False
    tagged: bool = False
    licensed: bool = False
    published: bool = False
    lifecycle: str = ""


_LIFECYCLE = {"active": 10, "deprecated": -20, "retired": -30}
MAX_RISE, MAX_FALL = 30, 30
"""Thousandths by which a product's standing can move its score."""


def reranked(text_score: int, standing: Standing) -> int:
    """Return the score with the product's standing in it.

    At most 3% up or down: among equal texts the better kept product comes first, and a product
    whose text scores 6.2% more is never overtaken.
    """
    complete = sum(
        5
        for has in (standing.described, standing.tagged, standing.licensed, standing.published)
        if has
    )
    moved = complete + _LIFECYCLE.get(standing.lifecycle, 0)
    return text_score * (PER_MILLE + max(min(moved, MAX_RISE), -MAX_FALL)) // PER_MILLE


def text_score(found: Iterable[tuple[str, int]], rarities: Mapping[str, int]) -> int:
    """Return the score of one product from its (term, weight) pairs."""
    return sum(weight * rarities.get(term, 0) for term, weight in found)
