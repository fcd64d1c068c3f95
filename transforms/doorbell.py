"""Rings a worker for a run, a shard or a scan. A lost ring costs little: the sweeper finds it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import transaction

from movement.doorbell import ring


def ring_run(run_id: UUID) -> None:
    """Ring once the transaction under way is committed."""
    transaction.on_commit(partial(ring, "transforms.tasks.run", str(run_id)))


def ring_shards(shard_ids: Iterable[UUID]) -> None:
    """Ring for each, once the transaction under way is committed."""
    for shard_id in shard_ids:
        transaction.on_commit(partial(ring, "transforms.tasks.shard", str(shard_id)))


def ring_scan(scan_id: UUID) -> None:
    """Ring once the transaction under way is committed."""
    transaction.on_commit(partial(ring, "transforms.tasks.scan", str(scan_id)))
