"""language: codes, confidences, and what a list of languages drops."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.languages import (
    APART,
    AT_ONCE_BYTES,
    LONGEST_GRAM,
    PIECE_BYTES,
    model,
)
from transforms.engine.operators.language import Language

SENTENCES = {
    "en": "The government said that the new rules will apply from the first of January.",
    "de": "Die Regierung hat mitgeteilt, dass die neuen Regeln ab dem ersten Januar gelten.",
    "fr": "Le gouvernement a annoncé que les nouvelles règles seront appliquées en janvier.",
    "es": "El gobierno anunció que las nuevas reglas se aplicarán a partir de enero.",
    "ru": "Правительство сообщило, что новые правила начнут действовать первого января.",
    "ja": "政府は新しい規則が一月一日から適用されると発表しました。",
}
BATCH = texts(*SENTENCES.values(), None)


@pytest.fixture(scope="module")
def package() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def test_sentences_are_told_apart() -> None:
    made = applied(Language("text"), BATCH).batch
    assert made["language"].to_pylist() == [*SENTENCES, None]
    confidences = made["language_confidence"].to_pylist()
    assert confidences.pop() is None
    assert all(0.9 < float(str(each)) <= 1 for each in confidences)


def test_languages_that_are_not_kept_are_counted_by_language() -> None:
    made = applied(Language("text", keep=("de", "fr")), BATCH)
    assert made.batch["language"].to_pylist() == ["de", "fr"]
    assert made.batch["n"].to_pylist() == [1, 2]
    dropped = ("en", "es", "ru", "ja")
    assert made.dropped() == {**{f"language.{code}": 1 for code in dropped}, "null_text": 1}


def test_what_is_not_sure_enough_is_undetermined() -> None:
    made = applied(Language("text", min_confidence=0.5), texts("hm", SENTENCES["en"])).batch
    assert made["language"].to_pylist() == ["und", "en"]
    kept = applied(Language("text", keep=("und",), min_confidence=0.5), texts("hm"))
    assert kept.batch.num_rows == 1


def test_only_the_beginning_is_looked_at_when_told_so() -> None:
    text = SENTENCES["en"] + " " + SENTENCES["ru"] * 20
    step = Language("text", characters=len(SENTENCES["en"]))
    assert applied(step, texts(text)).batch["language"].to_pylist() == ["en"]
    assert applied(Language("text"), texts(text)).batch["language"].to_pylist() == ["ru"]


def test_real_documents_are_told_as_the_package_tells_them(package: LanguageIdentifier) -> None:
    some = [text[:4096] for text in documents()[::10]]
    assert model().tell(some) == [package.classify(text) for text in some]
    made = applied(Language("text"), texts(*some)).batch
    assert made["language"].to_pylist() == [package.classify(text)[0] for text in some]


@given(st.lists(st.text(max_size=3 * PIECE_BYTES), max_size=5))
def test_any_texts_are_told_as_the_package_tells_each(
    package: LanguageIdentifier, some: list[str]
) -> None:
    assert model().tell(some) == [package.classify(text) for text in some]


@pytest.mark.parametrize(
    "size",
    [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, AT_ONCE_BYTES, 2 * AT_ONCE_BYTES + 7],
)
def test_a_text_may_end_anywhere(package: LanguageIdentifier, size: int) -> None:
    long = (SENTENCES["en"] + SENTENCES["fr"].upper()) * (AT_ONCE_BYTES // 50)
    some = [long[:size], SENTENCES["ru"], long[:size].upper()]
    assert model().tell(some) == [package.classify(text) for text in some]


def test_a_long_text_takes_no_more_memory_than_a_part_of_it() -> None:
    told, text = model().tell, SENTENCES["en"] * (16 * AT_ONCE_BYTES // len(SENTENCES["en"]))
    tracemalloc.start()
    told([text])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * AT_ONCE_BYTES


def test_the_automaton_knows_a_text_by_its_last_bytes(package: LanguageIdentifier) -> None:
    """A byte either makes the n-gram longer or leads where it leads from the longest tail of it."""
    moves = np.asarray(package.tk_nextmove).reshape(-1, 256)[np.asarray(package.tk_row)]
    assert not moves[:, APART].any()
    length = np.full(len(moves), -1)
    tail = np.zeros(len(moves), np.int64)
    length[0] = 0
    level = np.array([0])
    while len(level):
        state, byte = np.nonzero(length[moves[level]] < 0)
        before = level[state]
        level, first = np.unique(moves[before, byte], return_index=True)
        before, byte = before[first], byte[first]
        length[level] = length[before] + 1
        tail[level] = np.where(before == 0, 0, moves[tail[before], byte])
    assert length.min() == 0
    assert length.max() == LONGEST_GRAM
    grows = length[moves] == length[:, None] + 1
    assert (grows | (moves == moves[tail])).all()


def test_what_cannot_be_is_refused() -> None:
    schema = texts().schema
    with pytest.raises(InvalidSpec, match=r"keep\[0\]: 'english' is no language"):
        Language("text", keep=("english",)).output_schema(schema)
    with pytest.raises(InvalidSpec, match="column 'n' already"):
        Language("text", output="n").output_schema(schema)
    with pytest.raises(InvalidSpec, match="same name"):
        Language("text", output="x", confidence="x").output_schema(schema)


@pytest.mark.parametrize("keep", [(), ("de",)])
def test_columns_depend_as_told(keep: tuple[str, ...]) -> None:
    changed = texts(*reversed(SENTENCES.values()), "x", first=9)
    assert_columns_depend_as_told(Language("text", keep), BATCH, changed)
