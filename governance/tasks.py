"""Tasks of governance: one line each."""

from __future__ import annotations

from celery import shared_task

from governance import services


@shared_task
def escalate_requests() -> None:
    services.escalate_requests()


@shared_task
def end_campaigns() -> None:
    services.end_campaigns()


@shared_task
def sequence_audit() -> None:
    services.sequence()


@shared_task
def roll_up_reads() -> None:
    services.roll_up_reads()
