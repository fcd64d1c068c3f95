"""Redaction: the shape of the graph stays true, and no answer holds a hidden name anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import NotFound
from lineage import openlineage, selectors, services
from lineage.models import Node
from lineage.selectors import Question

OPEN, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/zanzibar"
OURS = "fairmesh://demo"
HIDDEN_WORD = "zanzibar"


@pytest.fixture
def entangled(world: Any, run_event: Any) -> Any:
    """zanzibar/v=2 → job(etl_zanzibar) → wiki/v=1 → copy of wiki; columns, too; and a copy of
    zanzibar below a prefix of a bucket."""
    job = {"namespace": "airflow", "name": "etl_zanzibar"}
    event = run_event([SECRET + "/v=2"], [OPEN + "/v=1"], job=job, run={"runId": "zanzibar-run"})
    event["outputs"][0]["facets"]["columnLineage"] = {
        "fields": {
            "x": {
                "inputFields": [
                    {"namespace": OURS, "name": SECRET, "field": "zanzibar_id"},
                    {"namespace": "pg", "name": "plain", "field": "id"},
                ]
            }
        }
    }
    services.record(event)
    services.record(run_event([OPEN + "/v=1"], ["report"]))
    copied = openlineage.replicated(
        openlineage.RunRef("r-copy", "replicate"),
        Node.objects.get(kind="run", name="zanzibar-run").created_at,
        SECRET + "/v=2",
        openlineage.DatasetUse("lake/acme/nlp/~/zanzibar/v=2", namespace="s3://bucket"),
    )
    services.record(copied)
    services.record(run_event([], ["s3-reader"]))
    services.record(run_event(["plain"], [OPEN], job={"namespace": "airflow", "name": "fine"}))
    return world


ADDRESSES = [
    f"/api/v1/lineage/graph?name={OPEN}&depth=9",
    f"/api/v1/lineage/graph?name={OPEN}/v=1&depth=9",
    f"/api/v1/lineage/graph?node=column:{OURS}:{OPEN}%23x&depth=9",
    f"/api/v1/lineage?nodeId=dataset:{OURS}:{OPEN}",
    f"/api/v1/column-lineage?nodeId=dataset:{OURS}:{OPEN}&withDownstream=true",
    f"/api/v1/lineage/graph?name={SECRET}",
    f"/api/v1/lineage/graph?name={SECRET}/v=2",
    f"/api/v1/lineage?nodeId=dataset:{OURS}:{SECRET}",
    "/api/v1/lineage/graph?node=job:airflow:etl_zanzibar",
    "/api/v1/lineage/graph?node=run:airflow:zanzibar-run",
    "/api/v1/lineage/graph?node=dataset:s3://bucket:lake/acme/nlp/~/zanzibar/v=2",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", ["ben", ""])
def test_no_answer_holds_the_hidden_name(entangled: Any, address: str, who: str) -> None:
    answer = entangled.client(who).get(address)
    asked = address.count(HIDDEN_WORD)
    said = answer.content.decode()
    if answer.status_code == 404 and asked:
        said = said.replace(address.partition("=")[2].partition("&")[0], "")
    assert HIDDEN_WORD not in said
    assert answer.status_code in {200, 404}
    if asked:
        assert answer.status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
def test_its_owner_sees_all_of_it(entangled: Any, address: str) -> None:
    answer = entangled.client("ana").get(address)
    assert answer.status_code == 200
    assert HIDDEN_WORD in answer.content.decode()


def test_the_shape_stays(entangled: Any) -> None:
    seen = selectors.graph(entangled.ben, OPEN, Question(depth=9))
    whole = selectors.graph(entangled.ana, OPEN, Question(depth=9))
    assert [(n.kind, n.distance) for n in seen.nodes] == [(n.kind, n.distance) for n in whole.nodes]
    assert len(seen.edges) == len(whole.edges)
    assert seen.total == whole.total
    hidden = [n for n in seen.nodes if n.redacted]
    assert {n.kind for n in hidden} == {"dataset", "job"}
    assert all((n.name, n.title, n.namespace, n.node) == ("", "", "", None) for n in hidden)
    ids = {n.id for n in seen.nodes}
    assert len(ids) == len(seen.nodes)
    assert {e.source for e in seen.edges} | {e.target for e in seen.edges} <= ids
    again = selectors.graph(entangled.ben, OPEN, Question(depth=9))
    assert [n.id for n in again.nodes] == [n.id for n in seen.nodes]


def test_a_hidden_root_answers_like_an_absent_one(entangled: Any) -> None:
    problems = []
    for name in (SECRET, "/acme/nlp/~/absent"):
        with pytest.raises(NotFound) as caught:
            selectors.graph(entangled.ben, name, Question())
        problems.append(caught.value.detail.replace(name, "X"))
    assert problems[0] == problems[1]


def test_nobody_sees_what_lies_elsewhere(entangled: Any) -> None:
    with pytest.raises(NotFound):
        selectors.graph(entangled.nobody, "dataset:pg:report", Question())
    names = {n.name for n in selectors.graph(entangled.ben, "dataset:pg:report", Question()).nodes}
    assert {"report", OPEN} <= names
