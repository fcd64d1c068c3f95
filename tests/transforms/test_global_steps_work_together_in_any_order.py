"""Several global steps in one pipeline: equal bytes whoever works, and every row accounted for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from tests.transforms.bench import Bench
from tests.transforms.dying import DyingFolder, Killed
from transforms.engine.encoders import Encoders
from transforms.engine.plan import Plan, from_json
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.sample import sample
from transforms.engine.sources import Workspace

Step = dict[str, object]
SHUFFLE: Step = {"shuffle": {"seed": 5}}
SORT: Step = {"sort": {"columns": ["group", "n"], "descending": True}}
EXACT: Step = {"dedup_exact": {"columns": ["text"]}}
NEAR: Step = {"near_dedup": {"column": "text"}}
LONG: Step = {"filter": {"where": [{"column": "text", "min_chars": 10, "reason": "short"}]}}
ORDERS = [list(each) for each in itertools.permutations([SHUFFLE, SORT, EXACT, NEAR])]


def _rows() -> list[dict[str, object]]:
    """Return 40 texts, each as it is and with one word changed, all 5 times, and 20 short ones."""
    texts = [
        " ".join(f"{'other' if at == changed else 'word'}{at * number}" for at in range(90))
        for number in range(1, 41)
        for changed in (None, 45)
    ]
    copies = [{"n": n, "group": n % 3, "text": text} for n, text in enumerate(texts * 5)]
    return [*copies, *({"n": n, "group": 0, "text": "tiny"} for n in range(400, 420))]


def _planned(bench: Bench, steps: Sequence[Step]) -> Plan:
    rows = _rows()
    bench.write_rows("a.jsonl", rows[:300])
    bench.write_rows("b.jsonl", rows[300:])
    bench.write("c.jsonl", b"broken\n")
    planned = bench.plan(steps, shard_bytes=40_000)
    assert len(planned.shards) > 5
    return planned


def _adds_up(report: RunReport, dropped: dict[str, int]) -> None:
    assert (report.rows_in, report.quarantined) == (421, 1)
    assert report.dropped == dropped
    assert report.documents == report.rows_out == 420 - sum(dropped.values())


@pytest.mark.parametrize("steps", ORDERS, ids=lambda steps: "-".join(next(iter(s)) for s in steps))
def test_any_order_gives_equal_bytes_and_adds_up(bench: Bench, steps: list[Step]) -> None:
    planned = _planned(bench, [LONG, *steps])
    again = from_json(planned.to_json())
    assert again == planned
    assert len(planned.stages) == 5
    one, two = bench.run(planned, "one"), bench.run(again, "two", threads=2)
    assert bench.files("one") == bench.files("two")
    assert one.outputs == two.outputs
    exact_first = steps.index(EXACT) < steps.index(NEAR)
    found = {"duplicate": 320, "near_duplicate": 40} if exact_first else {"near_duplicate": 360}
    _adds_up(one, {**found, "short": 20})
    rows = bench.rows(one, "one")
    assert len({row["text"].replace("other", "word") for row in rows}) == len(rows) == 40
    if steps.index(SORT) > steps.index(SHUFFLE):
        keys = [(row["group"], row["n"]) for row in rows]
        assert keys == sorted(keys, reverse=True)


DEATHS = [
    "stage-0/shard-00003.rows.arrow",
    "stage-0/found-0-00000.arrow",
    "stage-1/shard-00002.keys-000.arrow",
    "stage-1/found-0-00000.arrow",
    "stage-2/shard-00001.prints.arrow",
    "stage-2/found-1-00000.arrow",
    ".stage-2.json",
    "part-00002.parquet",
]


@pytest.mark.parametrize("dies_at", DEATHS)
def test_a_run_killed_at_any_barrier_is_finished_by_the_next(bench: Bench, dies_at: str) -> None:
    planned = _planned(bench, [EXACT, SORT, NEAR, SHUFFLE])
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
    report = bench.run(planned, "cut")
    assert bench.files("cut") == bench.files("whole")
    _adds_up(report, {"duplicate": 339, "near_duplicate": 40})


def test_shuffled_parts_are_samples_of_the_whole(bench: Bench) -> None:
    planned = _planned(bench, [LONG, SHUFFLE])
    report = bench.run(planned)
    _adds_up(report, {"short": 20})
    shares = [entry.rows for entry in report.outputs]
    assert len(shares) == len(planned.shards) == planned.stages[1].units
    assert min(each or 0 for each in shares) >= 0.8 * 400 / len(shares)
    assert sorted(row["n"] for row in bench.rows(report)) == list(range(400))


def test_a_sample_shows_what_the_steps_do_to_its_rows(bench: Bench) -> None:
    planned = _planned(bench, [SORT, NEAR, SHUFFLE, LONG])
    found = sample(planned, bench.opener, Encoders(bench.resolver), rows=8)
    assert [row.before["n"] for row in found.rows] == list(range(8))
    kept = {row["n"] for row in found.output}
    for row in found.rows:
        n = row.before["n"]
        assert (row.dropped_by is None) == (n in kept)
        assert row.after == (row.before if n in kept else None)
        assert row.dropped_by in (None, "steps[1].near_dedup: near_duplicate")
    assert len(kept) == 4
