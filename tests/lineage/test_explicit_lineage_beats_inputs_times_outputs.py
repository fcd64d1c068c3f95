"""Which edges an event tells: the LineageFacet, else column lineage, else the job itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lineage.engine.facts import EdgeKind, Interpretation, NodeKind, RunState, higher_state
from lineage.engine.interpret import interpret


def told(outputs: list[dict[str, Any]], **job: Any) -> Interpretation:
    told_job: dict[str, Any] = {"namespace": "airflow", "name": "bulk", **job}
    said = interpret(
        {
            "eventTime": "2026-01-01T00:00:00Z",
            "run": {"runId": "r1"},
            "job": told_job,
            "inputs": [{"namespace": "pg", "name": n} for n in ("a", "b")],
            "outputs": outputs,
        },
        "demo",
    )
    assert isinstance(said, Interpretation)
    return said


def edges(said: Interpretation, kind: EdgeKind) -> set[tuple[str, str]]:
    return {(key.src.label, key.dst.label) for key in said.edges if key.kind is kind}


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "pg", "name": name, "facets": facets}


COLUMNS = {
    "fields": {
        "x": {
            "inputFields": [
                {
                    "namespace": "pg",
                    "name": "a",
                    "field": "id",
                    "transformations": [{"type": "DIRECT", "subtype": "HASH", "masking": True}],
                },
                {"namespace": "pg", "name": "seed", "field": "k", "transformations": []},
            ]
        }
    },
    "dataset": [
        {
            "namespace": "pg",
            "name": "b",
            "field": "day",
            "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}],
        }
    ],
}


def explained(said: Interpretation) -> set[str]:
    return {key.dst.name for key, fact in said.edges.items() if fact.explained}


def test_without_facets_the_job_stands_for_every_pair() -> None:
    said = told([dataset("c"), dataset("d")])
    assert edges(said, EdgeKind.DERIVES) == set()
    assert edges(said, EdgeKind.CONSUMES) == {("a", "bulk"), ("b", "bulk")}
    assert edges(said, EdgeKind.PRODUCES) == {("bulk", "c"), ("bulk", "d")}
    assert explained(said) == set()


def test_column_lineage_tells_columns_and_the_datasets_behind_them() -> None:
    said = told([dataset("c", columnLineage=COLUMNS), dataset("d")])
    assert edges(said, EdgeKind.DERIVES) == {("a", "c"), ("seed", "c"), ("b", "c")}
    assert edges(said, EdgeKind.COLUMN_DERIVES) == {
        ("a#id", "c#x"),
        ("seed#k", "c#x"),
        ("b#day", "c"),
    }
    assert explained(said) == {"c"}
    facts = {k.src.label: f for k, f in said.edges.items() if k.kind is EdgeKind.COLUMN_DERIVES}
    assert (facts["a#id"].direct, facts["a#id"].masking, facts["a#id"].subtype) == (
        True,
        True,
        "HASH",
    )
    assert (facts["seed#k"].direct, facts["seed#k"].masking) == (True, False)
    assert facts["b#day"].direct is False


def test_the_lineage_facet_silences_column_lineage() -> None:
    lineage = {"inputs": [{"namespace": "pg", "name": "b", "type": "DATASET"}]}
    said = told([dataset("c", columnLineage=COLUMNS, lineage=lineage)])
    assert edges(said, EdgeKind.DERIVES) == {("b", "c")}
    assert edges(said, EdgeKind.COLUMN_DERIVES) == set()


def test_no_inputs_in_the_lineage_facet_means_no_source() -> None:
    said = told([dataset("c", lineage={"inputs": []})])
    assert edges(said, EdgeKind.DERIVES) == set()
    assert explained(said) == {"c"}


def test_a_jobs_entries_tell_of_datasets_jobs_and_columns() -> None:
    entries = [
        {
            "namespace": "pg",
            "name": "c",
            "type": "DATASET",
            "inputs": [
                {"namespace": "pg", "name": "a", "type": "DATASET"},
                {"namespace": "other", "name": "enrich", "type": "JOB"},
            ],
            "fields": {
                "x": {
                    "inputs": [{"namespace": "pg", "name": "a", "type": "DATASET", "field": "id"}]
                }
            },
        },
        {"type": "JOB", "inputs": [{"namespace": "other", "name": "enrich", "type": "JOB"}]},
        "rubbish",
    ]
    said = told([dataset("c", columnLineage=COLUMNS)], facets={"lineage": {"entries": entries}})
    assert edges(said, EdgeKind.DERIVES) == {("a", "c"), ("enrich", "bulk")}
    assert ("enrich", "c") in edges(said, EdgeKind.PRODUCES)
    assert edges(said, EdgeKind.COLUMN_DERIVES) == {("a#id", "c#x")}
    assert len(said.warnings) == 1


def test_a_name_with_a_version_is_a_product_and_its_version() -> None:
    ours = {"namespace": "fairmesh://demo", "name": "/acme/~/wiki/v=3/a%20b.parquet"}
    said = told([ours, {**dataset("d", version={"datasetVersion": "7"})}])
    versions = {key.label for key in said.nodes if key.kind is NodeKind.VERSION}
    assert versions == {"/acme/~/wiki/v=3", "d@7"}
    assert edges(said, EdgeKind.VERSION_OF) == {("/acme/~/wiki/v=3", "/acme/~/wiki"), ("d@7", "d")}
    assert ("r1", "/acme/~/wiki/v=3") in edges(said, EdgeKind.PRODUCES)


def test_a_symlink_to_ours_makes_the_other_name_the_alias() -> None:
    symlinks = {"identifiers": [{"namespace": "fairmesh://demo", "name": "/acme/~/wiki"}]}
    said = told([dataset("s3-path", symlinks=symlinks)])
    [(other, real)] = said.aliases.items()
    assert (other.name, real.name) == ("s3-path", "/acme/~/wiki")
    assert {other, real} <= said.targets


@given(st.lists(st.sampled_from(RunState), min_size=1), st.randoms())
def test_the_state_of_a_run_does_not_depend_on_the_order_of_reports(
    states: list[RunState], random: Any
) -> None:
    def fold(reports: list[RunState]) -> RunState:
        held = reports[0]
        for report in reports:
            held = higher_state(held, report)
        return held

    shuffled = random.sample(states, len(states))
    assert fold(states) is fold(shuffled)
    if RunState.COMPLETE in states:
        assert fold(states) not in {RunState.START, RunState.RUNNING, RunState.OTHER}
