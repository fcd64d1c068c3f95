"""Writes of transforms, one verb a function. Import what you need from here."""

from transforms.services.backfills import backfill
from transforms.services.by_policy import run_published, run_schedules
from transforms.services.cards import card_of
from transforms.services.coordinate import advance_run
from transforms.services.diffs import diff_runs
from transforms.services.drafting import (
    Draft,
    at_their_place,
    check_draft,
    plan_draft,
    sample_draft,
)
from transforms.services.pipelines import plan_pipeline, sample_pipeline, save_pipeline
from transforms.services.quarantine import quarantined_rows
from transforms.services.runs import cancel_run, retry_run, start_run, sweep_runs, wake_runs
from transforms.services.scans import (
    ring_scans,
    run_scan,
    scan_unscanned,
    start_scan,
    sweep_scans,
    wake_scans,
)
from transforms.services.shards import run_shard

__all__ = [
    "Draft",
    "advance_run",
    "at_their_place",
    "backfill",
    "cancel_run",
    "card_of",
    "check_draft",
    "diff_runs",
    "plan_draft",
    "plan_pipeline",
    "quarantined_rows",
    "retry_run",
    "ring_scans",
    "run_published",
    "run_scan",
    "run_schedules",
    "run_shard",
    "sample_draft",
    "sample_pipeline",
    "save_pipeline",
    "scan_unscanned",
    "start_run",
    "start_scan",
    "sweep_runs",
    "sweep_scans",
    "wake_runs",
    "wake_scans",
]
