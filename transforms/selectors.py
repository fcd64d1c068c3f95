"""Reads of transforms. All that a pipeline reads and writes must be known to who looks at it."""

from __future__ import annotations

import re
from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.models import VersionState
from catalog.selectors import product_for, visible_products
from core.errors import NotFound
from core.names import Name
from governance.engine.entities import Action, Principal
from governance.models import Scan
from governance.pipelines import Way
from governance.resources import absent, load
from governance.services import require
from transforms.models import (
    Pipeline,
    PipelineInput,
    Run,
    RunInput,
    RunShard,
    RunState,
    ShardState,
)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def visible_pipelines(principal: Principal) -> QuerySet[Pipeline]:
    """Pipelines whose inputs and output the principal may discover."""
    seen = visible_products(principal)
    hidden = PipelineInput.objects.filter(pipeline=OuterRef("pk")).exclude(product__in=seen)
    return Pipeline.objects.filter(
        ~Exists(hidden), source__in=seen, target__in=seen
    ).select_related("source", "target")


def listed_pipelines(principal: Principal, text: str = "") -> QuerySet[Pipeline]:
    """Visible pipelines with `text` in their name, input or output, each with its last run.

    `last_run_id`, `last_run_state` and `last_run_at` (when it ended, or was asked for) are of the
    last run that the principal may know of, and null where there is none.
    """
    held = Q(name__icontains=text) | Q(source__name__icontains=text)
    runs = visible_runs(principal).filter(pipeline=OuterRef("pk")).order_by("-id")
    last = runs.annotate(at=Coalesce("finished_at", "created_at"))
    return (
        visible_pipelines(principal)
        .filter(held | Q(target__name__icontains=text))
        .annotate(
            last_run_id=Subquery(last.values("pk")[:1]),
            last_run_state=Subquery(last.values("state")[:1]),
            last_run_at=Subquery(last.values("at")[:1]),
        )
    )


def ways_of(names: Collection[str]) -> list[Way]:
    """Return from where to where the pipelines of these names lead, whoever asks. Two queries."""
    rows = Pipeline.objects.filter(name__in=names).select_related("source", "target")
    return [
        Way(
            each.name,
            (each.source.name, *(further.product.name for further in each.further.all())),
            each.target.name,
        )
        for each in rows.prefetch_related("further__product")
    ]


def visible_runs(principal: Principal) -> QuerySet[Run]:
    """Runs whose inputs and output the principal may discover, with their progress."""
    seen = visible_products(principal)
    hidden = RunInput.objects.filter(run=OuterRef("pk")).exclude(version__product__in=seen)
    runs = Run.objects.filter(~Exists(hidden), input_version__product__in=seen, target__in=seen)
    done = RunShard.objects.filter(run=OuterRef("pk"), state=ShardState.DONE).order_by()
    counted = done.values("run").annotate(count=Count("pk")).values("count")
    return (
        runs.select_related(
            "pipeline", "input_version__product", "target", "output_version__product"
        )
        .prefetch_related("further__version__product")
        .defer("plan", "spec")
        .annotate(shards_done=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
    )


def scans_of(principal: Principal, name: str) -> QuerySet[Scan]:
    """Return the scans of a product, or of the version named, that the principal may discover."""
    asked = Name.parse(name)
    product = product_for(principal, Action.DISCOVER, asked)
    scans = Scan.objects.filter(name=product.name)
    return scans if asked.version is None else scans.filter(version=asked.version)


def scan_for(principal: Principal, scan_id: UUID) -> Scan:
    scan = Scan.objects.filter(pk=scan_id).first()
    if scan is None:
        raise absent(str(scan_id))
    require(principal, Action.DISCOVER, load(scan.name, asked=str(scan_id)))
    return scan


def pipeline_for(principal: Principal, pipeline_id: UUID) -> Pipeline:
    found = visible_pipelines(principal).filter(pk=pipeline_id).first()
    if found is None:
        raise NotFound("There is no such pipeline, or you may not know of it.")
    return found


def pipeline_named(principal: Principal, name: str) -> Pipeline:
    """Return the pipeline of that name, or of that id."""
    by_id = _UUID.fullmatch(name) is not None
    found = visible_pipelines(principal).filter(**{"pk" if by_id else "name": name}).first()
    if found is None:
        raise NotFound(f"There is no pipeline {name!r}, or you may not know of it.")
    return found


def run_for(principal: Principal, run_id: UUID) -> Run:
    found = visible_runs(principal).filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such run, or you may not know of it.")
    return found


def equal_run(run_digest: str, target_id: UUID) -> Run | None:
    """Return the last run of the same digest whose result is still published, if any."""
    return (
        Run.objects.filter(
            run_digest=run_digest,
            target=target_id,
            state=RunState.DONE,
            output_version__state=VersionState.PUBLISHED,
        )
        .select_related("output_version__product")
        .order_by("-id")
        .first()
    )
