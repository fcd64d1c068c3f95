"""From an OpenLineage event to nodes and edges.

Precedence for what feeds an output: the LineageFacet, else the column lineage facet, else every
input of the job. The last is not written out as one edge for each pair (wrong for jobs that carry
many tables, and quadratic) but told by the job node itself, which a search walks through.
Source: OpenLineage 2-0-2.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage.engine.datasets import DatasetRef, read_dataset, read_detail, read_symlinks
from lineage.engine.draft import Draft
from lineage.engine.explicit import read_column_lineage, read_job_lineage, read_target_lineage
from lineage.engine.facts import (
    EdgeFact,
    EdgeKind,
    Interpretation,
    NodeDetail,
    NodeKey,
    NodeKind,
    Odd,
    Origin,
    RunState,
)
from lineage.engine.reading import (
    MAX_PART,
    OddEvent,
    as_list,
    as_name,
    as_object,
    as_prose,
    as_time,
)

MAX_DATASETS = 5000
"""Most inputs, and most outputs, of one event."""


def interpret(event: object, mesh: str) -> Interpretation | Odd:
    """Return what `event` says in the mesh `mesh`. Total: any JSON value gives an answer.

    What cannot be understood at all is Odd, with the reason; a facet that cannot is left out,
    with a warning. Cost: linear in the size of the event.
    """
    try:
        return _read(as_object(event, "The event"), mesh)
    except OddEvent as error:
        return Odd(str(error), *_told_of(event))


def _told_of(event: object) -> tuple[str, str]:
    if not isinstance(event, dict):
        return "", ""
    run = event.get("run")
    run_id = run.get("runId") if isinstance(run, dict) else ""
    return as_prose(event.get("producer")), as_prose(run_id)[:MAX_PART]


def _read(event: Mapping[str, object], mesh: str) -> Interpretation:
    draft = Draft(mesh, Origin.OBSERVED if "run" in event else Origin.DECLARED)
    moment = as_time(event.get("eventTime"), "eventTime")
    state = RunState.OTHER
    replaces = None
    if "job" in event:
        state = _read_job(draft, event)
        replaces = None if "run" in event else _job_replaced(draft, event)
    elif "dataset" in event:
        replaces = _read_dataset_event(draft, event["dataset"])
    else:
        raise OddEvent("The event has neither a job nor a dataset.")
    return Interpretation(
        event_time=moment,
        producer=as_prose(event.get("producer")),
        run=draft.run,
        run_state=state,
        nodes=draft.nodes,
        edges=draft.edges,
        aliases=draft.aliases,
        targets=frozenset(draft.targets),
        replaces=replaces,
        warnings=tuple(draft.warnings),
    )


def _read_job(draft: Draft, event: Mapping[str, object]) -> RunState:
    raw = as_object(event["job"], "job")
    facets = as_object(raw.get("facets") or {}, "job.facets")
    job = draft.job_key(raw.get("namespace"), raw.get("name"), "job")
    draft.job = draft.node(job, _job_detail(facets))
    state = _read_run(draft, event, job) if "run" in event else RunState.OTHER
    inputs = _read_datasets(draft, event, "inputs")
    outputs = _read_datasets(draft, event, "outputs")
    draft.tolerate(lambda: read_job_lineage(draft, facets, outputs))
    for ref in inputs:
        # Who merely reads a product of ours may not describe it.
        if ref.dataset.namespace != draft.namespace:
            _describe(draft, ref, "inputs")
    for ref in outputs:
        draft.targets.add(ref.dataset)
        _describe(draft, ref, "outputs")
        _explain(draft, ref, "outputs")
    _tie(draft, job, inputs, outputs)
    return state


def _job_detail(facets: Mapping[str, object]) -> NodeDetail:
    documentation = facets.get("documentation")
    told = documentation.get("description") if isinstance(documentation, dict) else ""
    return NodeDetail(attrs={"description": as_prose(told)} if told else {})


def _read_run(draft: Draft, event: Mapping[str, object], job: NodeKey) -> RunState:
    run_id = as_name(as_object(event["run"], "run").get("runId"), "run.runId", MAX_PART)
    draft.run = draft.node(NodeKey(NodeKind.RUN, job.namespace, run_id))
    draft.edge(draft.run, job, EdgeKind.RUN_OF)
    told = event.get("eventType")
    try:
        return RunState(told) if isinstance(told, str) else RunState.OTHER
    except ValueError:
        draft.warn(f"Left out: eventType {as_prose(told)[:40]!r} is not a state of a run.")
        return RunState.OTHER


def _read_datasets(draft: Draft, event: Mapping[str, object], key: str) -> list[DatasetRef]:
    raws = as_list(event.get(key), key)
    if len(raws) > MAX_DATASETS:
        draft.warn(f"Left out: the {key} beyond {MAX_DATASETS:,}.")
    refs = []
    for number, raw in enumerate(raws[:MAX_DATASETS]):
        ref = read_dataset(raw, f"{key}[{number}]", draft.namespace)
        draft.dataset(ref)
        refs.append(ref)
    return refs


def _describe(draft: Draft, ref: DatasetRef, where: str) -> None:
    def details() -> None:
        detail = read_detail(ref.facets, where)
        draft.node(ref.dataset, detail)
        if ref.version is not None:
            draft.node(ref.version, detail)

    def symlinks() -> None:
        for other in read_symlinks(ref.facets, where):
            draft.alias(other, ref.dataset)

    draft.tolerate(details)
    draft.tolerate(symlinks)


def _explain(draft: Draft, ref: DatasetRef, where: str) -> None:
    """Read the explicit lineage of one output: the stronger facet only."""
    if "lineage" in ref.facets:
        draft.tolerate(lambda: _explain_by_lineage(draft, ref, f"{where}.lineage"))
    elif "columnLineage" in ref.facets and ref.dataset not in draft.explained:
        columns = ref.facets["columnLineage"]
        draft.tolerate(lambda: read_column_lineage(draft, columns, ref, f"{where}.columnLineage"))


def _explain_by_lineage(draft: Draft, ref: DatasetRef, where: str) -> None:
    read_target_lineage(draft, as_object(ref.facets["lineage"], where), ref, where)


def _tie(draft: Draft, job: NodeKey, inputs: list[DatasetRef], outputs: list[DatasetRef]) -> None:
    """Say what the job, and this run of it, read and wrote."""
    for ref in inputs:
        draft.edge(ref.dataset, job, EdgeKind.CONSUMES)
        if draft.run is not None and ref.version is not None:
            draft.edge(ref.version, draft.run, EdgeKind.CONSUMES)
    for ref in outputs:
        fact = EdgeFact(explained=ref.dataset in draft.explained)
        draft.edge(job, ref.dataset, EdgeKind.PRODUCES, fact)
        if draft.run is not None and ref.version is not None:
            draft.edge(draft.run, ref.version, EdgeKind.PRODUCES, fact)


def _job_replaced(draft: Draft, event: Mapping[str, object]) -> NodeKey | None:
    """A job event that says anything of inputs or outputs replaces what was declared before."""
    speaks = draft.explained or "inputs" in event or "outputs" in event
    return draft.job if speaks else None


def _read_dataset_event(draft: Draft, raw: object) -> NodeKey | None:
    """A dataset event speaks for the version when it names one; the product then accumulates."""
    ref = read_dataset(raw, "dataset", draft.namespace)
    draft.dataset(ref)
    draft.targets.add(ref.dataset)
    _describe(draft, ref, "dataset")
    _explain(draft, ref, "dataset")
    return (ref.version or ref.dataset) if ref.dataset in draft.explained else None
