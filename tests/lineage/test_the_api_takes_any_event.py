"""The receiver over HTTP: who may send, which bodies, and that nothing odd is a server error."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.api import parsing
from lineage.models import LineageEvent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["run", "job", "eventTime", "inputs", "outputs", "name", "facets"]),
        inner, max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


def send(client: Client, body: Any, path: str = "lineage", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        f"/api/v1/{path}", data, content_type="application/json", headers=headers or None
    )


def test_a_sound_event_is_created_and_its_repeat_too(world: Any, run_event: Any) -> None:
    answers = [send(world.client("ben"), run_event(["a"], ["b"])) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, second = (answer.json() for answer in answers)
    assert first == second
    assert first["state"] == "applied"


def test_nobody_may_not_send(world: Any, run_event: Any) -> None:
    for path in ("lineage", "lineage/batch"):
        assert send(world.client(), run_event(), path).status_code == 401
    assert LineageEvent.objects.count() == 0


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(body=JSON)
def test_rubbish_is_flagged_with_201(world: Any, body: Any) -> None:
    answer = send(world.client("ben"), body)
    assert answer.status_code == 201
    assert answer.json()["state"] == "flagged"


def test_gzip_is_read(world: Any, run_event: Any) -> None:
    body = gzip.compress(json.dumps(run_event(["a"], ["b"])).encode())
    headers = {**world.headers["ben"], "Content-Encoding": "gzip"}
    answer = send(Client(headers=headers), body)
    assert (answer.status_code, answer.json()["state"]) == (201, "applied")


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"{", "", 400),
        (b"\xff\xfe", "", 400),
        (b"[" * 100_000, "", 400),
        (b"[" * 150 + b"]" * 150, "", 400),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-9], "gzip", 400),
        (b"{}", "br", 400),
    ],
)
def test_what_is_not_json_is_refused(world: Any, body: bytes, encoding: str, status: int) -> None:
    headers = {**world.headers["ben"], **({"Content-Encoding": encoding} if encoding else {})}
    answer = send(Client(headers=headers), body)
    assert answer.status_code == status
    assert answer.json()["code"] == "not_json"
    assert LineageEvent.objects.count() == 0


def test_a_body_too_large_is_refused_packed_or_not(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "MAX_BODY_BYTES", 1000)
    bomb = gzip.compress(b" " * 100_000)
    assert len(bomb) < 1000
    packed = Client(headers={**world.headers["ben"], "Content-Encoding": "gzip"})
    for answer in (send(packed, bomb), send(world.client("ben"), b" " * 1001)):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_batch_tells_which_events_failed(world: Any, run_event: Any) -> None:
    events = [run_event(["a"], ["b"]), {"odd": 1}, run_event([], ["/acme/nlp/~/wiki"])]
    answer = send(world.client("ben"), events, "lineage/batch")
    assert answer.status_code == 200
    body = answer.json()
    assert body["summary"] == {"received": 3, "successful": 1, "failed": 2}
    assert [failed["index"] for failed in body["failed_events"]] == [1, 2]
    assert not any(failed["retriable"] for failed in body["failed_events"])
    assert send(world.client("ben"), {}, "lineage/batch").status_code == 422


@pytest.mark.parametrize(
    "query",
    ["", "name=/a/~/b&node=job:a:b", "name=/acme&depth=2", "node=planet:a:b", "name=nope",
     "name=/acme/~/x&depth=-1", "name=/acme/~/x&direction=left", "name=/acme/~/x&as_of=then"],
)  # fmt: skip
def test_questions_that_make_no_sense_say_so(world: Any, query: str) -> None:
    answer = world.client("ben").get(f"/api/v1/lineage/graph?{query}")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"


def test_the_graph_answer_has_its_documented_shape(world: Any, run_event: Any) -> None:
    send(world.client("ana"), run_event(["a"], ["/acme/nlp/~/wiki/v=1"]))
    body = world.client("ben").get("/api/v1/lineage/graph?name=/acme/nlp/~/wiki").json()
    body["edges"].sort(key=lambda edge: edge["kind"])
    assert body == {
        "root": "dataset:fairmesh://demo:/acme/nlp/~/wiki",
        "nodes": [
            {
                "id": "dataset:fairmesh://demo:/acme/nlp/~/wiki",
                "kind": "dataset",
                "namespace": "fairmesh://demo",
                "name": "/acme/nlp/~/wiki",
                "title": "/acme/nlp/~/wiki",
                "redacted": False,
                "distance": 0,
            },
            {
                "id": "job:airflow:daily",
                "kind": "job",
                "namespace": "airflow",
                "name": "daily",
                "title": "daily",
                "redacted": False,
                "distance": 1,
            },
            {
                "id": "dataset:pg:a",
                "kind": "dataset",
                "namespace": "pg",
                "name": "a",
                "title": "a",
                "redacted": False,
                "distance": 2,
            },
        ],
        "edges": [
            {
                "source": "dataset:pg:a",
                "target": "job:airflow:daily",
                "kind": "consumes",
                "origin": "observed",
                "direct": True,
            },
            {
                "source": "job:airflow:daily",
                "target": "dataset:fairmesh://demo:/acme/nlp/~/wiki",
                "kind": "produces",
                "origin": "observed",
                "direct": True,
            },
        ],
        "total": 3,
        "truncated": False,
    }


def test_marquez_reads_datasets_jobs_and_fields(world: Any, run_event: Any) -> None:
    event = run_event(["a"], ["b"])
    event["outputs"][0]["facets"] = {
        "schema": {"fields": [{"name": "x", "type": "int"}]},
        "columnLineage": {
            "fields": {"x": {"inputFields": [{"namespace": "pg", "name": "a", "field": "i"}]}}
        },
    }
    send(world.client("ben"), event)
    client = world.client("ben")
    graph = client.get("/api/v1/lineage?nodeId=dataset:pg:b&depth=5").json()["graph"]
    nodes = {node["id"]: node for node in graph}
    assert {id_: node["type"] for id_, node in nodes.items()} == {
        "dataset:pg:b": "DATASET",
        "dataset:pg:a": "DATASET",
        "job:airflow:daily": "JOB",
    }
    into_b = {"origin": "job:airflow:daily", "destination": "dataset:pg:b"}
    assert nodes["dataset:pg:b"]["inEdges"] == [into_b]
    assert nodes["job:airflow:daily"]["outEdges"] == [into_b]
    assert nodes["dataset:pg:b"]["data"]["fields"] == [{"name": "x", "type": "int", "tags": []}]
    fields = client.get("/api/v1/column-lineage?nodeId=dataset:pg:b").json()["graph"]
    [field] = [node for node in fields if node["id"] == "datasetField:pg:b:x"]
    assert field["data"]["inputFields"] == [{"namespace": "pg", "dataset": "a", "field": "i"}]
    again = client.get("/api/v1/column-lineage?nodeId=datasetField:pg:b:x").json()["graph"]
    assert {node["id"] for node in again} == {"datasetField:pg:a:i", "datasetField:pg:b:x"}
