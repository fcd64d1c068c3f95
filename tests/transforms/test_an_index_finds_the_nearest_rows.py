"""A run writes an index beside its parts; the client finds with it what a search of all finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fairmesh.errors import UsageError
from fairmesh.vectors import Neighbour, Vectors

from core.errors import Invalid
from tests.transforms.bench import Bench
from tests.transforms.sentence_models import write_model
from transforms.engine.embedding import load, read_folder
from transforms.engine.writing import vectors

WIDTH, ROWS = 32, 3000
STEPS: list[dict[str, Any]] = [{"select": {"columns": ["n", "embedding"]}}]
Matrix = npt.NDArray[np.float32]


def clouds(rows: int = ROWS, seed: int = 0) -> Matrix:
    """Return vectors in clouds, as those of texts are."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(60, WIDTH))
    around = chance.normal(size=(rows, WIDTH)) * 0.6
    return (middles[chance.integers(0, 60, rows)] + around).astype(np.float32)


def write(bench: Bench, held: list[list[float] | None], kind: pa.DataType | None = None) -> None:
    """Write rows with these vectors in row groups, each of which becomes a shard."""
    kind = kind or pa.list_(pa.float32())
    table = pa.table({"n": range(len(held)), "embedding": pa.array(held, kind)})
    (bench.root / "input").mkdir(exist_ok=True)
    pq.write_table(table, bench.root / "input" / "a.parquet", row_group_size=1000)


def run(bench: Bench, index: dict[str, Any], name: str = "run", **given: Any) -> Vectors:
    output = {"index": index, **given.pop("output", {})}
    bench.run(bench.plan(STEPS, 1000, output=output, **given), name)
    return Vectors.of(bench.root / name / "output")


def distances(metric: str, held: Matrix, query: Matrix) -> npt.NDArray[np.float64]:
    exact, asked = held.astype(np.float64), query.astype(np.float64)
    if metric == "l2sq":
        return np.asarray(np.square(exact - asked).sum(axis=1), np.float64)
    products = exact @ asked
    if metric == "cos":
        products /= np.linalg.norm(exact, axis=1) * np.linalg.norm(asked)
    return np.asarray(1 - products, np.float64)


def numbers(index: Vectors, found: list[Neighbour]) -> list[int]:
    return [row["n"] for row in index.rows(found, ["n"])]


@pytest.mark.parametrize("metric", ["cos", "ip", "l2sq"])
@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_ten_nearest_are_those_of_a_search_of_all(bench: Bench, metric: str, dtype: str) -> None:
    held, queries = clouds(), clouds(50, seed=1)
    write(bench, held.tolist())
    index = run(bench, {"metric": metric, "dtype": dtype})
    hits = 0
    for query, found in zip(queries, index.nearest(queries.tolist(), 10), strict=True):
        exact = distances(metric, held, query)
        nearest = set(np.argsort(exact)[:10].tolist())
        rows = numbers(index, found)
        hits += len(nearest & set(rows))
        told = [each.distance for each in found]
        assert told == sorted(told)
        assert np.allclose(told, exact[rows], rtol=1e-2, atol=1e-2)
    assert hits >= 0.95 * 500


def test_the_summary_says_which_index_belongs_to_which_part(bench: Bench) -> None:
    held: list[list[float] | None] = [*clouds(1499).tolist(), None]
    write(bench, held)
    plan = bench.plan(STEPS, 1000, output={"index": {"metric": "l2sq", "connectivity": 8}})
    report = bench.run(plan)
    folder = bench.root / "run" / "output"
    told = json.loads((folder / "vectors.json").read_text())
    assert told == {
        "version": 1, "column": "embedding", "metric": "l2sq", "dtype": "f32",
        "dimensions": WIDTH, "connectivity": 8, "expansion": 128, "rows": 1500, "vectors": 1499,
        "parts": [
            {
                "path": f"part-0000{at}.parquet", "rows": rows,
                "indexes": [{"path": f"part-0000{at}.00000.usearch", "vectors": count}],
            }
            for at, rows, count in ((0, 1000, 1000), (1, 500, 499))
        ],
    }  # fmt: skip
    assert (report.counts["index_vectors"], report.counts["index_nulls"]) == (1499, 1)
    assert (report.rows_out, [each.path for each in report.indexes]) == (1500, ["vectors.json"])
    rows = {each.path: each.rows for each in report.outputs}
    assert rows == {
        "part-00000.parquet": 1000, "part-00000.00000.usearch": 0,
        "part-00001.parquet": 500, "part-00001.00000.usearch": 0,
    }  # fmt: skip
    assert report.bytes_out == sum(
        (folder / path).stat().st_size for path in rows
    )  # an index is written and stored like any file


def test_rows_are_read_from_arrow_and_in_any_part(bench: Bench) -> None:
    held = clouds(2500)
    write(bench, held.tolist(), pa.list_(pa.float32(), WIDTH))
    index = run(bench, {}, output={"format": "arrow"})
    asked = [2400, 3, 1500, 3]
    answers = index.nearest([held[at].tolist() for at in asked], 1)
    (rows,) = [index.rows([found for (found,) in answers])]
    assert rows == [{"n": at} for at in asked]


def test_a_long_part_has_several_files(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "INDEX_BYTES", 300 * WIDTH * 4)
    held = clouds(900)
    write(bench, held.tolist())
    index = run(bench, {})
    (part,) = index.told["parts"]
    assert [each["vectors"] for each in part["indexes"]] == [300, 300, 300]
    found = index.nearest([held[at].tolist() for at in (5, 299, 300, 899)], 1)
    assert [each.row for (each,) in found] == [5, 299, 300, 899]


def test_each_part_of_a_split_has_an_index_of_its_own(bench: Bench) -> None:
    held = clouds(900)
    write(bench, held.tolist())
    split = {"by": "n", "parts": {"train": 0.8, "test": 0.2}}
    bench.run(bench.plan(STEPS, output={"index": {}}, split=split))
    seen: list[int] = []
    for name in split["parts"]:
        index = Vectors.of(bench.root / "run" / "output" / name)
        answers = index.nearest(held.tolist(), 1)
        own = [at for at, (best,) in enumerate(answers) if best.distance < 1e-5]
        assert numbers(index, [answers[at][0] for at in own]) == own
        seen += own
    assert sorted(seen) == list(range(900))


def test_the_vectors_of_a_model_are_found_by_their_text(bench: Bench, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    bench = replace(bench, resolver=lambda name: read_folder(folder))
    bench.write_rows("a.jsonl", [{"text": text} for text in ("a dog", "red house", "blue cat")])
    steps = [{"embed": {"column": "text", "model": "small"}}]
    bench.run(bench.plan(steps, output={"index": {}}))
    index = Vectors.of(bench.root / "run" / "output")
    query = load(read_folder(folder)).embed(["red house"]).vectors
    (found,) = index.nearest(query.tolist(), 2)
    assert index.rows(found)[0] == {"text": "red house"}
    assert found[0].distance < 1e-5 < found[1].distance


@pytest.mark.parametrize(
    ("spoilt", "dtype", "match"),
    [
        ([1.0, 2.0], "f32", "not of one length"),
        ([], "f32", "not of one length"),
        ([float("nan")] * WIDTH, "f32", "no number"),
        ([float("inf")] * WIDTH, "f32", "no number"),
        ([None] * WIDTH, "f32", "null"),
        ([1e6] * WIDTH, "f16", "f16 cannot hold"),
    ],
)
def test_what_cannot_be_compared_stops_the_run_and_tells_no_value(
    bench: Bench, spoilt: list[float], dtype: str, match: str
) -> None:
    write(bench, [*clouds(20).tolist(), spoilt])
    plan = bench.plan(STEPS, output={"index": {"dtype": dtype}})
    with pytest.raises(Invalid, match=match) as stopped:
        bench.run(plan)
    assert "1000000" not in stopped.value.detail
    assert not bench.files()


def test_parts_of_different_vectors_are_no_index(bench: Bench) -> None:
    write(bench, [*[[1.0, 2.0]] * 1000, [1.0, 2.0, 3.0]])
    plan = bench.plan(STEPS, 1000, output={"index": {}})
    with pytest.raises(Invalid, match="not in all of them"):
        bench.run(plan)


def test_a_version_without_a_vector_has_an_empty_index(bench: Bench) -> None:
    write(bench, [None, None])
    index = run(bench, {})
    assert (index.told["dimensions"], index.told["vectors"], index.told["rows"]) == (None, 0, 2)
    assert index.nearest([[1.0, 2.0]]) == [[]]


def test_a_query_or_a_folder_that_does_not_fit_is_refused(bench: Bench, tmp_path: Path) -> None:
    write(bench, clouds(20).tolist())
    index = run(bench, {})
    with pytest.raises(UsageError, match="A query is 32 numbers"):
        index.nearest([[1.0, 2.0]])
    with pytest.raises(UsageError, match="no column 'm'"):
        index.rows([Neighbour("part-00000.parquet", 0, 0.0)], ["m"])
    with pytest.raises(UsageError, match="leads out of"):
        index.rows([Neighbour("../../input/a.parquet", 0, 0.0)])
    with pytest.raises(UsageError, match=r"has no vectors\.json"):
        Vectors.of(tmp_path / "input")
    (index.folder / "part-00000.00000.usearch").unlink()
    with pytest.raises(UsageError, match="fetch the whole version"):
        index.nearest([clouds(1)[0].tolist()])
    (index.folder / "vectors.json").write_text('{"version": 2}')
    with pytest.raises(UsageError, match="not known here"):
        Vectors.of(index.folder)
