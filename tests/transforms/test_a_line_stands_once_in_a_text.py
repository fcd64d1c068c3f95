"""dedup_lines against a few lines of plain Python."""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.operators.dedup_lines import DedupLines

Unit = Literal["line", "paragraph"]


def _model(text: str | None, unit: Unit, fewest: int) -> tuple[str | None, int]:
    """Return the text and how many pieces went."""
    if text is None:
        return None, 0
    parts = text.split("\n") if unit == "line" else re.split("\n\n+", text)
    kept: list[str] = []
    seen: set[str] = set()
    for part in parts:
        word = part.strip()
        if len(word) < fewest or word not in seen:
            kept.append(part)
        seen.add(word)
    gone = len(parts) - len(kept)
    return (("\n" if unit == "line" else "\n\n").join(kept) if gone else text), gone


def _check(values: list[str | None], unit: Unit, fewest: int) -> None:
    made = applied(DedupLines("text", unit, fewest), texts(*values))
    expected = [_model(text, unit, fewest) for text in values]
    assert made.batch["text"].to_pylist() == [text for text, _ in expected]
    gone = [count for _, count in expected if count]
    told = {f"repeated_{unit}s": sum(gone), "shortened": len(gone)} if gone else {}
    assert made.counts == told


LINES = st.lists(st.sampled_from(["a", " a", "bb", "\n", "\n", "☃"])).map("".join)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.none() | st.lists(st.sampled_from(["a", " a", "bb", "\n", "\n", "☃"])).map("".join)
    ),
    st.sampled_from(["line", "paragraph"]),
    st.integers(1, 2),
)
def test_what_stood_before_goes(values: list[str | None], unit: Unit, fewest: int) -> None:
    _check(values, unit, fewest)


@pytest.mark.parametrize("unit", ["line", "paragraph"])
def test_real_documents(unit: Unit) -> None:
    _check([*documents()[::9]], unit, 5)


def test_a_wide_column_stays_wide() -> None:
    batch = pa.record_batch({"text": pa.array(["a\na\nb", None], pa.large_string())})
    assert applied(DedupLines("text"), batch).batch["text"].to_pylist() == ["a\nb", None]


def test_columns_depend_as_told_and_only_text_is_taken() -> None:
    changed = texts("x\nx", "y", first=3)
    assert_columns_depend_as_told(DedupLines("text"), texts("a", "b\nb"), changed)
    with pytest.raises(InvalidSpec, match="not text"):
        DedupLines("n").output_schema(changed.schema)
