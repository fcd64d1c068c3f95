"""Search as one principal: ranked pages, totals, facets and marked words.

Everything is counted and ranked over what the principal may discover and over nothing else, so
the answer is the same as it would be if the hidden products did not exist.
See docs/explanation/algorithms/search-ranking.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Length

from catalog.engine.highlight import marked, snippet
from catalog.engine.ranking import (
    CANDIDATES,
    PER_MILLE,
    Standing,
    rarest,
    rarity,
    reranked,
    text_score,
)
from catalog.models import Port, Posting, Product
from catalog.search_words import Asked, sight_of, understand
from core.errors import Invalid
from governance.engine.entities import Principal

_FACET_VALUES = 50
_REMEMBERED = 3
_LARGEST = 2**53
_SCORE_UNIT = PER_MILLE * PER_MILLE
FACETS: Mapping[str, str] = {
    "domain": "domain__name",
    "license": "license",
    "visibility": "visibility",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What results must have besides the words; empty is anything."""

    domain: str = ""
    """This domain, or one below it."""
    license: str = ""
    format: str = ""

    def condition(self, prefix: str = "") -> Q:
        """Return the filter of the product table, or of one that leads to it by `prefix`."""
        wanted = Q()
        if self.domain:
            domain = f"{prefix}domain__name"
            wanted &= Q(**{domain: self.domain}) | Q(**{f"{domain}__startswith": f"{self.domain}/"})
        if self.license:
            wanted &= Q(**{f"{prefix}license": self.license})
        if self.format:
            ports = Port.objects.filter(format__iexact=self.format)
            wanted &= Q(**{f"{prefix}pk__in": ports.values("product")})
        return wanted


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `matched` are words of the query; highlights are HTML, safe to insert."""

    product_id: UUID
    score: float
    highlights: dict[str, str]
    matched: list[str]


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    total: int
    results: list[Hit]
    next_cursor: str | None
    facets: dict[str, list[FacetValue]]
    corrected: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the order of results: the head before the tail, then score, then id."""

    in_tail: bool
    score: int
    product_id: UUID

    @property
    def key(self) -> tuple[bool, int, UUID]:
        return self.in_tail, -self.score, self.product_id


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a walk through the pages stands; empty before the first page."""

    after: tuple[_Place, ...] = ()
    """The last results of the page before, the very last first.

    More than one, so that the next page is found even when the last result is gone.
    """
    counts: tuple[int, ...] = ()
    """How many products the caller saw when the walk began, and how many of them held each term.

    Every page is ranked by these, so a product that comes or goes moves no other one between two
    pages. They rank only what the caller may discover now, whatever is written here.
    """


@dataclass(frozen=True, slots=True)
class _Head:
    """The best candidates, ordered by all terms, and where the first stage goes on after them."""

    places: list[_Place]
    last_candidate: _Place | None
    """None when the head is all there is."""


Scores = QuerySet[Any, Any]
"""Rows of product and score, best first."""


def search(
    principal: Principal,
    query: str,
    filters: Filters | None = None,
    cursor: str | None = None,
    size: int = 20,
) -> Page:
    """Return one page of the products that match `query`, best first; newest when it is empty.

    A product matches when it holds one of the rarest terms of the query; the best candidates are
    then ordered by all terms. Raises Invalid for a cursor that this function did not make.
    """
    sight, begun = sight_of(principal), _read_cursor(cursor)
    wanted = filters or Filters()
    allowed = Product.objects.filter(sight.products).filter(wanted.condition())
    if not query.strip():
        return _newest(allowed, begun.after, size)
    asked = understand(sight, query)
    counts = _counts(sight.total, asked, begun)
    holding = dict(zip(asked.holding, counts[1:], strict=True))
    rarities = {term: rarity(counts[0], count) for term, count in holding.items() if count}
    chosen = rarest(holding)
    holders = Posting.objects.filter(term__in=chosen)
    scores = _first_stage(
        holders.filter(sight.postings).filter(wanted.condition("product__")),
        {term: rarities[term] for term in chosen},
    )
    places = _page_of(scores, _head(scores, rarities), begun.after, size + 1)
    matching = allowed.filter(pk__in=holders.values("product"))
    return Page(
        total=matching.count(),
        results=_hits(places[:size], asked),
        next_cursor=_write_cursor(places[:size], counts) if len(places) > size else None,
        facets=_facets(matching),
        corrected=asked.corrected,
    )


def _counts(total: int, asked: Asked, begun: _Cursor) -> tuple[int, ...]:
    """Return the counts to rank by: those of the walk, unless its query now has other terms."""
    now = (total, *asked.holding.values())
    return begun.counts if len(begun.counts) == len(now) else now


def _newest(allowed: QuerySet[Product], after: tuple[_Place, ...], size: int) -> Page:
    rows = allowed.filter(pk__lt=after[0].product_id) if after else allowed
    found = rows.order_by("-pk").values_list("pk", flat=True)[: size + 1]
    places = [_Place(False, 0, key) for key in found]
    return Page(
        total=allowed.count(),
        results=_hits(places[:size], Asked("", (), {}, None)),
        next_cursor=_write_cursor(places[:size]) if len(places) > size else None,
        facets=_facets(allowed),
    )


def _first_stage(holders: QuerySet[Posting], rarities: Mapping[str, int]) -> Scores:
    """Return (product, score) over these terms; whole numbers have one sum on every database."""
    weighed = Case(
        *(When(term=term, then=Value(value)) for term, value in rarities.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    summed = holders.order_by().values("product").annotate(score=Sum(F("weight") * weighed))
    return summed.order_by("-score", "product")


def _head(scores: Scores, rarities: Mapping[str, int]) -> _Head:
    first = _tail_places(scores[: CANDIDATES + 1])
    keys = [place.product_id for place in first[:CANDIDATES]]
    return _Head(
        places=_second_stage(keys, rarities),
        last_candidate=first[CANDIDATES - 1] if len(first) > CANDIDATES else None,
    )


def _second_stage(keys: Sequence[UUID], rarities: Mapping[str, int]) -> list[_Place]:
    """Order candidates by all terms and by their standing."""
    found: dict[UUID, list[tuple[str, int]]] = {key: [] for key in keys}
    rows = Posting.objects.filter(product__in=keys, term__in=list(rarities))
    for key, term, weight in rows.values_list("product", "term", "weight"):
        found[key].append((term, weight))
    standings = _standings(keys)
    places = [
        _Place(False, reranked(text_score(pairs, rarities), standings.get(key, Standing())), key)
        for key, pairs in found.items()
    ]
    return sorted(places, key=lambda place: place.key)


def _standings(keys: Sequence[UUID]) -> dict[UUID, Standing]:
    rows = Product.objects.filter(pk__in=keys).annotate(letters=Length("description"))
    columns = rows.values_list("pk", "letters", "keywords", "license", "last_number", "lifecycle")
    return {
        key: Standing(bool(letters), bool(keywords), bool(license), number > 0, lifecycle)
        for key, letters, keywords, license, number, lifecycle in columns
    }


def _page_of(scores: Scores, head: _Head, after: tuple[_Place, ...], count: int) -> list[_Place]:
    """Return the places that follow `after`, at most `count`.

    What came last is looked up where it stands now, since it may have been changed meanwhile.
    """
    places = head.places[_start(head.places, after) :][:count]
    if head.last_candidate is None or len(places) == count:
        return places
    behind = head.last_candidate
    if after and after[0].in_tail:
        behind = max(behind, _where_now(scores, after), key=lambda place: place.key)
    lower = Q(score__lt=behind.score) | Q(score=behind.score, product__gt=behind.product_id)
    return places + _tail_places(scores.filter(lower)[: count - len(places)])


def _start(head: Sequence[_Place], after: tuple[_Place, ...]) -> int:
    if not after:
        return 0
    if after[0].in_tail:
        return len(head)
    index = {place.product_id: at for at, place in enumerate(head)}
    for place in after:
        if place.product_id in index:
            return index[place.product_id] + 1
    return sum(1 for place in head if place.key <= after[0].key)


def _where_now(scores: Scores, after: tuple[_Place, ...]) -> _Place:
    keys = [place.product_id for place in after]
    now = {place.product_id: place for place in _tail_places(scores.filter(product__in=keys))}
    return next((now[key] for key in keys if key in now), after[0])


def _tail_places(rows: Scores) -> list[_Place]:
    return [_Place(True, row["score"], row["product"]) for row in rows]


def _hits(places: Sequence[_Place], asked: Asked) -> list[Hit]:
    keys = [place.product_id for place in places]
    products = Product.objects.in_bulk(keys)
    held: dict[UUID, set[str]] = {key: set() for key in keys}
    rows = Posting.objects.filter(product__in=keys, term__in=list(asked.holding))
    for key, term in rows.values_list("product", "term"):
        held[key].add(term)
    return [
        _hit(place, products[place.product_id], held[place.product_id], asked)
        for place in places
        if place.product_id in products
    ]


def _hit(place: _Place, product: Product, held: Collection[str], asked: Asked) -> Hit:
    words = [asked.text[word.start : word.end] for word in asked.words if word.term in held]
    return Hit(
        product_id=product.pk,
        score=place.score / _SCORE_UNIT,
        highlights={
            "title": marked(product.title, held),
            "description": snippet(product.description, held),
        },
        matched=list(dict.fromkeys(words)),
    )


def _facets(matching: QuerySet[Product]) -> dict[str, list[FacetValue]]:
    found = {}
    for facet, lookup in FACETS.items():
        rows = matching.order_by().exclude(**{lookup: ""}).values_list(lookup)
        counted = rows.annotate(count=Count("pk")).order_by("-count", lookup)[:_FACET_VALUES]
        found[facet] = [FacetValue(value, count) for value, count in counted]
    return {**found, "format": _formats(matching)}


def _formats(matching: QuerySet[Product]) -> list[FacetValue]:
    """Count the products by the formats of their ports; one with two counts in both."""
    ports = Port.objects.filter(product__in=matching.order_by().values("pk")).exclude(format="")
    rows = ports.order_by().values_list("format")
    counted = rows.annotate(count=Count("product", distinct=True)).order_by("-count", "format")
    return [FacetValue(value, count) for value, count in counted[:_FACET_VALUES]]


def _write_cursor(shown: Sequence[_Place], counts: Sequence[int] = ()) -> str:
    last = [
        [int(place.in_tail), place.score, place.product_id.hex]
        for place in reversed(shown[-_REMEMBERED:])
    ]
    return base64.urlsafe_b64encode(json.dumps([last, counts]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> _Cursor:
    if not cursor:
        return _Cursor()
    try:
        rows, counts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        after = tuple(
            _Place(bool(in_tail), _whole(score), UUID(hex=key))
            for in_tail, score, key in rows[:_REMEMBERED]
        )
        begun = _Cursor(after, tuple(_whole(count) for count in counts))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid("The cursor is not one of ours; begin without it.", cursor=cursor) from error
    if not after:
        raise Invalid("The cursor is empty; begin without it.", cursor=cursor)
    return begun


def _whole(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < _LARGEST:
        raise ValueError(number)
    return number
