"""Tasks of transforms: one line each."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from transforms import services


@shared_task
def run(run_id: str) -> None:
    services.advance_run(UUID(run_id))


@shared_task
def shard(shard_id: str) -> None:
    services.run_shard(UUID(shard_id))


@shared_task
def sweep_runs() -> None:
    services.sweep_runs()


@shared_task
def run_schedules() -> None:
    services.run_schedules()


@shared_task
def scan(scan_id: str) -> None:
    services.run_scan(UUID(scan_id))


@shared_task
def sweep_scans() -> None:
    services.sweep_scans()


@shared_task
def scan_unscanned() -> None:
    services.scan_unscanned()
