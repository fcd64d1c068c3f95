"""The client that other tools emit lineage with, unchanged, against a running server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.generated.column_lineage_dataset import (
    ColumnLineageDatasetFacet,
    Fields,
    InputField,
    Transformation,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig
from openlineage.client.transport.http import HttpTransport as Http

from governance.models import User
from governance.selectors import principal_for
from governance.services import issue_token
from lineage.models import Edge, EventState, LineageEvent, Node

RUN = str(uuid.UUID("01890000-0000-7000-8000-000000000001"))
AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
JOB = Job(namespace="airflow", name="daily")


@pytest.fixture
def token(transactional_db: None) -> str:
    user = User.objects.create(username="airflow")
    return issue_token(user, principal_for(user), title="airflow", days=1, scopes=None)[1]


def client_of(live_server: Any, token: str, compression: HttpCompression | None = None) -> Any:
    config = HttpConfig(
        url=live_server.url,
        auth=ApiKeyTokenProvider({"apiKey": token}),
        compression=compression,
    )
    return OpenLineageClient(transport=Http(config))


def run_event(state: RunState) -> RunEvent:
    source = InputField(
        namespace="pg", name="a", field="id", transformations=[Transformation(type="DIRECT")]
    )
    columns = ColumnLineageDatasetFacet(fields={"x": Fields(inputFields=[source])})
    return RunEvent(
        eventType=state,
        eventTime=AT,
        run=Run(runId=RUN),
        job=JOB,
        inputs=[InputDataset(namespace="pg", name="a")],
        outputs=[OutputDataset(namespace="pg", name="b", facets={"columnLineage": columns})],
        producer="https://example.org/airflow",
    )


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_runs_jobs_and_datasets_arrive(
    live_server: Any, token: str, compression: HttpCompression | None
) -> None:
    client = client_of(live_server, token, compression)
    for state in (RunState.START, RunState.COMPLETE, RunState.COMPLETE):
        client.emit(run_event(state))
    inputs = [InputDataset(namespace="pg", name="z")]
    client.emit(JobEvent(eventTime=AT, job=JOB, inputs=inputs, outputs=[]))
    client.emit(DatasetEvent(eventTime=AT, dataset=StaticDataset(namespace="pg", name="only")))
    assert LineageEvent.objects.count() == 4, "the repeat is the same event"
    assert not LineageEvent.objects.exclude(state=EventState.APPLIED, problem="").exists()
    assert Node.objects.get(kind="run").run_state == "COMPLETE"
    told = {(e.src.name, e.kind, e.dst.name) for e in Edge.objects.select_related("src", "dst")}
    assert told == {
        (RUN, "run_of", "daily"),
        ("a", "consumes", "daily"),
        ("z", "consumes", "daily"),
        ("daily", "produces", "b"),
        ("a", "derives", "b"),
        ("a", "column_derives", "b"),
    }


def test_a_wrong_token_is_told(live_server: Any, token: str) -> None:
    with pytest.raises(Exception, match="401"):
        client_of(live_server, "fm_wrong").emit(run_event(RunState.START))
    assert LineageEvent.objects.count() == 0
