from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.engine.highlight import marked, snippet
from catalog.engine.text import MAX_TERM, normal, terms, tokens

parts = st.lists(st.from_regex(r"[b-df-hj-np-tv-xz]{3,6}", fullmatch=True), min_size=2, max_size=4)


@given(parts)
def test_an_identifier_is_its_words_in_any_spelling(words: list[str]) -> None:
    plain = set(terms(" ".join(words)))
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    for spelt in ("_".join(words), "-".join(words), ".".join(words), camel):
        assert plain <= set(terms(spelt))
        assert set(terms("".join(words))) <= set(terms(spelt))


@given(st.text())
def test_terms_are_short_and_say_where_they_stand(text: str) -> None:
    text = normal(text)
    for token in tokens(text):
        assert 0 < len(token.term) <= MAX_TERM
        assert 0 <= token.start < token.end <= len(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("measures", "Measuring"),
        ("categories", "category"),
        ("classes", "class"),
        ("statistical", "Statistics"),
        ("ENERGÍA", "energia"),
        ("Straße", "STRASSE"),
        ("qty", "quantities"),
        ("Fisher's", "fisher"),
        ("ﬁle", "file"),
        ("e\u0301tude", "étude"),
    ],
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@pytest.mark.parametrize(("one", "other"), [("bus", "bu"), ("ring", "r"), ("seed", "se")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert terms(one) != terms(other)


@given(st.text(), st.lists(st.text(max_size=4), max_size=3))
def test_marking_changes_nothing_but_the_marks(text: str, asked: list[str]) -> None:
    html = marked(text, {term for word in asked for term in terms(word)})
    bare = html.replace("<mark>", "").replace("</mark>", "")
    assert not re.search(r"[<>\"']", bare)
    assert unescape(bare) == normal(text) or "&" in text


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=200), st.integers(20, 90))
def test_a_snippet_is_short_and_part_of_the_text(words: list[str], width: int) -> None:
    text = " ".join(words)
    shown = snippet(text, set(terms(" ".join(words[:3]))), width)
    bare = shown.replace("<mark>", "").replace("</mark>", "").strip("…")
    assert bare in text
    assert len(bare) <= width
