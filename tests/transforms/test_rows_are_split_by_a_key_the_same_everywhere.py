"""A split divides the rows by a hash: equal keys together, whatever the shards and the batches."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine.output import Split
from transforms.engine.plan import Plan
from transforms.engine.result import RunReport
from transforms.engine.spec import read_spec
from transforms.engine.splitting import Splitter

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
STEPS: list[dict[str, object]] = [{"select": {"columns": ["n", "text"]}}]


def naive(key: bytes, shares: dict[str, float], seed: int) -> str:
    """Return the part of a key: the first, in order of name, whose end lies above the hash."""
    at, end = xxhash.xxh3_64_intdigest(key, seed) / 2**64, 0.0
    for name in sorted(shares):
        end += shares[name]
        if at < end:
            return name
    return max(shares)


@given(
    keys=st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=40),
    seed=st.integers(0, 2**32 - 1),
    cut=st.integers(0, 40),
)
def test_a_row_goes_where_the_hash_of_its_key_lies(
    keys: list[str | None], seed: int, cut: int
) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(keys, pa.string())], ["key"])
    splitter = Splitter(Split(SHARES, "key", seed), shard=3)
    found = [
        (name, row["key"])
        for piece in (batch.slice(0, cut), batch.slice(cut))
        for name, rows in splitter.apply(piece)
        for row in rows.to_pylist()
    ]
    expected = [(naive((key or "").encode(), SHARES, seed), key) for key in keys]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_without_a_column_a_row_goes_by_its_place() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(range(4000))], ["n"])

    def parts(shard: int, *cuts: int) -> dict[str, list[object]]:
        splitter = Splitter(Split(SHARES), shard)
        found: dict[str, list[object]] = {name: [] for name in SHARES}
        ends = [*cuts, 4000]
        for start, end in zip([0, *cuts], ends, strict=True):
            for name, rows in splitter.apply(batch.slice(start, end - start)):
                found[name] += rows.column("n").to_pylist()
        return found

    assert parts(0) == parts(0, 1, 77, 3000)
    assert parts(0) != parts(1)
    assert {name: round(len(rows) / 4000, 1) for name, rows in parts(0).items()} == SHARES


def planned(bench: Bench, shard_bytes: int, **split: Any) -> Plan:
    return bench.plan(STEPS, shard_bytes, split={"parts": SHARES, **split})


def parts_of(bench: Bench, report: RunReport, run: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in report.outputs:
        rows = pq.read_table(bench.root / run / "output" / entry.path).to_pylist()
        found.setdefault(entry.path.split("/")[0], []).extend(rows)
    return found


def test_equal_keys_land_in_one_part_whatever_the_shards(bench: Bench) -> None:
    rows = [{"n": n % 40, "text": f"row {n}"} for n in range(400)]
    bench.write_rows("a.jsonl", rows)
    reports = {}
    for run, shard_bytes in (("few", 100_000), ("many", 900)):
        reports[run] = bench.run(planned(bench, shard_bytes, by="n"), run)
        parts = parts_of(bench, reports[run], run)
        keys = [{row["n"] for row in part} for part in parts.values()]
        assert sum(map(len, keys)) == len(set().union(*keys)) == 40
        assert {name: len(part) for name, part in parts.items()} == {
            name.removeprefix("split_"): count
            for name, count in reports[run].counts.items()
            if name.startswith("split_")
        }
        assert sum(map(len, parts.values())) == reports[run].rows_out == 400
    assert reports["few"].counts == reports["many"].counts
    assert "train/part-00003.parquet" in bench.files("many")
    assert bench.run(planned(bench, 900, by="n", seed=1), "seeded").counts != reports["few"].counts


def test_a_run_without_a_split_keeps_its_keys(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "text": "one"}])
    report = bench.run(bench.plan(STEPS))
    assert [entry.path for entry in report.outputs] == ["part-00000.parquet"]
    assert not report.counts


@pytest.mark.parametrize(
    ("split", "where"),
    [
        ({"parts": {"train": 0.98, "test": 0.1}}, "split.parts"),
        ({"parts": {}}, "split.parts"),
        ({"parts": {"train": 1.5, "test": -0.5}}, "split.parts.train"),
        ({"parts": {"Train": 1.0}}, "split.parts.Train"),
        ({"parts": {"../x": 1.0}}, "split.parts.../x"),
        ({"parts": {"quarantine": 1.0}}, "split.parts.quarantine"),
        ({"parts": {"train": 1.0}, "seed": -1}, "split.seed"),
        ({"by": "text"}, "split.parts"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    bench: Bench, split: dict[str, object], where: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_spec({**bench.document(STEPS), "split": split})
    assert where in [each["where"] for each in caught.value.extra["errors"]]


@pytest.mark.parametrize(("by", "suggestion"), [("txt", "text"), ("list", None)])
def test_a_column_that_cannot_divide_is_refused_when_planned(
    bench: Bench, by: str, suggestion: str | None
) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "text": "one", "list": [1]}])
    steps: list[dict[str, object]] = [{"select": {"columns": ["text", "list"]}}]
    with pytest.raises(InvalidSpec) as caught:
        bench.plan(steps, split={"parts": {"train": 1.0}, "by": by})
    (error,) = caught.value.extra["errors"]
    assert (error["where"], error["suggestion"]) == ("split.by", suggestion)
