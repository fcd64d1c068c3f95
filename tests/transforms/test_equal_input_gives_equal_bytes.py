"""The bytes of a run do not depend on threads, on a kill and restart, or on a stage done twice."""

from __future__ import annotations

import pytest

from tests.transforms.bench import Bench
from tests.transforms.dying import DyingFolder, Killed
from transforms.engine.encoders import Encoders
from transforms.engine.plan import Plan, from_json
from transforms.engine.run_local import run
from transforms.engine.sources import Workspace

STEPS: list[dict[str, object]] = [
    {"normalise": {"column": "text", "form": "NFC"}},
    {"dedup_exact": {"columns": ["text"]}},
    {"tokenise": {"column": "text", "tokenizer": "anthropic"}},
    {"pack": {"length": 64}},
]


@pytest.fixture
def planned(bench: Bench) -> Plan:
    rows = [{"n": n, "text": f"cafe\u0301 number {n % 300} " * (n % 7 + 1)} for n in range(700)]
    bench.write_rows("b.jsonl", rows[:500])
    bench.write_rows("a.jsonl", rows[500:])
    bench.write("c.jsonl", b"broken\n")
    found = bench.plan(STEPS, shard_bytes=6000)
    assert len(found.shards) > 5
    return found


def test_one_thread_and_two_write_the_same(bench: Bench, planned: Plan) -> None:
    one, two = bench.run(planned, "one"), bench.run(planned, "two", threads=2)
    assert bench.files("one") == bench.files("two")
    assert one.outputs == two.outputs
    assert one.counts == two.counts
    assert "quarantine/part-00006.parquet" in " ".join(bench.files("one")) or one.quarantined == 1


def test_a_plan_that_went_through_json_is_the_same_plan(bench: Bench, planned: Plan) -> None:
    again = from_json(planned.to_json())
    assert again == planned
    bench.run(planned, "one")
    bench.run(again, "two")
    assert bench.files("one") == bench.files("two")


@pytest.mark.parametrize(
    "dies_at",
    ["part-00002.parquet", "shard-00003.rows.arrow", "found-0-00000.arrow", ".stage-1.json"],
)
def test_a_run_killed_anywhere_is_finished_by_the_next(
    bench: Bench, planned: Plan, dies_at: str
) -> None:
    bench.run(planned, "whole")
    root = bench.root / "cut"
    dying = Workspace(
        bench.open_input,
        DyingFolder(root / "scratch", dies_at),
        DyingFolder(root / "output", dies_at),
    )
    with pytest.raises(Killed):
        run(planned, dying, Encoders(bench.resolver), 2)
    assert bench.files("cut") != bench.files("whole")
    assert not list(root.rglob("*.part"))
    bench.run(planned, "cut")
    assert bench.files("cut") == bench.files("whole")


def test_other_input_or_another_parameter_is_another_run(bench: Bench, planned: Plan) -> None:
    longer = bench.plan([*STEPS[:3], {"pack": {"length": 65}}], shard_bytes=6000)
    assert longer.spec_digest != planned.spec_digest
    explicit = bench.plan([*STEPS[:3], {"pack": {"length": 64, "pad_id": 0}}], shard_bytes=6000)
    assert explicit.run_digest == planned.run_digest
    bench.write_rows("a.jsonl", [{"n": 1, "text": "other"}])
    other = bench.plan(STEPS, shard_bytes=6000)
    assert other.spec_digest == planned.spec_digest
    assert other.run_digest != planned.run_digest


def test_two_files_of_the_same_bytes_are_both_done(bench: Bench) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        bench.write_rows(name, [{"n": n, "text": f"text {n}"} for n in range(5)])
    planned = bench.plan([{"select": {"columns": ["n", "text"]}}], shard_bytes=150)
    report = bench.run(planned, "twice")
    parts = [path for path in bench.files("twice") if path.startswith("part-")]
    assert (report.rows_out, len(parts)) == (10, len(planned.shards))
