"""Tasks of movement: one line each."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from movement import services


@shared_task
def run_transfer(transfer_id: str) -> None:
    services.run_transfer(UUID(transfer_id))


@shared_task
def sweep_transfers() -> None:
    services.sweep_transfers()


@shared_task
def reconcile_all() -> None:
    services.reconcile_mesh()


@shared_task
def remove_due() -> None:
    services.remove_due()


@shared_task
def check_stores() -> None:
    services.check_stores()


@shared_task
def keep_audit() -> None:
    services.keep_audit()


@shared_task
def keep_locks() -> None:
    services.keep_locks()


@shared_task
def act_on_erasure(order_id: str) -> None:
    services.act_on_erasure(UUID(order_id))


@shared_task
def sweep_erasures() -> None:
    services.sweep_erasures()


@shared_task
def end_retentions() -> None:
    services.end_retentions()


@shared_task
def watch_sites() -> None:
    services.watch_sites()


@shared_task
def run_scrub(scrub_id: str) -> None:
    services.run_scrub(UUID(scrub_id))


@shared_task
def sweep_scrubs() -> None:
    services.sweep_scrubs()


@shared_task
def scrub_due() -> None:
    services.scrub_due()


@shared_task
def sweep_uploads() -> None:
    services.sweep_uploads()
