from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from catalog.engine.ranking import (
    K1,
    MAX_FALL,
    MAX_RISE,
    PER_MILLE,
    RULES,
    Standing,
    most_frequent,
    one_edit,
    rarest,
    rarity,
    reranked,
    text_score,
    weights,
)

word = st.text("abc", min_size=1, max_size=5)
fields = st.dictionaries(st.sampled_from(sorted(RULES)), st.lists(word, max_size=12))


def naive_weight(term: str, product: dict[str, list[str]]) -> float:
    """BM25F as it is written in the paper, one term and one product at a time."""
    frequency = 0.0
    for name, rule in RULES.items():
        text = product.get(name, [])
        norm = (1 - rule.by_length) + rule.by_length * (len(text) / rule.usual_terms)
        frequency += rule.boost * text.count(term) / norm if text else 0.0
    return frequency * (K1 + 1) / (K1 + frequency)


def distance(one: str, other: str) -> int:
    """Damerau-Levenshtein (optimal string alignment) by the textbook table."""
    rows = [
        [i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)
    ]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            rows[i][j] = min(
                rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same)
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(fields)
def test_weights_are_the_papers_in_thousandths(product: dict[str, list[str]]) -> None:
    stored = weights(product)
    assert set(stored) == {term for text in product.values() for term in text}
    for term, weight in stored.items():
        assert abs(weight - PER_MILLE * naive_weight(term, product)) <= 1
        assert 1 <= weight <= PER_MILLE * (K1 + 1)


@given(st.lists(fields, min_size=1, max_size=6), st.lists(word, min_size=1, max_size=4))
def test_the_order_is_that_of_the_naive_score(
    products: list[dict[str, list[str]]], query: list[str]
) -> None:
    terms = set(query)
    held = {t: sum(any(t in text for text in p.values()) for p in products) for t in terms}
    rarities = {t: rarity(len(products), n) for t, n in held.items() if n}
    scores = [text_score(weights(product).items(), rarities) for product in products]
    naive = [
        sum(
            naive_weight(t, product)
            * math.log(1 + (len(products) - held[t] + 0.5) / (held[t] + 0.5))
            for t in sorted(terms)
            if held[t]
        )
        for product in products
    ]
    for score, exact in zip(scores, naive, strict=True):
        assert abs(score - exact * PER_MILLE**2) <= 4000 * len(terms)


@given(word, st.text("abcd", min_size=1, max_size=6))
def test_the_neighbours_are_exactly_those_at_distance_one(one: str, other: str) -> None:
    assert (other in one_edit(one)) == (distance(one, other) == 1)


@given(st.dictionaries(word, st.integers(0, 5)))
def test_the_most_frequent_neighbour_wins_and_unknown_ones_never(holding: dict[str, int]) -> None:
    best = most_frequent(holding)
    known = {term: count for term, count in holding.items() if count}
    assert (best is None) == (not known)
    assert best is None or known[best] == max(known.values())
    assert all(holding[term] for term in rarest(holding))
    assert len(rarest(holding)) == min(len(known), 8)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.booleans(), st.booleans())
def test_a_clear_difference_of_text_is_never_overturned(
    low: int, more: int, kept: bool, old: bool
) -> None:
    high = low + low * (MAX_RISE + MAX_FALL + 3) // (PER_MILLE - MAX_FALL) + 2 + more
    best = Standing(True, True, True, True, "active")
    worst = Standing(kept, kept, False, False, "retired" if old else "deprecated")
    assert reranked(high, worst) > reranked(low, best)


def test_equal_texts_are_ordered_by_how_well_they_are_kept() -> None:
    kept, bare = Standing(True, True, True, True, "active"), Standing(lifecycle="draft")
    gone = Standing(True, True, True, True, "retired")
    assert reranked(10**6, kept) > reranked(10**6, bare) > reranked(10**6, gone)
