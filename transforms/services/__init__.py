"""Writes of transforms, one verb a function. Import what you need from here."""

from transforms.services.coordinate import advance_run
from transforms.services.pipelines import plan_pipeline, sample_pipeline, save_pipeline
from transforms.services.quarantine import quarantined_rows
from transforms.services.runs import cancel_run, retry_run, start_run, sweep_runs
from transforms.services.shards import run_shard

__all__ = [
    "advance_run",
    "cancel_run",
    "plan_pipeline",
    "quarantined_rows",
    "retry_run",
    "run_shard",
    "sample_pipeline",
    "save_pipeline",
    "start_run",
    "sweep_runs",
]
