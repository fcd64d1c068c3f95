"""Where a format wants an index, a run writes it once, over the parts of every shard."""

from __future__ import annotations

import json
from typing import Any

import datasets
import pytest

from tests.transforms.bench import Bench
from tests.transforms.dying import DyingFolder, Killed
from transforms.engine.encoders import Encoders
from transforms.engine.plan import Plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFolder, Workspace

STEPS: list[dict[str, Any]] = [{"select": {"columns": ["n", "text"]}}]
SPLIT = {"by": "n", "parts": {"train": 0.7, "test": 0.3}}


def planned(bench: Bench, chosen: str, **given: Any) -> Plan:
    bench.write_rows("a.jsonl", [{"n": n, "text": f"row {n}"} for n in range(200)])
    found = bench.plan(STEPS, 1000, output={"format": chosen}, **given)
    assert len(found.shards) > 3
    return found


def test_a_split_run_is_a_dataset_dict(bench: Bench) -> None:
    report = bench.run(planned(bench, "huggingface", split=SPLIT))
    loaded = datasets.load_from_disk(str(bench.root / "run" / "output"))
    assert isinstance(loaded, datasets.DatasetDict)
    assert {name: part.num_rows for name, part in loaded.items()} == {
        name: report.counts[f"split_{name}"] for name in SPLIT["parts"]
    }
    assert sorted(n for part in loaded.values() for n in part["n"]) == list(range(200))
    assert {entry.path for entry in report.indexes} == {
        "dataset_dict.json",
        *(
            f"{name}/{file}"
            for name in SPLIT["parts"]
            for file in ("state.json", "dataset_info.json")
        ),
    }


def test_an_mds_index_lists_every_shard_that_has_rows(bench: Bench) -> None:
    report = bench.run(planned(bench, "mds", split=SPLIT))
    folder = bench.root / "run" / "output"
    for name in SPLIT["parts"]:
        shards = json.loads((folder / name / "index.json").read_text())["shards"]
        assert sum(shard["samples"] for shard in shards) == report.counts[f"split_{name}"]
        for shard in shards:
            file = shard["raw_data"]
            assert (folder / name / file["basename"]).stat().st_size == file["bytes"]


def test_a_format_that_describes_itself_has_no_index(bench: Bench) -> None:
    assert bench.run(planned(bench, "arrow")).indexes == ()


@pytest.mark.parametrize(
    ("chosen", "dies_at"),
    [
        ("mds", "test/index.json"),
        ("mds", "train/part-00002.00000.mds"),
        ("huggingface", "train/state.json"),
        ("lance", "train/_versions/18446744073709551614.manifest"),
        ("lance", "test/data/part-00001.lance"),
        ("webdataset", "test/part-00001.tar"),
        ("tfrecord", "train/part-00000.tfrecord"),
    ],
)
def test_a_run_killed_anywhere_is_finished_with_the_same_bytes(
    bench: Bench, chosen: str, dies_at: str
) -> None:
    plan = planned(bench, chosen, split=SPLIT)
    bench.run(plan, "whole", threads=2)
    root = bench.root / "cut"
    dying = Workspace(
        bench.open_input, LocalFolder(root / "scratch"), DyingFolder(root / "output", dies_at)
    )
    with pytest.raises(Killed):
        run(plan, dying, Encoders(bench.resolver))
    assert bench.files("cut") != bench.files("whole")
    bench.run(plan, "cut")
    assert bench.files("cut") == bench.files("whole")
