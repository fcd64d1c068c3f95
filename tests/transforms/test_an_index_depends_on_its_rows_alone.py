"""The bytes of an index are those of its rows: not of batches, workers, deaths or the day."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec, ObjectMissing
from tests.transforms.bench import Bench
from tests.transforms.dying import DyingFolder, Killed
from transforms.engine.encoders import Encoders
from transforms.engine.output import VectorIndex
from transforms.engine.plan import InputFile, plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFolder, Workspace
from transforms.engine.spec import made_with, read_spec
from transforms.engine.writing.base import Part
from transforms.engine.writing.vectors import VectorIndexPart, versions

ROWS = 200
STEPS: list[dict[str, Any]] = [{"select": {"columns": ["n", "embedding"]}}]


def batch(rows: int = ROWS, width: int = 8) -> pa.RecordBatch:
    found = np.random.default_rng(7).normal(size=(rows, width)).astype("f4").tolist()
    held = [None if at % 11 == 5 else vector for at, vector in enumerate(found)]
    columns = [pa.array(range(rows)), pa.array(held, pa.list_(pa.float32()))]
    return pa.record_batch(columns, names=["n", "embedding"])


def index_of(folder: Path, rows: pa.RecordBatch, cuts: list[int]) -> bytes:
    part = Part(LocalFolder(folder), "part-00000", 0, rows.schema, 100)
    with VectorIndexPart(part, VectorIndex()) as writer:
        for start, end in zip([0, *cuts], [*cuts, rows.num_rows], strict=True):
            writer.write(rows.slice(start, end - start))
        (file,) = writer.close()
    return (folder / file.path).read_bytes()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=8).map(sorted))
def test_batches_may_be_cut_anywhere(tmp_path: Path, cuts: list[int]) -> None:
    assert index_of(tmp_path, batch(), cuts) == index_of(tmp_path, batch(), [])


def test_what_stands_below_a_null_is_not_in_it(tmp_path: Path) -> None:
    plain = batch()
    lists: Any = plain.column("embedding")
    filled = pa.array([each or [9.0] * 8 for each in lists.to_pylist()], lists.type)
    littered = pa.ListArray.from_arrays(
        filled.offsets, filled.values, type=lists.type, mask=lists.is_null()
    )
    other = pa.record_batch([plain.column("n"), littered], names=["n", "embedding"])
    assert other.column("embedding").equals(lists)
    assert index_of(tmp_path, other, []) == index_of(tmp_path, plain, [])


ANEW = """\
import hashlib, pathlib, sys
from tests.transforms.test_an_index_depends_on_its_rows_alone import batch, index_of
print(hashlib.sha256(index_of(pathlib.Path(sys.argv[1]), batch(2000, 48), [])).hexdigest())
"""


def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    here = hashlib.sha256(index_of(tmp_path, batch(2000, 48), [3, 700])).hexdigest()
    told = subprocess.run(
        [sys.executable, "-c", ANEW, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == here


def documents(bench: Bench) -> dict[str, Any]:
    rows = [{"n": n, "embedding": [n / 7, 1.5, -n / 3, (n * n) % 11 / 2]} for n in range(400)]
    bench.write_rows("a.jsonl", rows)
    return {"output": {"index": {"metric": "l2sq"}}, "split": {"parts": {"a": 0.5, "b": 0.5}}}


@pytest.mark.parametrize("dies_at", ["a/vectors.json", "b/part-00002.00000.usearch"])
def test_a_run_killed_anywhere_is_finished_with_the_same_bytes(bench: Bench, dies_at: str) -> None:
    planned = bench.plan(STEPS, 3000, **documents(bench))
    assert len(planned.shards) > 3
    bench.run(planned, "whole", threads=2)
    root = bench.root / "cut"
    dying = Workspace(
        bench.open_input, LocalFolder(root / "scratch"), DyingFolder(root / "output", dies_at)
    )
    with pytest.raises(Killed):
        run(planned, dying, Encoders(bench.resolver))
    assert bench.files("cut") != bench.files("whole")
    bench.run(planned, "cut")
    assert bench.files("cut") == bench.files("whole")


def test_a_part_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    rows = batch()
    part = Part(LocalFolder(tmp_path), "part-00000", 0, rows.schema, 100)
    with pytest.raises(ObjectMissing), VectorIndexPart(part, VectorIndex()) as writer:  # noqa: PT012
        writer.write(rows)
        raise ObjectMissing("the input is gone")
    assert not list(tmp_path.iterdir())


def test_the_digest_covers_the_index_and_its_library(bench: Bench) -> None:
    plain = read_spec(bench.document(STEPS))
    indexed = read_spec(bench.document(STEPS, output={"index": {}}))
    assert "index" not in str(plain.as_json())
    assert indexed.as_json() != plain.as_json()
    libraries: Any = made_with(indexed, lambda name: "")["libraries"]
    assert libraries.items() >= versions().items() >= {("vector-index", "1")}
    assert "usearch" in versions()
    assert "usearch" not in str(made_with(plain, lambda name: ""))


def test_an_index_is_no_input_of_the_next_pipeline(bench: Bench) -> None:
    report = bench.run(bench.plan(STEPS, 3000, **documents(bench)))
    files = [
        InputFile(each.path, each.bytes, each.sha256, each.media_type, each.rows)
        for each in (*report.outputs, *report.indexes)
    ]
    folder = LocalFolder(bench.root / "run" / "output")
    spec = read_spec(bench.document([{"select": {"columns": ["n"]}}]))
    next_plan = plan(spec, files, folder.source, bench.resolver)
    read = {piece.path for shard in next_plan.shards for piece in shard.pieces}
    assert read == {each.path for each in report.outputs if each.path.endswith(".parquet")}


@pytest.mark.parametrize(
    ("column", "output", "where", "told"),
    [
        ("embedding", {"index": {"column": "embeding"}}, "output.index.column", "'embedding'"),
        ("n", {"index": {"column": "n"}}, "output.index.column", "put an embed step before"),
        ("ids", {"index": {"column": "ids"}}, "output.index.column", "floating-point numbers"),
        ("embedding", {"index": {}, "format": "jsonl"}, "output.format", "'parquet'"),
        ("embedding", {"index": {"metric": "cosine"}}, "output.index.metric", "'cos'"),
        ("embedding", {"index": {"dtype": "i8"}}, "output.index.dtype", "f16"),
        ("embedding", {"index": {"connectivity": 1}}, "output.index.connectivity", "at least 2"),
        ("embedding", {"index": {"expansion": 9999}}, "output.index.expansion", "at most 4096"),
    ],
)
def test_what_cannot_be_indexed_is_refused_when_planned(
    bench: Bench, column: str, output: dict[str, Any], where: str, told: str
) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "ids": [1], "embedding": [0.5]}])
    with pytest.raises(InvalidSpec) as caught:
        bench.plan([{"select": {"columns": [column]}}], output=output)
    error = caught.value.extra["errors"][0]
    assert error["where"] == where
    assert told in f"{error['message']} {error['suggestion']!r}"
    assert not bench.files()


WITHOUT = """\
import sys
sys.modules["usearch"] = None
import pyarrow as pa
from transforms.engine.output import Output, VectorIndex
from transforms.engine.writing.registry import output_problems, writer_versions
asked = Output("/a/~/b", index=VectorIndex())
schema = pa.schema([("embedding", pa.list_(pa.float32()))])
print([each.message for each in output_problems(asked, schema)], writer_versions(asked))
"""


def test_without_its_package_the_plan_names_the_extra() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "The extra `vectors` is not installed here" in told.stdout, told.stderr
    assert "{'vector-index': '1'}" in told.stdout
