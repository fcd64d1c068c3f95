"""Any JSON value gets an answer from the reader of events: an interpretation or a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.engine.facts import Interpretation, Odd
from lineage.engine.interpret import interpret
from lineage.services import record

KEYS = st.sampled_from(
    [
        "eventTime", "eventType", "producer", "run", "runId", "job", "namespace", "name", "inputs",
        "outputs", "facets", "columnLineage", "lineage", "fields", "inputFields", "field",
        "entries", "type", "transformations", "symlinks", "identifiers", "schema", "version",
        "datasetVersion", "dataset", "masking", "subtype", "documentation", "description",
    ]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "fairmesh://demo", "/acme/~/wiki",
            "/acme/~/wiki/v=3", "JOB", "DATASET", "DIRECT", "COMPLETE", "\x00", "\ud800",
        ]
    ),
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=40,
)

TEXTS = st.text(max_size=400) | st.sampled_from(["pg", "fairmesh://demo", "/acme/nlp/~/wiki"])


@given(JSON)
def test_the_reader_is_total(value: Any) -> None:
    assert isinstance(interpret(value, "demo"), Interpretation | Odd)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-01-01T00:00:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:test",
        "run": {"runId": "01890000-0000-7000-8000-000000000000"},
        "job": {"namespace": "airflow", "name": "daily"},
        "inputs": [{"namespace": "pg", "name": "a"}],
        "outputs": [{"namespace": "pg", "name": "b"}],
        **changes,
    }


@settings(max_examples=300)
@given(st.dictionaries(KEYS, JSON, max_size=3), JSON)
def test_an_event_with_one_rotten_part_has_an_answer(parts: dict[str, Any], facet: Any) -> None:
    rotten = event(**parts)
    assert isinstance(interpret(rotten, "demo"), Interpretation | Odd)
    output = {"namespace": "pg", "name": "b", "facets": {"columnLineage": facet, "lineage": facet}}
    assert isinstance(interpret(event(outputs=[output]), "demo"), Interpretation | Odd)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": None}, "eventTime"),
        ({"job": {"namespace": "airflow"}}, "job.name"),
        ({"run": {}}, "run.runId"),
        ({"inputs": {"not": "a list"}}, "inputs"),
        ({"outputs": [{"namespace": "pg", "name": "x" * 1001}]}, "outputs[0].name"),
        ({"outputs": [{"namespace": "pg", "name": "nul\x00"}]}, "control characters"),
        ({"outputs": [{"namespace": "fairmesh://demo", "name": "/Bad Name"}]}, "not valid"),
        ({"outputs": [{"namespace": "fairmesh://demo", "name": "/acme"}]}, "domain"),
    ],
)
def test_the_reason_tells_where(changes: dict[str, Any], reason: str) -> None:
    odd = interpret(event(**changes), "demo")
    assert isinstance(odd, Odd)
    assert reason in odd.reason


def test_a_rotten_facet_is_left_out_and_the_rest_stays() -> None:
    output = {"namespace": "pg", "name": "b", "facets": {"columnLineage": "?", "schema": 7}}
    said = interpret(event(outputs=[output]), "demo")
    assert isinstance(said, Interpretation)
    assert len(said.edges) == 3
    assert len(said.warnings) == 2


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00", "2026-01-01T02:00:00+02:00"],
)
def test_times_of_real_producers_are_read(moment: str) -> None:
    said = interpret(event(eventTime=moment), "demo")
    assert isinstance(said, Interpretation)
    assert said.event_time.isoformat()[:19] == "2026-01-01T00:00:00"


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.dictionaries(KEYS, JSON, max_size=2), facet=JSON, namespace=TEXTS, name=TEXTS)
def test_no_event_is_too_odd_for_the_database(
    world: Any, parts: dict[str, Any], facet: Any, namespace: str, name: str
) -> None:
    facets = dict.fromkeys(["columnLineage", "symlinks", "schema", "documentation"], facet)
    output = {"namespace": namespace, "name": name, "facets": facets}
    inputs = [{"namespace": "pg", "name": name}]
    for rotten in (event(**parts), event(inputs=inputs, outputs=[output])):
        row = record(rotten, world.ben)
        assert row.state in {"applied", "flagged"}
        assert row.problem or row.state == "applied"


def test_the_longest_names_fit(world: Any) -> None:
    output = {"namespace": "\u6f22" * 100, "name": "\u6f22" * 333}
    assert record(event(outputs=[output])).state == "applied"


def test_an_event_of_very_many_datasets_is_cut(world: Any) -> None:
    inputs = [{"namespace": "pg", "name": f"t{number}"} for number in range(5003)]
    said = interpret(event(inputs=inputs), "demo")
    assert isinstance(said, Interpretation)
    assert len([key for key in said.edges if key.kind == "consumes"]) == 5000
    assert "5,000" in said.warnings[0]
