"""Explicit lineage in facets: the LineageFacet and the column lineage facet.

Source: OpenLineage spec/facets/LineageFacet.json 1-0-0 and ColumnLineageDatasetFacet.json 1-2-0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from lineage.engine.datasets import DatasetRef, read_dataset
from lineage.engine.draft import Draft
from lineage.engine.facts import EdgeFact, EdgeKind, NodeKey
from lineage.engine.reading import MAX_PART, as_list, as_name, as_object, as_prose


def read_job_lineage(draft: Draft, facets: Mapping[str, object], outputs: list[DatasetRef]) -> None:
    """Read the LineageFacet of a job: entries, each a target with what feeds it."""
    if "lineage" not in facets:
        return
    facet = as_object(facets["lineage"], "job.facets.lineage")
    known = {ref.dataset: ref for ref in outputs}
    for number, raw in enumerate(as_list(facet.get("entries"), "job.facets.lineage.entries")):
        where = f"job.facets.lineage.entries[{number}]"
        draft.tolerate(partial(_read_entry, draft, raw, where, known))


def _read_entry(
    draft: Draft, raw: object, where: str, outputs: Mapping[NodeKey, DatasetRef]
) -> None:
    entry = as_object(raw, where)
    if entry.get("type") == "JOB":
        job = _job_of(draft, entry, where)
        for source in as_list(entry.get("inputs"), f"{where}.inputs"):
            _feed_job(draft, as_object(source, f"{where}.inputs"), job, f"{where}.inputs")
        return
    target = read_dataset(entry, where, draft.namespace)
    target = outputs.get(target.dataset, target) if target.version is None else target
    draft.dataset(target)
    draft.targets.add(target.dataset)
    read_target_lineage(draft, entry, target, where)


def read_target_lineage(
    draft: Draft, told: Mapping[str, object], target: DatasetRef, where: str
) -> None:
    """Read `inputs` and `fields` of one target; even an empty `inputs` is a statement."""
    draft.explained.add(target.dataset)
    for raw in as_list(told.get("inputs"), f"{where}.inputs"):
        source = as_object(raw, f"{where}.inputs")
        if source.get("type") == "JOB":
            job = _job_of(draft, source, where)
            draft.edge(job, target.dataset, EdgeKind.PRODUCES, EdgeFact(explained=True))
        else:
            _feed(draft, source, target, None, f"{where}.inputs")
    for column, raw in as_object(told.get("fields") or {}, f"{where}.fields").items():
        field = as_object(raw, f"{where}.fields")
        for each in as_list(field.get("inputs"), f"{where}.fields.inputs"):
            source = as_object(each, f"{where}.fields.inputs")
            if source.get("type") != "JOB":
                _feed(draft, source, target, column, f"{where}.fields.inputs")


def read_column_lineage(draft: Draft, raw: object, target: DatasetRef, where: str) -> None:
    """Read a column lineage facet; datasets whose columns are named are derived from, too."""
    facet = as_object(raw, where)
    for column, told in as_object(facet.get("fields") or {}, f"{where}.fields").items():
        field = as_object(told, f"{where}.fields")
        masked = field.get("transformationType") == "MASKED"
        for each in as_list(field.get("inputFields"), f"{where}.inputFields"):
            source = as_object(each, f"{where}.inputFields")
            _feed(draft, source, target, column, f"{where}.inputFields", masked=masked)
            draft.explained.add(target.dataset)
    for each in as_list(facet.get("dataset"), f"{where}.dataset"):
        source = as_object(each, f"{where}.dataset")
        _feed(draft, source, target, None, f"{where}.dataset")
        draft.explained.add(target.dataset)


def _feed(  # the six are one sentence: source feeds column of target
    draft: Draft,
    source: Mapping[str, object],
    target: DatasetRef,
    column: str | None,
    where: str,
    *,
    masked: bool = False,
) -> None:
    """Add the edge between two columns, or from a column to a whole dataset, and theirs.

    A column that feeds the whole dataset (a filter, a join) is always indirect.
    """
    origin = read_dataset(source, where, draft.namespace)
    fact = _fact(draft, source, where, masked=masked)
    draft.feed(origin, target, fact)
    if source.get("field") is None:
        return
    field = as_name(source.get("field"), f"{where}.field", MAX_PART)
    src = draft.column(origin.dataset, field)
    if column is None:
        indirect = EdgeFact(direct=False, subtype=fact.subtype, masking=fact.masking, via=fact.via)
        draft.edge(src, target.dataset, EdgeKind.COLUMN_DERIVES, indirect)
    else:
        dst = draft.column(target.dataset, as_name(column, f"{where}: column", MAX_PART))
        draft.edge(src, dst, EdgeKind.COLUMN_DERIVES, fact)


def _fact(draft: Draft, source: Mapping[str, object], where: str, *, masked: bool) -> EdgeFact:
    """Return direct unless every transformation is indirect, masking only when every one is."""
    steps = [
        as_object(raw, f"{where}.transformations")
        for raw in as_list(source.get("transformations"), f"{where}.transformations")
    ]
    indirect = bool(steps) and all(step.get("type") == "INDIRECT" for step in steps)
    subtype = next((as_prose(step["subtype"])[:64] for step in steps if step.get("subtype")), "")
    masking = all(step.get("masking") is True for step in steps) if steps else masked
    return EdgeFact(direct=not indirect, subtype=subtype, masking=masking, via=draft.job)


def _job_of(draft: Draft, told: Mapping[str, object], where: str) -> NodeKey:
    """Return the named job, or the event's own when none is named."""
    if told.get("name") is None and draft.job is not None:
        return draft.job
    return draft.job_key(told.get("namespace"), told.get("name"), where)


def _feed_job(draft: Draft, source: Mapping[str, object], job: NodeKey, where: str) -> None:
    if source.get("type") == "JOB":
        draft.edge(_job_of(draft, source, where), job, EdgeKind.DERIVES)
        return
    ref = read_dataset(source, where, draft.namespace)
    draft.dataset(ref)
    draft.edge(ref.dataset, job, EdgeKind.CONSUMES)
