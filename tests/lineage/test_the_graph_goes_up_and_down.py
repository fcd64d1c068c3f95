"""What a graph answer holds: ancestors and descendants, bounded, as of any time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import NotFound
from lineage import selectors, services
from lineage.engine.search import Direction
from lineage.models import Node
from lineage.selectors import Question


def names(world: Any, ref: str, **question: Any) -> dict[str, int]:
    graph = selectors.graph(world.ben, ref, Question(**question))
    return {node.name: node.distance for node in graph.nodes}


@pytest.fixture
def chain(world: Any, run_event: Any) -> Any:
    """a → one → b → two → c, and a sibling that also reads a."""
    for job, src, dst in [("one", "a", "b"), ("two", "b", "c"), ("side", "a", "z")]:
        job_of = {"namespace": "airflow", "name": job}
        services.record(run_event([src], [dst], job=job_of, run={"runId": job}))
    return world


def test_up_down_and_both(chain: Any) -> None:
    assert names(chain, "dataset:pg:b", direction=Direction.UP) == {"b": 0, "one": 1, "a": 2}
    assert names(chain, "dataset:pg:b", direction=Direction.DOWN) == {"b": 0, "two": 1, "c": 2}
    both = names(chain, "dataset:pg:b")
    assert set(both) == {"a", "one", "b", "two", "c"}, "a sibling is neither up nor down"


def test_depth_and_limit_bound_the_answer(chain: Any) -> None:
    assert set(names(chain, "dataset:pg:a", depth=1)) == {"a", "one", "side"}
    graph = selectors.graph(chain.ben, "dataset:pg:a", Question(depth=9, limit=2))
    assert (len(graph.nodes), graph.total, graph.truncated) == (2, 7, True)
    ids = {node.id for node in graph.nodes}
    assert {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges} <= ids


def test_an_explained_output_is_not_reached_through_the_bulk_job(
    world: Any, run_event: Any
) -> None:
    event = run_event(["a", "b"], ["c", "d"])
    for output, source in zip(event["outputs"], ["a", "b"], strict=True):
        output["facets"]["lineage"] = {
            "inputs": [{"namespace": "pg", "name": source, "type": "DATASET"}]
        }
    services.record(event)
    services.record(run_event(["a", "b"], ["c", "d"], eventType="START"))
    assert set(names(world, "dataset:pg:a", direction=Direction.DOWN)) == {"a", "c", "daily"}
    assert set(names(world, "dataset:pg:d", direction=Direction.UP)) == {"d", "b", "daily"}
    assert set(names(world, "job:airflow:daily")) == {"a", "b", "c", "d", "daily"}


def test_the_graph_as_it_was(chain: Any) -> None:
    before = datetime(2025, 6, 1, tzinfo=UTC)
    after = datetime(2026, 6, 1, tzinfo=UTC)
    assert set(names(chain, "dataset:pg:b", as_of=before)) == {"b"}
    assert set(names(chain, "dataset:pg:b", as_of=after)) == {"a", "one", "b", "two", "c"}


def test_a_declared_job_is_replaced_and_its_past_is_kept(world: Any, run_event: Any) -> None:
    def declare(source: str, at: str) -> None:
        event = run_event([source], ["out"], eventTime=at)
        del event["run"], event["eventType"]
        services.record(event)

    declare("old", "2026-01-01T00:00:00Z")
    declare("new", "2026-02-01T00:00:00Z")
    up = Direction.UP
    assert set(names(world, "dataset:pg:out", direction=up)) == {"out", "daily", "new"}
    january = datetime(2026, 1, 15, tzinfo=UTC)
    past = names(world, "dataset:pg:out", direction=up, as_of=january)
    assert set(past) == {"out", "daily", "old"}
    declare("older", "2025-12-01T00:00:00Z")
    assert {"daily", "new"} < set(names(world, "dataset:pg:out", direction=up))


def test_two_names_of_one_dataset_are_one_node(world: Any, run_event: Any) -> None:
    services.record(run_event(["table"], ["report"]))
    load = run_event(["raw"], ["path"], job={"namespace": "spark", "name": "load"})
    load["outputs"][0]["facets"]["symlinks"] = {
        "identifiers": [{"namespace": "pg", "name": "table", "type": "TABLE"}]
    }
    services.record(load)
    assert set(names(world, "dataset:pg:table", depth=9)) == {
        "raw", "load", "path", "daily", "report",
    }  # fmt: skip
    services.record(run_event(["table"], ["more"], run={"runId": "r3"}))
    assert "more" in names(world, "dataset:pg:path", depth=9)


@pytest.mark.parametrize("batch", [True, False])
def test_a_chain_of_names_ends_at_one_dataset(world: Any, run_event: Any, batch: bool) -> None:
    def says(name: str, other: str) -> Any:
        event = run_event([], [name], run={"runId": name})
        event["outputs"][0]["facets"]["symlinks"] = {
            "identifiers": [{"namespace": "pg", "name": other}]
        }
        return event

    events = [says("b", "a"), says("c", "b"), says("d", "c"), says("a", "d"), run_event(["a"])]
    for some in [events] if batch else [[event] for event in events]:
        services.record_batch(some)
    real = Node.objects.get(kind="dataset", alias_of=None)
    others = Node.objects.filter(kind="dataset").exclude(pk=real.pk)
    assert {node.alias_of for node in others} == {real}
    for name in "abcd":
        assert selectors.graph(world.ben, f"dataset:pg:{name}", Question()).root == str(real)


def test_what_is_not_there_is_not_found(world: Any) -> None:
    for ref in ("dataset:pg:none", "/acme/nlp/~/none", "/acme/nlp/~/wiki/v=9"):
        with pytest.raises(NotFound):
            selectors.graph(world.ana, ref, Question())


def test_a_product_without_lineage_stands_alone(world: Any) -> None:
    graph = selectors.graph(world.ben, "/acme/nlp/~/wiki", Question())
    assert [(node.name, node.kind) for node in graph.nodes] == [("/acme/nlp/~/wiki", "dataset")]
    assert (graph.edges, graph.total, graph.truncated) == ([], 1, False)


def test_columns_have_a_graph_of_their_own(world: Any, run_event: Any) -> None:
    event = run_event(["a"], ["b"])
    event["outputs"][0]["facets"]["columnLineage"] = {
        "fields": {"x": {"inputFields": [{"namespace": "pg", "name": "a", "field": "i#d"}]}}
    }
    services.record(event)
    assert names(world, "column:pg:b#x") == {"b#x": 0, "a#i%23d": 1}
    graph = selectors.column_graph(world.ben, "dataset:pg:b", Question())
    assert {node.name for node in graph.nodes} == {"b#x", "a#i%23d"}
    assert names(world, "dataset:pg:b") == {"b": 0, "a": 1, "daily": 1}


def test_a_dataset_event_replaces_the_columns_it_declared(world: Any) -> None:
    def declare(column: str, at: str) -> None:
        source = {"namespace": "pg", "name": "a", "field": column}
        facet = {"fields": {"x": {"inputFields": [source]}}}
        dataset = {"namespace": "pg", "name": "b", "facets": {"columnLineage": facet}}
        services.record({"eventTime": at, "dataset": dataset})

    declare("old", "2026-01-01T00:00:00Z")
    declare("new", "2026-02-01T00:00:00Z")
    assert set(names(world, "column:pg:b#x")) == {"b#x", "a#new"}
    january = datetime(2026, 1, 15, tzinfo=UTC)
    assert set(names(world, "column:pg:b#x", as_of=january)) == {"b#x", "a#old"}
