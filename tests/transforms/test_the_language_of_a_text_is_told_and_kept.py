"""language: codes, confidences, and what a list of languages drops."""

from __future__ import annotations

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
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


def test_real_documents_are_told_as_the_package_tells_them() -> None:
    some = [text[:4096] for text in documents()[::40]]
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made = applied(Language("text"), texts(*some)).batch
    assert made["language"].to_pylist() == [model.classify(text)[0] for text in some]


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
