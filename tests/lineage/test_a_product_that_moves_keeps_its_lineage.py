"""A move gives a product another name; its past, its versions and its columns come along."""

from __future__ import annotations

from typing import Any

from lineage import selectors, services
from lineage.events import product_moved
from lineage.models import Edge, Node
from lineage.selectors import Question

OLD, NEW = "/acme/nlp/~/wiki", "/acme/nlp/~/zanzibar"


def seen(world: Any, ref: str) -> set[str]:
    return {node.name for node in selectors.graph(world.ana, ref, Question()).nodes}


def told(run_event: Any) -> Any:
    event = run_event(["a"], [OLD + "/v=1"])
    source = {"namespace": "pg", "name": "a", "field": "id"}
    event["outputs"][0]["facets"]["columnLineage"] = {"fields": {"x": {"inputFields": [source]}}}
    return event


def test_every_layer_answers_to_the_new_name_and_to_the_old(world: Any, run_event: Any) -> None:
    services.record(told(run_event))
    edges = Edge.objects.count()
    product_moved({"name": NEW, "from": OLD})
    product_moved({"name": NEW, "from": OLD})
    for suffix in ("", "/v=1"):
        assert seen(world, NEW + suffix) == seen(world, OLD + suffix)
        assert NEW + suffix in seen(world, OLD + suffix)
        assert OLD + suffix not in seen(world, OLD + suffix)
    assert seen(world, f"column:fairmesh://demo:{NEW}#x") == {"a#id", NEW + "#x"}
    assert Edge.objects.count() == Edge.objects.live().count() == edges


def test_events_under_the_old_name_go_to_the_product(world: Any, run_event: Any) -> None:
    services.record(told(run_event))
    product_moved({"name": NEW, "from": OLD})
    job = {"namespace": "airflow", "name": "weekly"}
    services.record(run_event(["b"], [OLD + "/v=2"], run={"runId": "r2"}, job=job))
    assert {"a", "b", NEW} <= seen(world, NEW)
    assert NEW + "/v=2" in seen(world, NEW + "/v=2")


def test_moving_back_takes_the_first_name_up_again(world: Any, run_event: Any) -> None:
    services.record(told(run_event))
    product_moved({"name": NEW, "from": OLD})
    product_moved({"name": OLD, "from": NEW})
    assert seen(world, NEW) == seen(world, OLD) == {"a", "daily", OLD}
    assert not Node.objects.filter(name=OLD).exclude(alias_of=None).exists()
    assert set(Node.objects.filter(name=NEW).values_list("alias_of__name", flat=True)) == {OLD}
