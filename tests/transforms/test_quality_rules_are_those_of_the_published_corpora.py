"""quality: every rule drops what it names, and real documents meet the fate datatrove gives them.

datatrove counts words and sentences with spaCy. To compare the rules and not the tokenizers, it is
given ours, in plain Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.arrow import Text
from transforms.engine.operators.quality import Quality, RuleSet
from transforms.engine.quality import c4, fineweb, gopher, repetition
from transforms.engine.quality.pieces import (
    Cut,
    CutOnce,
    Pieces,
    Verdicts,
    lines_of,
    words_and_marks_of,
    words_of,
)

PROSE = "".join(
    f"The {number} people of the town have come to be with {number} others and that is good.\n"
    for number in range(1, 9)
)
NUMBERED = " ".join(f"word{number}" for number in range(60))


def _twice(n: int, share: float) -> str:
    """Return a text of which an n-gram that stands twice makes twice that share.

    Its first words are short, so that no shorter n-gram comes near.
    """
    gram = " ".join([*"abcd"[: min(n - 1, 4)], *(str(at) * 30 for at in range(max(n - 4, 1)))])
    rest = int(len(gram) / share) - 2 * len(gram)
    return f"{gram} {'x' * rest} {gram}"


BROKEN: dict[RuleSet, dict[str, str]] = {
    "gopher": {
        "too_short": "The people have it. " * 3 + ". , ; : - " * 50,
        "too_long": "word " * 100_001,
        "short_words": "a of " * 40,
        "long_words": "antidisestablishmentarianism the " * 40,
        "hashes": PROSE + "# " * 40,
        "ellipses": PROSE + "\n".join("and ... whatever somewhere" for _ in range(60)),
        "bullet_lines": "\n".join(f"  - {line}" for line in PROSE.splitlines()),
        "ellipsis_lines": PROSE.replace("good.", "good...").replace("1 ", "one "),
        "few_alphabetic_words": PROSE + "1234 " * 60,
        "few_stop_words": NUMBERED,
    },
    "gopher_repetition": {
        "no_text": "",
        "paragraphs": "a\n\n" * 3 + "b" * 500 + "\n\n" + "c" * 500,
        "paragraph_characters": "\n\n".join(["a" * 90, "a" * 90, *map(str, range(40))]),
        "lines": "a\n" * 5 + "b" * 500 + "\n" + "c" * 500,
        "line_characters": "\n".join(["a" * 90, "a" * 90, *map(str, range(40))]),
        "top_2_gram": _twice(2, 0.101),
        "top_3_gram": _twice(3, 0.091),
        "top_4_gram": _twice(4, 0.081),
        "repeated_5_grams": _twice(5, 0.18),
        "repeated_6_grams": _twice(6, 0.17),
        "repeated_7_grams": _twice(7, 0.16),
        "repeated_8_grams": _twice(8, 0.15),
        "repeated_9_grams": _twice(9, 0.14),
        "repeated_10_grams": _twice(10, 0.13),
    },
    "c4": {
        "lorem_ipsum": PROSE + "This is Lorem Ipsum text.",
        "curly_bracket": PROSE + "This is a { in text.",
        "few_sentences": "One is here. Two is here.\n" + PROSE.replace(".", ""),
    },
    "fineweb": {
        "no_lines": " \n\n ",
        "few_ended_lines": PROSE.replace(".", ""),
        "short_lines": PROSE.splitlines()[0] + "\nIt is so." * 7,
        "repeated_lines": PROSE + PROSE.splitlines()[0],
        "list": "\n".join(f"{'word' * 9}{at}." for at in range(30)),
    },
}
CASES = [(name, reason) for name, broken in BROKEN.items() for reason in broken]


@pytest.mark.parametrize(("name", "reason"), CASES)
def test_each_rule_drops_what_breaks_it(name: RuleSet, reason: str) -> None:
    good = NUMBERED if name == "gopher_repetition" else PROSE
    step = Quality("text", (name,), punctuation="attached")
    made = applied(step, texts(BROKEN[name][reason], good))
    assert made.dropped() == {f"{name}.{reason}": 1}
    assert made.batch["n"].to_pylist() == [1]


def test_every_reason_has_its_case() -> None:
    modules = {"gopher": gopher, "gopher_repetition": repetition, "c4": c4, "fineweb": fineweb}
    reasons = {(name, reason) for name, module in modules.items() for reason in module.REASONS}
    assert reasons == set(CASES)


def test_c4_takes_lines_out_and_the_sets_behind_it_see_what_is_left() -> None:
    spoilt = "Menu\nUse cookies now please.\nTurn on JavaScript to go on.\n" + PROSE.replace(
        "town", "town[12]"
    )
    made = applied(Quality("text", ("c4", "gopher", "fineweb")), texts(spoilt, None, NUMBERED))
    assert made.batch["text"].to_pylist() == [PROSE.strip()]
    assert made.dropped() == {"null_text": 1, "c4.few_sentences": 1}


def test_a_text_alone_and_among_others_is_judged_alike() -> None:
    some = documents()[:100]
    step = Quality("text", ("gopher", "gopher_repetition", "c4", "fineweb"))
    together = applied(step, texts(*some)).batch["text"].to_pylist()
    alone = [applied(step, texts(text)).batch["text"].to_pylist() for text in some]
    assert together == [text for kept in alone for text in kept]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \n\r\t\v\f\x1c\x1f\x85\xa0\u2028\u3000"), max_size=9)))
def test_words_and_lines_are_those_of_python(values: list[str]) -> None:
    column = pa.array(values, pa.string())
    for pieces, cut in ((words_of(column), str.split), (lines_of(column), str.splitlines)):
        expected = [(at, part) for at, text in enumerate(values) for part in cut(text)]
        found = zip(pieces.owner.tolist(), pieces.values.to_pylist(), strict=True)
        assert list(found) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.text(
            st.sampled_from("ab ,.$“\n'=") | st.characters(exclude_categories=["Cs", "Cn"]),
            max_size=9,
        )
    )
)
def test_marks_at_the_ends_of_words_stand_apart(values: list[str]) -> None:
    pieces = words_and_marks_of(pa.array(values, pa.string()))
    expected = [(at, word) for at, text in enumerate(values) for word in _words_and_marks(text)]
    assert list(zip(pieces.owner.tolist(), pieces.values.to_pylist(), strict=True)) == expected


@given(st.lists(st.text(st.sampled_from("ab."), max_size=3), max_size=9), st.data())
def test_what_stood_before_is_found_and_kept_texts_need_no_second_cut(
    values: list[str], data: st.DataObject
) -> None:
    column = pa.array([" ".join(value) for value in values], pa.string())
    cut = CutOnce(words_and_marks_of)
    pieces = cut(column)
    seen: set[tuple[int, str | None]] = set()
    for owner, word, again in zip(
        pieces.owner.tolist(), pieces.values.to_pylist(), pieces.repeated().tolist(), strict=True
    ):
        assert again == ((owner, word) in seen)
        seen.add((owner, word))
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    left = cut.keep(column, kept.astype(np.bool_))
    fresh, carried = words_and_marks_of(left), cut(left)
    assert carried.texts == fresh.texts == len(left)
    assert carried.owner.tolist() == fresh.owner.tolist()
    assert carried.values.to_pylist() == fresh.values.to_pylist()


def test_pieces_of_more_texts_than_fit_beside_a_place_are_told_apart() -> None:
    far = 2**61
    owner = np.array([0, far, far, 0], np.int64)
    pieces = Pieces(pa.array(["a", "a", "a", "b"]), owner, far + 1)
    assert pieces.repeated().tolist() == [False, False, True, False]


def test_unknown_and_repeated_sets_are_refused() -> None:
    with pytest.raises(InvalidSpec, match="stands twice"):
        Quality("text", ("c4", "c4")).output_schema(texts().schema)
    with pytest.raises(InvalidSpec, match="not text"):
        Quality("n", ("c4",)).output_schema(texts().schema)


def test_columns_depend_as_told() -> None:
    changed = texts(PROSE, "too short", PROSE + "Menu\n", first=5)
    step = Quality("text", ("c4", "gopher"))
    assert_columns_depend_as_told(step, texts("x", PROSE, PROSE), changed)


FATES = {
    "gopher_short_doc": "too_short",
    "gopher_long_doc": "too_long",
    "gopher_below_avg_threshold": "short_words",
    "gopher_above_avg_threshold": "long_words",
    "gopher_too_many_hashes": "hashes",
    "gopher_too_many_ellipsis": "ellipses",
    "gopher_too_many_bullets": "bullet_lines",
    "gopher_too_many_end_ellipsis": "ellipsis_lines",
    "gopher_below_alpha_threshold": "few_alphabetic_words",
    "gopher_enough_stop_words": "few_stop_words",
    "dup_para_frac": "paragraphs",
    "dup_para_char_frac": "paragraph_characters",
    "dup_line_frac": "lines",
    "dup_line_char_frac": "line_characters",
    **{f"top_{n}_gram": f"top_{n}_gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"repeated_{n}_grams" for n in range(5, 11)},
    "lorem_ipsum": "lorem_ipsum",
    "curly_bracket": "curly_bracket",
    "too_few_sentences": "few_sentences",
    "line_punct_ratio": "few_ended_lines",
    "short_line_ratio": "short_lines",
    "char_dup_ratio": "repeated_lines",
    "list_ratio": "list",
}
SENTENCE = re.compile(r".*?[.!?][\"')\]\u201d\u2019]*(?:\s+|$)|.+$")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" or character in "$<>|`~"


def _words_and_marks(text: str) -> list[str]:
    found: list[str] = []
    for word in text.split():
        marks = [at for at, character in enumerate(word) if not _is_mark(character)]
        first, last = (marks[0], marks[-1] + 1) if marks else (len(word), len(word))
        found += [*word[:first], *([word[first:last]] if marks else []), *word[last:]]
    return found


WORDS: dict[str, tuple[Cut, Callable[[str], list[str]]]] = {
    "apart": (words_and_marks_of, _words_and_marks),
    "attached": (words_of, str.split),
}


def _their_filter(name: str, words: Callable[[str], list[str]]) -> Any:
    """Return a filter of datatrove that parts words and sentences as we do."""
    base = import_module("datatrove.utils.word_tokenizers").WordTokenizer

    class Plain(base):  # type: ignore[misc,valid-type]  # known at run time only
        def word_tokenize(self, text: str) -> list[str]:
            return words(text)

        def sent_tokenize(self, text: str) -> list[str]:
            return SENTENCE.findall(text)

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [match.span() for match in SENTENCE.finditer(text)]

    return getattr(import_module("datatrove.pipeline.filters"), name)(language=Plain())


@pytest.mark.skipif(find_spec("datatrove") is None, reason="datatrove (extra bench) is missing")
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("GopherQualityFilter", gopher.judge),
        ("GopherRepetitionFilter", repetition.judge),
        ("C4QualityFilter", lambda texts, _: c4.judge(texts)),
        ("FineWebQualityFilter", fineweb.judge),
    ],
)
def test_real_documents_meet_the_same_fate_as_with_datatrove(
    theirs: str, ours: Callable[[Text, Cut], Verdicts | tuple[Verdicts, Text]], words: str
) -> None:
    cut, plain = WORDS[words]
    document = import_module("datatrove.data").Document
    their = _their_filter(theirs, plain)
    told = [document(text=text, id="") for text in documents()[::8] if text.strip()]
    judged = ours(pa.array([each.text for each in told], pa.string()), cut)
    verdicts, kept = judged if isinstance(judged, tuple) else (judged, None)
    fates = [their.filter(each) for each in told]
    expected = [None if fate is True else FATES[fate[1]] for fate in fates]
    assert len(told) > 400
    assert len(set(expected)) > 2
    assert [None if at < 0 else verdicts.reasons[at] for at in verdicts.failed] == expected
    if kept is not None:
        pairs = zip(kept.to_pylist(), told, fates, strict=True)
        assert all(text == each.text for text, each, fate in pairs if fate is True)
