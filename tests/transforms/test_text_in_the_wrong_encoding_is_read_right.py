"""fix_encoding: what was spoilt comes back, what is right stays."""

from __future__ import annotations

import ftfy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.operators.fix_encoding import FixEncoding

RIGHT = ["schön", "l'humanité", "✔ No problems", "naïve … ok", "plain", "日本語のテキスト", ""]
STEP = FixEncoding("text")


def _spoilt(text: str) -> str:
    """Return UTF-8 as a reader of Windows-1252 sees it."""
    return text.encode().decode("sloppy-windows-1252")


def test_what_was_spoilt_comes_back_and_is_counted() -> None:
    made = applied(STEP, texts(*map(_spoilt, RIGHT), None))
    assert made.batch["text"].to_pylist() == [*RIGHT, None]
    assert made.counts == {"encoding_fixed": sum(not text.isascii() for text in RIGHT)}


def test_a_right_line_and_a_spoilt_one_may_stand_in_one_text() -> None:
    mixed = f"Größe: 5 €\n{_spoilt('Größe: 5 €')}\r\nplain"
    made = applied(STEP, texts(mixed)).batch
    assert made["text"].to_pylist() == ["Größe: 5 €\nGröße: 5 €\r\nplain"]


def test_what_is_right_keeps_its_bytes() -> None:
    plain = [text for text in documents()[::5] if text.isascii()]
    batch = texts(*RIGHT, "Größe: 5 € für Ålesund, Łódź и Москва", *plain)
    assert applied(STEP, batch).batch.equals(batch)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text() | st.text().map(_spoilt), max_size=6), st.booleans())
def test_each_line_is_what_ftfy_makes_of_it(values: list[str | None], wide: bool) -> None:
    kind = pa.large_string() if wide else pa.string()
    batch = pa.record_batch({"text": pa.array(values, kind)})
    expected = [
        None if text is None else "\n".join(ftfy.fix_encoding(line) for line in text.split("\n"))
        for text in values
    ]
    assert applied(STEP, batch).batch["text"].to_pylist() == expected


def test_columns_depend_as_told_and_only_text_is_taken() -> None:
    changed = texts(_spoilt("ü"), "b", first=4)
    assert_columns_depend_as_told(STEP, texts("a", _spoilt("ö")), changed)
    with pytest.raises(InvalidSpec, match="not text"):
        FixEncoding("n").output_schema(changed.schema)
