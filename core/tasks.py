"""Tasks of the ground floor: one line each."""

from __future__ import annotations

from celery import shared_task

from core import outbox


@shared_task
def dispatch_outbox() -> None:
    outbox.dispatch()
