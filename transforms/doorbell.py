"""Rings a worker for a run, a shard or a scan. A lost ring costs little: the sweeper finds it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from movement.doorbell import ring
from transforms import ray_runner


def ring_run(run_id: UUID) -> None:
    """Ring once the transaction under way is committed."""
    transaction.on_commit(partial(ring, "transforms.tasks.run", str(run_id)))


def ring_shards(shard_ids: Iterable[UUID]) -> None:
    """Ring for each, once the transaction under way is committed."""
    for shard_id in shard_ids:
        transaction.on_commit(partial(_ring_shard, str(shard_id)))


def _ring_shard(shard_id: str) -> None:
    if settings.FAIRMESH.ray_address:
        ray_runner.ring(shard_id)
    else:
        ring("transforms.tasks.shard", shard_id)


def ring_scan(scan_id: UUID) -> None:
    """Ring once the transaction under way is committed."""
    transaction.on_commit(partial(ring, "transforms.tasks.scan", str(scan_id)))
