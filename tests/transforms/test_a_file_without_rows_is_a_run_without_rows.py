"""An input that holds no rows ends as a version that holds none, and adds none to another's."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.mesh import Mesh, rows_of

NONE = pa.table({"text": pa.array([], pa.string())})
SCHEMA = {"text": "string"}
STEPS: list[dict[str, object]] = [{"dedup_exact": {"columns": ["text"]}}, {"shuffle": {}}]


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.ParquetWriter(sink, NONE.schema).close()
    return sink.getvalue()


def _arrow() -> bytes:
    sink = io.BytesIO()
    pa.ipc.new_file(sink, NONE.schema).close()
    return sink.getvalue()


def _orc() -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.orc.write_table(NONE, sink)
    return sink.getvalue().to_pybytes()


EMPTY = {
    "a.parquet": _parquet(),
    "a.arrow": _arrow(),
    "a.orc": _orc(),
    "a.jsonl": b"",
    "a.csv": b"text\n",
    "a.jsonl.gz": b"",
}


@pytest.mark.parametrize("path", EMPTY)
def test_alone_and_beside_a_file_with_rows(bench: Bench, path: str) -> None:
    bench.write(path, EMPTY[path])
    alone = bench.run(bench.plan(STEPS, schema=SCHEMA), "alone")
    assert (alone.rows_in, alone.rows_out, alone.quarantined) == (0, 0, 0)
    bench.write_rows("b.jsonl", [{"text": "one"}, {"text": "two"}])
    both = bench.run(bench.plan(STEPS, schema=SCHEMA), "both")
    assert sorted(row["text"] for row in bench.rows(both, "both")) == ["one", "two"]


@pytest.mark.parametrize("path", ["a.arrow", "a.jsonl"])
def test_the_run_of_a_mesh_ends(mesh: Mesh, path: str) -> None:
    mesh.publish({path: EMPTY[path]})
    run = mesh.run(STEPS, schema=SCHEMA)
    assert (run.state, run.reason) == ("done", "")
    assert rows_of(run.output_version) == []


def test_a_file_that_says_nothing_of_its_columns_asks_for_them(bench: Bench) -> None:
    bench.write("a.jsonl", b"")
    with pytest.raises(InvalidSpec, match="no columns; declare them"):
        bench.plan(STEPS)
