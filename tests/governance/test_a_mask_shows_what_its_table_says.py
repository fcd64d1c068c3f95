"""Each mask by example, and by chance: no value of a masked column comes through."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.engine.masks import Masker, masked_schema
from governance.engine.obligations import Mask, MaskKind, parse_masks

KEY = b"k" * 32
DAY = date(1987, 5, 17)
MOMENT = datetime(1987, 5, 17, 13, 4, 5, tzinfo=UTC)


def shown(values: Any, mask: str) -> list[Any]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    batch = pa.RecordBatch.from_arrays([column], names=["c"])
    masker = Masker(batch.schema, parse_masks(f"c={mask}", "test"), KEY)
    masked = masker.apply(batch)
    masked.validate(full=True)
    assert masked.schema == masked_schema(batch.schema, masker.masks)
    return list(masked.column(0).to_pylist())


def token(text: bytes) -> str:
    return hmac.new(KEY, text, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("mask", "values", "expected"),
    [
        ("null", [1, None], [None, None]),
        ("redact", ["a", None], ["•••", "•••"]),
        ("redact", [1.5, 2.5], ["•••", "•••"]),
        ("hash", ["a", None, "a"], [token(b"a"), None, token(b"a")]),
        ("hash", pa.array([7], pa.int8()), [token(b"7")]),
        ("hash", pa.array([7], pa.int64()), [token(b"7")]),
        ("hash", pa.array(["a"], pa.large_string()), [token(b"a")]),
        ("hash", pa.array([b"\xff"], pa.binary()), [token(b"\xff")]),
        ("hash", [[1]], [None]),
        ("last4", ["4111111111111111", "1234567", "", None], ["•••1111", "•••", "•••", None]),
        ("last4", [12345678], ["•••5678"]),
        ("last4", [True], [None]),
        ("year", [DAY, None], [date(1987, 1, 1), None]),
        ("month", [DAY], [date(1987, 5, 1)]),
        ("month", [MOMENT], [datetime(1987, 5, 1, tzinfo=UTC)]),
        ("year", ["1987-05-17", "1987-05-17T01:02", "x", "1987", None], ["1987"] * 2 + [None] * 3),
        ("month", ["1987-05-17", "1987-05", "1987-05-17x"], ["1987-05", None, None]),
        ("year", [1987], [None]),
        ("bucket:10", [0, 9, 10, -1, -10, -11, None], [0, 0, 10, -10, -10, -20, None]),
        ("bucket:10", [-(2**63)], [None]),
        ("bucket:1000", pa.array([127, -128], pa.int8()), [0, -1000]),
        ("bucket:10", pa.array([2**64 - 1], pa.uint64()), [2**64 - 6]),
        ("bucket:10", [9.99, -0.5], [0.0, -10.0]),
        ("bucket:10", [Decimal("19.99")], [10.0]),
        ("bucket:10", ["12"], [None]),
        ("null", [{"a": 1}], [None]),
        ("last4", [{"a": 1}], [None]),
    ],
)
def test_a_mask_by_example(mask: str, values: Any, expected: list[Any]) -> None:
    assert shown(values, mask) == expected


def test_hashes_join_under_one_key_and_not_across_keys() -> None:
    batch = pa.record_batch({"c": ["a", "b", "a"]})
    one, two = (Masker(batch.schema, {"c": Mask(MaskKind.HASH)}, key) for key in (KEY, b"other"))
    first = one.apply(batch).column(0).to_pylist()
    assert first[0] == first[2] != first[1]
    assert first == one.apply(batch).column(0).to_pylist()
    assert not set(first) & set(two.apply(batch).column(0).to_pylist())


def test_a_column_within_a_struct_is_masked_by_its_path() -> None:
    rows = [{"email": "a@x.org", "city": "Ulm"}, None]
    batch = pa.RecordBatch.from_pydict({"who": rows, "many": [rows, None], "n": [1, 2]})
    masks = parse_masks("who.email=redact; many.email=hash; absent.x=null; away=null", "test")
    masker = Masker(batch.schema, masks, KEY)
    masked = masker.apply(batch)
    masked.validate(full=True)
    assert masked.column("who").to_pylist() == [{"email": "•••", "city": "Ulm"}, None]
    assert masked.column("many").to_pylist() == [None, None]
    assert masked.column("n").to_pylist() == [1, 2]


def test_what_a_file_says_of_itself_is_left_out() -> None:
    field = pa.field("c", pa.string(), metadata={"example": "secret"})
    schema = pa.schema([field], metadata={"pandas": "secret"})
    out = masked_schema(schema, {})
    assert [out.metadata, out.field(0).metadata] == [None, None]


def test_columns_of_one_name_are_all_masked() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["c", "c"])
    masked = Masker(batch.schema, {"c": Mask(MaskKind.NULL)}, KEY).apply(batch)
    assert [column.to_pylist() for column in masked.columns] == [[None], [None]]


SECRET = "zq{}qz"
"""What no masked value may hold; longer than what `last4` shows."""
COLUMNS: dict[str, Any] = {
    "text": lambda n: f"{SECRET.format(n)}@{n}.org",
    "long": lambda n: 7_000_000_001 + n * 20_011,
    "real": lambda n: 0.137 + n,
    "list": lambda n: [SECRET.format(n)],
    "struct": lambda n: {"inner": SECRET.format(n), "deep": {"er": SECRET.format(n)}},
    "map": lambda n: {"inner": SECRET.format(n)},
    "raw": lambda n: SECRET.format(n).encode(),
}
MASKS = st.sampled_from([str(kind) for kind in MaskKind if kind != "bucket"] + ["bucket:1000"])


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(COLUMNS)), MASKS, min_size=1),
    st.lists(st.none() | st.integers(0, 30), max_size=8),
)
def test_no_masked_value_is_in_the_bytes_that_leave(
    masks: dict[str, str], numbers: list[int | None]
) -> None:
    made = {
        name: [None if n is None else make(n) for n in numbers] for name, make in COLUMNS.items()
    }
    types = {"raw": pa.binary(), "text": pa.string(), "list": pa.list_(pa.string())}
    batch = pa.record_batch(
        {name: pa.array(values, types.get(name)) for name, values in made.items()}
    )
    text = "; ".join(f"{name}={mask}" for name, mask in masks.items())
    masker = Masker(batch.schema, parse_masks(text, "test"), KEY)
    masked = masker.apply(batch)
    masked.validate(full=True)
    alone = masked.select(list(masks))
    wire = pa.BufferOutputStream()
    with pa.ipc.new_stream(wire, alone.schema) as writer:
        writer.write_batch(alone)
    assert b"zq" not in wire.getvalue().to_pybytes()
    for name in masks:
        raw = {repr(value) for value in made[name] if value is not None}
        assert not raw & {repr(value) for value in masked.column(name).to_pylist()}
    for name in set(COLUMNS) - set(masks):
        assert masked.column(name).to_pylist() == batch.column(name).to_pylist()
