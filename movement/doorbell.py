"""Rings a worker. A lost ring costs a moment: the sweeper finds the row."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def ring(task: str, *arguments: str) -> None:
    """Send a task by name; with the broker away the sweeper's next round does it instead."""
    try:
        current_app.send_task(task, args=arguments, retry=False)
    except OperationalError as error:
        logger.warning("the broker does not answer (%s); %s waits for the sweeper", error, task)


def ring_audit() -> None:
    ring("movement.tasks.keep_audit")


def ring_locks() -> None:
    ring("movement.tasks.keep_locks")


def ring_sweep() -> None:
    """Have the transfers that are due rung for now, in their turn."""
    ring("movement.tasks.sweep_transfers")


def ring_transfer(transfer_id: UUID) -> None:
    ring("movement.tasks.run_transfer", str(transfer_id))


def ring_erasure(order_id: UUID) -> None:
    ring("movement.tasks.act_on_erasure", str(order_id))


def ring_scrub(scrub_id: UUID) -> None:
    ring("movement.tasks.run_scrub", str(scrub_id))
