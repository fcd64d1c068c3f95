"""A plan names its shards, what one worker alone must read, and the cost by the last run."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from governance.services.tokens import issue_token
from movement.models import Store
from tests.transforms.bench import Bench
from tests.transforms.mesh import Mesh, lines
from transforms.engine.cutting import read_by_one

ROWS = [{"id": number, "text": f"a text of some length {number}"} for number in range(100)]
SMALL = 1024


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS * 20), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("path", "data", "given", "reason"),
    [
        ("a.jsonl.gz", gzip.compress(lines(ROWS * 20)), {}, "gzip is one stream"),
        ("a.parquet", parquet(), {}, "one unit of parquet"),
        ("a.csv", b"id,text\n" + b"1,x\n" * 900, {"cut": False}, "the input says so"),
    ],
)
def test_what_one_worker_reads_is_named_with_the_reason(
    bench: Bench, path: str, data: bytes, given: dict[str, Any], reason: str
) -> None:
    bench.write(path, data)
    bench.write("small.jsonl.gz", gzip.compress(lines(ROWS[:2])))
    planned = bench.plan([{"select": {"columns": ["id"]}}], SMALL, files=path, **given)
    ((piece, size, why),) = read_by_one(planned.shards, SMALL)
    assert (piece.path, size > SMALL) == (path, True)
    assert reason in why


def test_what_many_read_is_not_named(bench: Bench) -> None:
    bench.write_rows("a.jsonl", ROWS)
    bench.write("small.jsonl.gz", gzip.compress(lines(ROWS[:2])))
    planned = bench.plan([{"select": {"columns": ["id"]}}], SMALL)
    assert len(planned.shards) > 2
    assert list(read_by_one(planned.shards, SMALL)) == []


@pytest.fixture
def api(mesh: Mesh, small_shards: int, settings: Any) -> Client:
    settings.FAIRMESH = replace(settings.FAIRMESH, core_hour_price=3600.0)
    Store.objects.update(cost_gb_month=1)
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def plan_of(api: Client, pipeline: Any) -> dict[str, Any]:
    answer = api.post(f"/api/v1/pipelines/{pipeline.pk}/plan", {}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_first_plan_lists_its_shards_and_has_nothing_to_estimate_by(
    mesh: Mesh, api: Client
) -> None:
    version = mesh.publish({"a.jsonl": lines(ROWS), "b.jsonl": lines(ROWS[:3])})
    plan = plan_of(api, mesh.pipeline())
    shards = plan["shard_list"]
    assert len(shards) == plan["shards"] > 3
    assert sum(each["bytes"] for each in shards) == plan["bytes"] == version.bytes
    assert [each["index"] for each in shards] == list(range(len(shards)))
    assert {each["input"] for each in shards} == {version.name}
    ends = [piece["end"] for each in shards for piece in each["pieces"] if piece["path"][0] == "a"]
    assert ends == sorted(ends)
    assert ends[-1] == len(lines(ROWS))
    assert not any(each["done"] for each in shards)
    assert plan["estimate"] == {
        "shards_done": 0,
        "bytes_to_do": version.bytes,
        "like": None,
        "core_seconds": None,
        "output_bytes": None,
        "money": None,
    }


def test_the_next_plan_knows_what_is_done_and_what_the_rest_will_cost(
    mesh: Mesh, api: Client
) -> None:
    first = mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    run = mesh.run()
    assert run.report is not None
    second = mesh.publish({"a.jsonl": lines(ROWS), "b.jsonl": lines(ROWS * 2)})
    plan = plan_of(api, pipeline)
    estimate = plan["estimate"]
    assert estimate["like"] == str(run.pk)
    assert estimate["shards_done"] == sum(each["done"] for each in plan["shard_list"]) > 0
    assert estimate["bytes_to_do"] == second.bytes - first.bytes
    share = estimate["bytes_to_do"] / first.bytes
    spent = sum(run.report["seconds"].values())
    assert estimate["core_seconds"] == pytest.approx(spent * share)
    assert run.output_version is not None
    grown = run.output_version.bytes * second.bytes / first.bytes
    assert estimate["output_bytes"] == pytest.approx(grown, abs=1)
    # a core second costs 1 here, a month of some kilobytes next to nothing
    assert estimate["money"] == pytest.approx(spent * share, rel=0.01)


def test_without_prices_no_money_is_told(mesh: Mesh, api: Client, settings: Any) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    mesh.run()
    mesh.publish({"b.jsonl": lines(ROWS * 2)})
    settings.FAIRMESH = replace(settings.FAIRMESH, core_hour_price=None)
    Store.objects.update(cost_gb_month=0)
    estimate = plan_of(api, pipeline)["estimate"]
    assert estimate["money"] is None
    assert estimate["core_seconds"] > 0
