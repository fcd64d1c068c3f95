"""shuffle and sort: one order over all shards, as plain Python gives it, cut into even parts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha512
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.barriers import assert_columns_depend_as_told, passed
from tests.transforms.bench import Bench
from transforms.engine.arrow import Column
from transforms.engine.barriers import exchanging
from transforms.engine.barriers.base import Desk
from transforms.engine.operators.shuffle import Shuffle
from transforms.engine.operators.sort import Sort
from transforms.engine.sources import ByteSource, MemoryFolder, MemorySource
from transforms.engine.stages import Load, stages

QUICK = settings(max_examples=80, deadline=None)
MASK = 2**64 - 1
SCHEMA = pa.schema(
    [("n", pa.int64()), ("text", pa.string()), ("part", pa.float64()), ("flag", pa.bool_())]  # type: ignore[arg-type]
)
ROW = st.fixed_dictionaries(
    {
        "text": st.one_of(st.none(), st.text("ab\u00e9\U0001f600", max_size=2)),
        "part": st.one_of(st.none(), st.sampled_from([0.0, -1.5, 3.0, math.inf, math.nan])),
        "flag": st.one_of(st.none(), st.booleans()),
    }
)
SHARDS = st.lists(st.lists(st.lists(ROW, max_size=8), max_size=3), min_size=1, max_size=5)
RUN_BYTES = st.sampled_from([1, 300, 2**28])
"""A run for each batch, a few of them, one of all."""
Shards = list[list[list[dict[str, Any]]]]


def _numbered(shards: Shards) -> list[list[pa.RecordBatch]]:
    """Return the rows as batches, the first one empty, each row with a number of its own."""
    numbers = iter(range(10_000))
    return [
        [
            pa.RecordBatch.from_pylist([{"n": next(numbers), **row} for row in batch], SCHEMA)
            for batch in [[], *shard]
        ]
        for shard in shards
    ]


def _rows(batches: list[list[pa.RecordBatch]]) -> list[list[dict[str, Any]]]:
    return [[row for batch in shard for row in batch.to_pylist()] for shard in batches]


def _mixed(word: int) -> int:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ word >> shift) * factor & MASK
    return word ^ word >> 31


@QUICK
@given(SHARDS, st.integers(0, 2**53), st.integers(1, 7), RUN_BYTES)
def test_shuffle_orders_by_a_hash_of_seed_shard_and_row(
    shards: Shards, seed: int, partitions: int, run_bytes: int
) -> None:
    batches = _numbered(shards)
    keyed = [
        (_mixed(_mixed(_mixed(seed + 0x9E3779B97F4A7C15 & MASK) ^ unit) ^ at), row["n"])
        for unit, rows in enumerate(_rows(batches))
        for at, row in enumerate(rows)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exchanging, "RUN_BYTES", run_bytes)
        found = passed(Shuffle(seed), batches, partitions)
    assert [row["n"] for row in found.rows] == [n for _, n in sorted(keyed)]
    assert found.dropped == {}


def _key(value: object, *, descending: bool) -> tuple[int, Any]:
    """Return what Python sorts by: NaN behind every number, null behind everything."""
    if value is None:
        return 2, 0
    if isinstance(value, float) and math.isnan(value):
        return 1, 0
    if isinstance(value, str):
        points = [ord(character) for character in value]
        return 0, [-point for point in points] + [1] if descending else points
    assert isinstance(value, (int, float))
    return 0, -value if descending else value


@QUICK
@given(
    SHARDS,
    st.lists(st.sampled_from(SCHEMA.names), min_size=1, max_size=3, unique=True),
    st.booleans(),
    st.integers(1, 7),
    RUN_BYTES,
)
def test_sort_is_that_of_python_and_stable(
    shards: Shards, columns: list[str], descending: bool, partitions: int, run_bytes: int
) -> None:
    batches = _numbered(shards)
    rows = [row for shard in _rows(batches) for row in shard]
    rows.sort(key=lambda row: [_key(row[each], descending=descending) for each in columns])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exchanging, "RUN_BYTES", run_bytes)
        found = passed(Sort(tuple(columns), descending), batches, partitions)
    assert [row["n"] for row in found.rows] == [row["n"] for row in rows]


@pytest.mark.parametrize("step", [Shuffle(1), Sort(("flag",)), Sort(("text",)), Sort(("n",), True)])
def test_parts_are_even_whatever_the_keys(step: Shuffle | Sort) -> None:
    rows = [{"text": "same", "part": 1.0, "flag": at % 2 == 0} for at in range(3000)]
    batches = _numbered([[rows[:2500]], [rows[2500:2501]], [rows[2501:]]])
    sizes = [len(unit) for unit in passed(step, batches, 6).units]
    assert sum(sizes) == 3000
    assert max(sizes) <= 1.1 * min(sizes)


@pytest.mark.parametrize(
    ("shards", "total_bytes", "parts"),
    [
        (5, 150 * 2**20, 5),
        (1, 2**30, 17),  # one long file that cannot be cut
        (3000, 3000 * 2**25, 256),  # no tiny files
        (40_000, 40_000 * 2**25, 2501),  # and no part above half a gigabyte
    ],
)
def test_there_are_as_many_parts_as_memory_and_files_allow(
    shards: int, total_bytes: int, parts: int
) -> None:
    first, last = stages([Shuffle(0)], Load(shards, total_bytes), {})
    assert (first.units, first.partitions, last.units) == (shards, parts, parts)


@dataclass(frozen=True)
class CountingSource(MemorySource):
    """Counts the bytes that are read."""

    read: Counter[str] = field(default_factory=Counter)

    def read_range(self, offset: int, length: int) -> bytes:
        self.read["bytes"] += length
        return super().read_range(offset, length)


@dataclass(frozen=True)
class CountingFolder(MemoryFolder):
    read: Counter[str] = field(default_factory=Counter)

    def source(self, key: str) -> ByteSource:
        return CountingSource(self.objects[key], self.read)


def test_all_parts_together_read_each_row_less_than_twice() -> None:
    """Rows lie in blocks, so that a part need not read whole shards."""
    texts = [f"{at:05d} {sha512(str(at).encode()).hexdigest() * 16}" for at in range(4000)]
    batch = pa.record_batch({"text": pa.array(texts)})
    folder = CountingFolder()
    desk = Desk(folder, 0, batch.schema, units=2, partitions=16, run_digest="run")
    step = Shuffle(7)
    for unit in range(2):
        with step.leave(desk, unit) as leaving:
            leaving.write(batch)
    step.work(desk, 0, 0)
    folder.read.clear()
    sizes = [part.batch.num_rows for unit in range(16) for part in step.rows(desk, unit)]
    assert sum(sizes) == 8000
    assert folder.read["bytes"] < 2 * sum(len(each) for each in folder.objects.values())


def test_the_map_of_columns_tells_what_decides_the_order() -> None:
    columns: dict[str, Column] = {"n": pa.array([1, 2, 3]), "text": pa.array(["a", "b", "c"])}
    others: dict[str, Column] = {"n": pa.array([7, 6, 5]), "text": pa.array(["z", "y", "x"])}
    batch, changed = pa.record_batch(columns), pa.record_batch(others)
    assert_columns_depend_as_told(Sort(("text",)), batch, changed)
    assert_columns_depend_as_told(Shuffle(3), batch, changed)


@pytest.mark.parametrize(
    ("columns", "wrong"),
    [(["nothing"], "columns"), (["many"], "no order"), (["n", "n"], "twice"), ([], "at least 1")],
)
def test_what_has_no_order_is_refused(bench: Bench, columns: list[str], wrong: str) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "many": [1, 2]}])
    with pytest.raises(InvalidSpec, match=wrong):
        bench.plan([{"sort": {"columns": columns}}])


def test_another_seed_is_another_order_and_another_run(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": n} for n in range(100)])
    plans = [bench.plan([{"shuffle": {"seed": seed}}]) for seed in (0, 1)]
    orders = [
        [row["n"] for row in bench.rows(bench.run(planned, name), name)]
        for planned, name in zip(plans, ("zero", "one"), strict=True)
    ]
    assert plans[0].spec_digest != plans[1].spec_digest
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(100))
