"""sample: a share of the rows, chosen by their content alone."""

from __future__ import annotations

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.operators.sample import REASON, Sample

ROWS = 5_000
MANY = texts(*(f"text {number % 1000}" for number in range(ROWS)))


def _place(text: str | None, seed: int) -> int:
    """The same choice in plain Python."""
    key = bytes(16) if text is None else xxhash.xxh3_128_digest(text.encode())
    mixed = int.from_bytes(key[:8], "little") ^ xxhash.xxh3_64_intdigest(str(seed).encode())
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) % 2**64
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) % 2**64
    return mixed ^ mixed >> 31


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(max_size=5)), st.floats(0, 1), st.integers(0, 99))
def test_rows_are_those_of_plain_python(values: list[str | None], share: float, seed: int) -> None:
    made = applied(Sample(share, ("text",), seed), texts(*values))
    kept = [text for text in values if _place(text, seed) < round(share * 2**64)]
    assert made.batch["text"].to_pylist() == kept
    lost = len(values) - len(kept)
    assert made.dropped() == ({REASON: lost} if lost else {})


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_about_the_share_stays(share: float) -> None:
    kept = applied(Sample(share), MANY).batch.num_rows
    assert abs(kept - share * ROWS) < 5 * (ROWS * share * (1 - share)) ** 0.5


def test_all_and_nothing_are_exact() -> None:
    assert applied(Sample(1.0), MANY).batch.equals(MANY)
    assert applied(Sample(0.0), MANY).batch.num_rows == 0


def test_batches_make_no_difference() -> None:
    step = Sample(0.3, ("text",))
    whole = applied(step, MANY).batch.to_pylist()
    parts = [applied(step, MANY.slice(at, 700)).batch.to_pylist() for at in range(0, ROWS, 700)]
    assert [row for part in parts for row in part] == whole


def test_equal_keys_stay_together_and_a_larger_share_keeps_the_smaller() -> None:
    small = set(applied(Sample(0.2, ("text",)), MANY).batch["text"].to_pylist())
    large = applied(Sample(0.4, ("text",)), MANY).batch["text"].to_pylist()
    assert small < set(large)
    assert all(large.count(text) == ROWS // 1000 for text in set(large))


def test_another_seed_chooses_other_rows() -> None:
    one = set(applied(Sample(0.5, seed=1), MANY).batch["n"].to_pylist())
    other = set(applied(Sample(0.5, seed=2), MANY).batch["n"].to_pylist())
    assert 0.2 * ROWS < len(one & other) < 0.3 * ROWS


def test_fractions_can_be_hashed_and_lists_are_refused() -> None:
    batch = pa.record_batch({"score": pa.array([0.5, 1.5, None, 0.5] * 50)})
    kept = applied(Sample(0.5), batch).batch["score"].to_pylist()
    assert len(kept) % 50 == 0
    lists = pa.schema([("l", pa.list_(pa.int64()))])
    with pytest.raises(InvalidSpec, match="cannot be a key"):
        Sample(0.5).output_schema(lists)
    with pytest.raises(InvalidSpec, match="There is no column 'x'"):
        Sample(0.5, ("x",)).output_schema(lists)


@pytest.mark.parametrize("by", [(), ("text",)])
def test_only_what_is_hashed_decides(by: tuple[str, ...]) -> None:
    before, after = MANY.slice(0, 40), texts(*(f"other {n}" for n in range(40)), first=900)
    assert_columns_depend_as_told(Sample(0.5, by), before, after)
