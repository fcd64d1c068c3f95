"""Our own acts as OpenLineage events, as plain dicts. Source: OpenLineage 2-0-2.

Datasets of the mesh stand in the namespace `fairmesh://<mesh>` under their product's name, with
the version in the version facet; hand the events to `lineage.services.record`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from core.names import Name
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import RunState

PRODUCER = "urn:fairmesh:platform"
_CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets/"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """One column that an output column is made from."""

    dataset: str
    """The name of the input, a product or a version."""
    column: str
    direct: bool = True
    subtype: str = ""
    masking: bool = False


ColumnMap = Mapping[str, Sequence[ColumnSource]]


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """A dataset that a run reads or writes.

    `name` is one of ours (`/acme/~/wiki` or `/acme/~/wiki/v=3`) unless `namespace` says where
    else it lies.
    """

    name: str
    namespace: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    """(name, type) of each."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Output(DatasetUse):
    """A dataset that a run writes, and what it is made from, when that is known.

    `sources`: the inputs it derives from; None means every input of the run.
    """

    column_map: ColumnMap = field(default_factory=dict)
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run: its UUID, the name of its job, and what to tell people of the job."""

    run_id: str
    job: str
    description: str = ""


def started(
    run: RunRef, at: datetime, inputs: Sequence[DatasetUse], outputs: Sequence[Output] = ()
) -> Event:
    return _run_event(RunState.START, run, at, inputs, outputs)


def completed(
    run: RunRef, at: datetime, inputs: Sequence[DatasetUse], outputs: Sequence[Output]
) -> Event:
    return _run_event(RunState.COMPLETE, run, at, inputs, outputs)


def failed(run: RunRef, at: datetime, inputs: Sequence[DatasetUse], reason: str) -> Event:
    """Return the end of a run that wrote nothing; `reason` holds no data and no secret."""
    event = _run_event(RunState.FAIL, run, at, inputs, ())
    event["run"]["facets"]["errorMessage"] = _facet(
        "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
        message=reason,
        programmingLanguage="python",
    )
    return event


def replicated(run: RunRef, at: datetime, version: str, target: DatasetUse) -> Event:
    """Return that a version was copied: the copy derives from that version and nothing else.

    `target` is the place in the store, by the OpenLineage naming rules: namespace
    `s3://<bucket>`, name the key prefix.
    """
    copy = Output(target.name, target.namespace, target.columns, target.digest, {}, (version,))
    return completed(run, at, [DatasetUse(version)], [copy])


def published(
    version: DatasetUse, at: datetime, inputs: Sequence[str], principal: str = "", run: str = ""
) -> Event:
    """Return that a version came to be from the versions `inputs`, as its publisher declares.

    `run` is the run of ours that made it, which tells of its columns when it ends.
    """
    dataset = _dataset(version)
    if run:
        dataset["facets"].setdefault("fairmeshVersion", _own_facet())["run"] = run
    dataset["facets"]["lineage"] = _lineage_facet(inputs)
    if principal:
        dataset["facets"]["ownership"] = _facet(
            "1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet",
            owners=[{"name": principal, "type": "PUBLISHER"}],
        )
    return {
        "eventTime": _time(at),
        "producer": PRODUCER,
        "schemaURL": _CORE + "DatasetEvent",
        "dataset": dataset,
    }


def namespace() -> str:
    return mesh_namespace(settings.FAIRMESH.mesh)


def _run_event(
    state: RunState,
    run: RunRef,
    at: datetime,
    inputs: Sequence[DatasetUse],
    outputs: Sequence[Output],
) -> Event:
    facets = {}
    if run.description:
        facets["documentation"] = _facet(
            "1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet",
            description=run.description,
        )
    return {
        "eventType": str(state),
        "eventTime": _time(at),
        "producer": PRODUCER,
        "schemaURL": _CORE + "RunEvent",
        "run": {"runId": run.run_id, "facets": {}},
        "job": {"namespace": namespace(), "name": run.job, "facets": facets},
        "inputs": [_dataset(each) for each in inputs],
        "outputs": [_output(each) for each in outputs],
    }


def _output(output: Output) -> dict[str, Any]:
    dataset = _dataset(output)
    if output.column_map:
        dataset["facets"]["columnLineage"] = _column_facet(output.column_map)
    if output.sources is not None:
        dataset["facets"]["lineage"] = _lineage_facet(output.sources)
    return dataset


def _dataset(use: DatasetUse) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    name, version = _split(use)
    if version is not None:
        facets["version"] = _facet(
            "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
            datasetVersion=str(version),
        )
    if use.columns:
        facets["schema"] = _facet(
            "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
            fields=[{"name": column, "type": kind} for column, kind in use.columns],
        )
    if use.digest:
        facets["fairmeshVersion"] = {**_own_facet(), "digest": use.digest}
    return {"namespace": use.namespace or namespace(), "name": name, "facets": facets}


def _split(use: DatasetUse) -> tuple[str, int | None]:
    if use.namespace:
        return use.name, None
    name = Name.parse(use.name)
    return str(name.product_name), name.version


def _column_facet(column_map: ColumnMap) -> dict[str, Any]:
    return _facet(
        "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
        fields={
            column: {"inputFields": [_input_field(source) for source in sources]}
            for column, sources in column_map.items()
        },
    )


def _input_field(source: ColumnSource) -> dict[str, Any]:
    step: dict[str, Any] = {
        "type": "DIRECT" if source.direct else "INDIRECT",
        "masking": source.masking,
    }
    if source.subtype:
        step["subtype"] = source.subtype
    return {
        "namespace": namespace(),
        "name": source.dataset,
        "field": source.column,
        "transformations": [step],
    }


def _lineage_facet(sources: Sequence[str]) -> dict[str, Any]:
    return _facet(
        "1-0-0/LineageFacet.json#/$defs/LineageDatasetFacet",
        inputs=[
            {"namespace": namespace(), "name": source, "type": "DATASET"} for source in sources
        ],
    )


def _own_facet() -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": _CORE + "DatasetFacet"}


def _facet(schema: str, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": _FACETS + schema, **values}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
