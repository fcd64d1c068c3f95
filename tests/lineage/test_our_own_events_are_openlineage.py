"""What we build is accepted by OpenLineage's own classes, and the recorder reads it back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, TypeVar

from openlineage.client import event_v2
from openlineage.client.generated import (
    column_lineage_dataset,
    dataset_version_dataset,
    documentation_job,
    error_message_run,
    lineage,
    ownership_dataset,
    schema_dataset,
)

from lineage import openlineage, services
from lineage.engine.search import Direction
from lineage.models import Edge, Node
from lineage.openlineage import ColumnSource, DatasetUse, Output, RunRef
from lineage.selectors import Question, graph

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = RunRef(str(uuid.UUID(int=7)), "/acme/nlp/tokenise", "Tokenise the wiki.")
WIKI, TOKENS = "/acme/nlp/~/wiki/v=1", "/acme/nlp/~/zanzibar/v=4"
OUTPUT = Output(
    TOKENS,
    columns=(("ids", "list<int32>"),),
    digest="sha256:" + "0" * 64,
    column_map={
        "ids": [
            ColumnSource("/acme/nlp/~/wiki", "text", subtype="TRANSFORMATION"),
            ColumnSource("/acme/nlp/~/wiki", "lang", direct=False, subtype="FILTER"),
        ]
    },
)
FACETS = {
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
    "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "lineage": lineage.LineageDatasetFacet,
    "documentation": documentation_job.DocumentationJobFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "ownership": ownership_dataset.OwnershipDatasetFacet,
}


def check_facets(facets: dict[str, Any]) -> None:
    for name, facet in facets.items():
        assert {"_producer", "_schemaURL"} <= facet.keys()
        if name != "fairmeshVersion":
            values = {k: v for k, v in facet.items() if not k.startswith("_")}
            assert facet["_schemaURL"] == FACETS[name](**values)._schemaURL


Kind = TypeVar("Kind", bound=event_v2.Dataset)


def check_dataset(dataset: dict[str, Any], kind: type[Kind]) -> Kind:
    check_facets(dataset["facets"])
    return kind(namespace=dataset["namespace"], name=dataset["name"])


def check_run_event(event: dict[str, Any]) -> None:
    check_facets(event["run"]["facets"])
    check_facets(event["job"]["facets"])
    rebuilt = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=event_v2.Run(runId=event["run"]["runId"]),
        job=event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
        inputs=[check_dataset(each, event_v2.InputDataset) for each in event["inputs"]],
        outputs=[check_dataset(each, event_v2.OutputDataset) for each in event["outputs"]],
        producer=event["producer"],
    )
    assert rebuilt.schemaURL == event["schemaURL"]


def test_run_events_are_valid() -> None:
    inputs = [DatasetUse(WIKI)]
    check_run_event(openlineage.started(RUN, AT, inputs, [OUTPUT]))
    check_run_event(openlineage.completed(RUN, AT, inputs, [OUTPUT]))
    check_run_event(openlineage.failed(RUN, AT, inputs, "the disk is full"))
    target = DatasetUse("p/acme/nlp/~/wiki/v=1", namespace="s3://bucket")
    check_run_event(openlineage.replicated(RUN, AT, WIKI, target))


def test_a_publication_is_a_valid_dataset_event() -> None:
    event = openlineage.published(DatasetUse(TOKENS, digest="sha256:1"), AT, [WIKI], "ana")
    check_dataset(event["dataset"], event_v2.Dataset)
    assert event["schemaURL"] == event_v2.DatasetEvent._get_schema()
    assert event["dataset"]["facets"]["version"]["datasetVersion"] == "4"


def test_a_run_of_ours_is_seen_on_every_level(world: Any) -> None:
    services.record(openlineage.started(RUN, AT, [DatasetUse(WIKI)]))
    row = services.record(openlineage.completed(RUN, AT, [DatasetUse(WIKI)], [OUTPUT]))
    assert (row.state, row.problem, row.run_id) == ("applied", "", RUN.run_id)

    def above(ref: str) -> set[str]:
        answer = graph(world.ana, ref, Question(direction=Direction.UP, depth=9))
        return {node.name for node in answer.nodes}

    products = {"/acme/nlp/~/zanzibar", "/acme/nlp/tokenise", "/acme/nlp/~/wiki"}
    assert above("/acme/nlp/~/zanzibar") == products
    assert above(TOKENS) == {TOKENS, RUN.run_id}
    column = "column:fairmesh://demo:/acme/nlp/~/zanzibar#ids"
    assert above(column) == {
        "/acme/nlp/~/zanzibar#ids", "/acme/nlp/~/wiki#text", "/acme/nlp/~/wiki#lang",
    }  # fmt: skip
    direct = Edge.objects.filter(kind="column_derives").order_by("src__part")
    assert [(e.src.part, e.direct) for e in direct] == [("lang", False), ("text", True)]
    assert Node.objects.get(name="/acme/nlp/~/zanzibar", kind="version").attrs["digest"]
