"""The vocabulary as one principal sees it: counts, repairs, suggestions and spellings.

A word that stands only in products the caller may not discover is, here, an unknown word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from catalog.engine.ranking import REPAIR_FROM, most_frequent, one_edit
from catalog.engine.text import Token, fold, last_part, normal, term_of, tokens
from catalog.models import Posting, Product, Term
from catalog.search import columns_of, searchable
from catalog.selectors import PRODUCT_FIELDS, product_fields
from governance.engine.entities import Action, Principal
from governance.selectors import visible

_POSTING_FIELDS = product_fields("product__")
MAX_TOKENS = 32
"""Words of a query that count; a longer query is cut."""
_SHORTEST_PREFIX = 2
_LAST_LETTER = "\U0010ffff"
_MANY = 800
"""Values in one IN list; SQLite may be built to take no more than 999."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a principal may discover, as filters of both tables and in numbers."""

    products: Q
    postings: Q
    total: int
    everything: bool
    """True when nothing is hidden, so that stored counts are the caller's own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it will be searched."""

    text: str
    words: tuple[Token, ...]
    holding: dict[str, int]
    """In how many products that the caller sees each term of the query stands; 0 is unknown."""
    corrected: str | None
    """The text after repair, None when nothing was repaired."""


def sight_of(principal: Principal) -> Sight:
    products = visible(principal, Action.DISCOVER, PRODUCT_FIELDS)
    total = Product.objects.filter(products).count()
    return Sight(
        products=products,
        postings=visible(principal, Action.DISCOVER, _POSTING_FIELDS),
        total=total,
        everything=total == Product.objects.count(),
    )


def holding(sight: Sight, terms: Iterable[str]) -> dict[str, int]:
    """Return in how many visible products each term stands; the others are left out."""
    found: dict[str, int] = {}
    asked = sorted(set(terms))
    for start in range(0, len(asked), _MANY):
        batch = asked[start : start + _MANY]
        if sight.everything:
            known = Term.objects.filter(term__in=batch, df__gt=0)
            found.update(known.values_list("term", "df"))
        else:
            seen = Posting.objects.filter(sight.postings, term__in=batch).values_list("term")
            found.update(seen.annotate(holding=Count("pk")))
    return found


def understand(sight: Sight, query: str) -> Asked:
    """Return the query with its unknown words repaired, where one letter does it."""
    text = normal(query)
    words = tuple(tokens(text))[:MAX_TOKENS]
    known = holding(sight, (word.term for word in words))
    repairs = {
        word: repaired
        for word in words
        if word.term not in known
        and not word.whole
        and (repaired := _repair(sight, text[word.start : word.end]))
    }
    if not repairs:
        return Asked(text, words, {w.term: known.get(w.term, 0) for w in words}, None)
    spelt = spellings(sight, repairs.values())
    fixed = _rewrite(text, {word: spelt[term] for word, term in repairs.items()})
    words = tuple(tokens(fixed))[:MAX_TOKENS]
    known = holding(sight, (word.term for word in words))
    return Asked(fixed, words, {w.term: known.get(w.term, 0) for w in words}, fixed)


def _repair(sight: Sight, word: str) -> str | None:
    """Return the most frequent visible term that is one edit away, None without any."""
    word = fold(word)
    if len(word) < REPAIR_FROM or word.isdigit():
        return None
    return most_frequent(holding(sight, {term_of(near) for near in one_edit(word)}))


def _rewrite(text: str, changes: dict[Token, str]) -> str:
    for word in sorted(changes, key=lambda word: -word.start):
        text = text[: word.start] + changes[word] + text[word.end :]
    return text


def spellings(sight: Sight, terms: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Return how each visible term is written, in small letters, in a product that says it most.

    With a prefix, only spellings that begin with it, and no entry for a term without one.
    """
    wanted = set(terms)
    rank = Window(
        RowNumber(), partition_by=F("term"), order_by=[F("weight").desc(), F("product").asc()]
    )
    rows = (
        Posting.objects.filter(sight.postings, term__in=wanted)
        .annotate(place=rank)
        .filter(place=1)
        .values_list("term", "product")
    )
    first: dict[str, UUID] = dict(rows)
    products = Product.objects.in_bulk(set(first.values()))
    columns = columns_of(products.keys())
    texts = {
        key: list(searchable(product, columns.get(key, [])).values())
        for key, product in products.items()
    }
    found = {term: _spelling(texts[key], term, prefix) for term, key in first.items()}
    return {term: spelt for term, spelt in found.items() if spelt}


def _spelling(texts: Collection[str], term: str, prefix: str) -> str:
    for text in map(normal, texts):
        for token in tokens(text):
            if token.term != term:
                continue
            written = text[token.start : token.end].lower()
            if not token.whole and fold(written).startswith(prefix):
                return written
    return "" if prefix else term


def suggestions(sight: Sight, query: str, limit: int = 8) -> list[str]:
    """Return the query with its last word completed, the most frequent completion first."""
    text = normal(query)
    start = last_part(text)
    prefix = fold(text[start:]) if start is not None else ""
    if len(prefix) < _SHORTEST_PREFIX:
        return []
    order = _completions(sight, prefix, 2 * limit)
    spelt = spellings(sight, order, prefix)
    completed = dict.fromkeys(text[:start] + spelt[term] for term in order if term in spelt)
    return list(completed)[:limit]


def _completions(sight: Sight, prefix: str, limit: int) -> list[str]:
    """Return visible terms that begin with the prefix or stand for it, most frequent first."""
    if sight.everything:
        known = Term.objects.filter(_begins("term", prefix), df__gt=0)
        return list(known.order_by("-df", "term").values_list("term", flat=True)[:limit])
    rows = (
        Posting.objects.filter(sight.postings)
        .filter(_begins("term__term", prefix))
        .values_list("term")
        .annotate(holding=Count("pk"))
        .order_by("-holding", "term")[:limit]
    )
    return [term for term, _ in rows]


def _begins(column: str, prefix: str) -> Q:
    """Match the prefix, or the term that it is short for, by the index of either database.

    `column` leads to the text of a term: PostgreSQL matches no prefix of a key.
    SQLite compares bytes but finds no LIKE by an index; PostgreSQL does, and its comparison
    follows the locale.
    """
    itself = Q(**{column: term_of(prefix)})
    if connection.vendor == "sqlite":
        return itself | Q(**{f"{column}__gte": prefix, f"{column}__lt": prefix + _LAST_LETTER})
    return itself | Q(**{f"{column}__startswith": prefix})
