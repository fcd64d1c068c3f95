"""From a published input to a published output: every row is accounted for."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from catalog.models import VersionState
from movement.models import Replica, ReplicaOrigin, ReplicaState
from tests.servers import S3Server
from tests.transforms.mesh import CODE, Mesh, drive, found_mesh, keys_of, lines, rows_of
from transforms import services
from transforms.models import RunState, ShardKind

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(50)]
BROKEN = b'{"id": 7, "text": "cut of'


def broken_input() -> tuple[bytes, int]:
    """Return a file with one line that is no JSON, and where that line begins."""
    before = lines(ROWS[:20])
    return before + BROKEN + b"\n" + lines(ROWS[20:]) + lines([{"id": 99, "text": "x"}]), len(
        before
    )


@pytest.mark.servers
@pytest.mark.django_db
def test_a_broken_line_is_set_aside_and_the_rest_is_published(s3: S3Server) -> None:
    mesh = found_mesh(s3)
    data, offset = broken_input()
    source = mesh.publish({"data/part-0.jsonl": data})

    run = mesh.run()

    assert (run.state, run.reason) == (RunState.DONE, "")
    report = run.report
    assert report is not None
    assert (report["rows_in"], report["rows_out"], report["quarantined"]) == (52, 50, 1)
    assert sum(report["dropped"].values()) == 1
    version = run.output_version
    assert version is not None
    assert version.inputs == [{"name": source.name, "digest": source.digest}]
    assert (version.rows, version.state) == (50, VersionState.PUBLISHED)
    assert [column["name"] for column in version.schema] == ["id", "text"]
    assert rows_of(version) == ROWS
    replica = Replica.objects.get(version=version)
    assert (replica.state, replica.origin) == (ReplicaState.COMPLETE, ReplicaOrigin.RUN)
    (bad,) = services.quarantined_rows(mesh.ana, run.pk, 10)
    assert (bad.source, bad.byte_offset, bad.raw) == ("data/part-0.jsonl", offset, BROKEN)
    assert bad.error
    assert not [key for key in keys_of() if key.startswith(".scratch/")]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer, row_group_size=10)
    return buffer.getvalue()


QUOTED = [{"id": 1, "text": "two\nlines"}, {"id": 2, "text": 'a "quote", too'}]
CSV = b'id,text\n1,"two\nlines"\n2,"a ""quote"", too"\n'


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("rows.csv", CSV, QUOTED),
        ("rows.csv.gz", gzip.compress(CSV, mtime=0), QUOTED),
        ("rows.parquet", parquet(ROWS), ROWS),
        ("rows.jsonl.gz", gzip.compress(lines(ROWS), mtime=0), ROWS),
        ("rows.jsonl.zst", zstandard.compress(lines(ROWS)), ROWS),
    ],
)
def test_each_format_is_read(
    mesh: Mesh, path: str, data: bytes, expected: list[dict[str, Any]]
) -> None:
    mesh.publish({path: data})
    run = mesh.run()
    assert (run.state, run.reason) == (RunState.DONE, "")
    assert rows_of(run.output_version) == expected


def test_duplicates_across_shards_are_dropped_and_tokens_packed(
    mesh: Mesh, small_shards: int, installed_tokenizer: str
) -> None:
    mesh.publish({f"part-{part}.jsonl": lines(ROWS) for part in range(3)})
    steps = [
        {"dedup_exact": {"columns": ["text"]}},
        {"tokenise": {"column": "text", "tokenizer": installed_tokenizer}},
        {"pack": {"column": "input_ids", "length": 64}},
    ]
    run = mesh.run(steps)
    assert (run.state, run.reason) == (RunState.DONE, "")
    report = run.report
    assert report is not None
    assert (report["rows_in"], report["documents"]) == (150, 50)
    assert sum(report["dropped"].values()) == 100
    assert report["counts"]["tokens"] > 0
    assert run.shards.count() == run.shards_total > 5
    verdict = run.verdicts[installed_tokenizer]
    assert (verdict["fast"], verdict["sampled"]) == (True, 50), "the gate saw what dedup left"


def test_barriers_of_several_levels_and_rows_that_move(mesh: Mesh, small_shards: int) -> None:
    mesh.publish({f"part-{part}.jsonl": lines(ROWS) for part in range(3)})
    steps = [
        {"shuffle": {"seed": 4}},
        {"near_dedup": {"column": "text", "shingle_words": 2}},
        {"sort": {"columns": ["id"], "descending": True}},
    ]
    run = mesh.run(steps)
    assert (run.state, run.reason) == (RunState.DONE, "")
    report = run.report
    assert report is not None
    assert (report["rows_in"], report["documents"]) == (150, 50)
    assert report["dropped"] == {"near_duplicate": 100}
    assert rows_of(run.output_version) == ROWS[::-1]
    assert run.shards.count() == run.shards_total
    reduces = run.shards.filter(kind=ShardKind.REDUCE).order_by("stage", "index")
    assert list(reduces.values_list("stage", "index")) == [(0, 0), (1, 0), (1, 1), (2, 0)]


def test_an_equal_run_is_skipped_and_another_input_is_not(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS) + BROKEN + b"\n"})
    pipeline = mesh.pipeline()
    first = drive(mesh.start(pipeline))
    assert services.plan_pipeline(mesh.ana, pipeline.pk).equal == first

    again = drive(mesh.start(pipeline))
    assert (again.state, again.output_version) == (RunState.SKIPPED, first.output_version)
    (bad,) = services.quarantined_rows(mesh.ana, again.pk, 10)
    assert bad.raw == BROKEN

    mesh.publish({"a.jsonl": lines(ROWS[:10])}, CODE)
    other = drive(mesh.start(pipeline))
    assert other.state == RunState.DONE
    assert other.output_version != first.output_version
