"""What transforms hears: a run of its own has begun or ended, a version came or went."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core import outbox
from core.errors import StoreUnavailable
from core.names import Name
from governance import pipelines
from governance.models import PolicyKind
from governance.services.scans import end_scans
from lineage import openlineage
from lineage.openlineage import ColumnSource, DatasetUse, Output, RunRef
from lineage.services import record
from transforms import erasing as _erasing  # noqa: F401  # movement finds its places so
from transforms import services
from transforms.engine import plan as planning
from transforms.engine.operators.base import ColumnUse, Kind
from transforms.engine.plan import Plan
from transforms.models import Run
from transforms.selectors import ways_of
from transforms.services.budgets import BudgetUsedUp
from transforms.services.ending import RUN_CHANGED
from transforms.services.sources import versions_of


def run_changed(payload: dict[str, Any]) -> None:
    """Record START, COMPLETE or FAIL of a run; again changes nothing."""
    run = (
        Run.objects.select_related("pipeline", "input_version__product", "output_version__product")
        .filter(pk=payload["run"])
        .first()
    )
    if run is None or run.plan is None:  # it failed before it was known what it reads
        return
    record(_event(run, payload["state"], datetime.fromisoformat(payload["at"])))


def _event(run: Run, state: str, at: datetime) -> openlineage.Event:
    planned = planning.from_json(run.plan or {})
    about = RunRef(str(run.pk), f"pipelines/{run.pipeline.name}")
    inputs = [
        DatasetUse(
            source.name,
            columns=tuple((field.name, str(field.type)) for field in schema),
            digest=source.digest,
        )
        for source, schema in zip(versions_of(run), planned.inputs, strict=True)
    ]
    if state == "done":
        return openlineage.completed(about, at, inputs, [_output(run, planned)])
    if state == "running":
        return openlineage.started(about, at, inputs)
    return openlineage.failed(about, at, inputs, run.reason_code or state)


def _output(run: Run, planned: Plan) -> Output:
    version = run.output_version
    assert version is not None
    products = [each.product.name for each in versions_of(run)]
    return Output(
        version.name,
        columns=tuple((field.name, str(field.type)) for field in planned.schemas[-1]),
        digest=version.digest,
        column_map={
            column: [_source(products[use.input], use) for use in uses]
            for column, uses in planned.column_map.items()
        },
    )


def _source(product: str, use: ColumnUse) -> ColumnSource:
    return ColumnSource(
        product,
        use.column,
        direct=use.kind is Kind.DIRECT,
        subtype=str(use.subtype),
        masking=use.masking,
    )


def version_published(payload: dict[str, Any]) -> None:
    """Have a worker scan it now; its row was written with the version, and the sweeper sees it."""
    name = Name.parse(payload["version"])
    services.ring_scans(payload["product"], name.version or 0)


def run_pipelines(payload: dict[str, Any]) -> None:
    """Queue what services policies run over it."""
    services.run_published(UUID(payload["version_id"]))


def policy_changed(payload: dict[str, Any]) -> None:
    """Have runs that wait for a budget look again: it may be another one now."""
    if payload["kind"] == PolicyKind.SERVICES:
        services.wake_runs(BudgetUsedUp)


def place_back(payload: dict[str, Any]) -> None:
    """A store or a site is back. A run does not say for which it waits: all of them look again."""
    del payload
    services.wake_runs(StoreUnavailable)
    services.wake_scans(StoreUnavailable)


def version_tombstoned(payload: dict[str, Any]) -> None:
    """What was found in a version that is no more is no reason for a label."""
    name = Name.parse(payload["version"])
    end_scans(str(name.product_name), name.version or 0)


outbox.subscribe(RUN_CHANGED, run_changed)
outbox.subscribe("version.published", version_published)
outbox.subscribe("version.published", run_pipelines)
outbox.subscribe("policy.changed", policy_changed)
outbox.subscribe("store.back", place_back)
outbox.subscribe("site.back", place_back)
outbox.subscribe("version.tombstoned", version_tombstoned)
pipelines.register(ways_of)
