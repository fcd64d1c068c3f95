"""Shards on a Ray cluster: the same work as a Celery worker's, rung for in another place.

The database row stays the truth. A task that Ray loses, or that ends with the process that rang, is
a lease that runs out: the sweeper rings again, as it does for a Celery worker that was killed. The
cluster's nodes have the platform installed and its settings in their environment; nothing secret
goes through Ray.
"""

from __future__ import annotations

import importlib
import logging
import threading
from functools import lru_cache
from typing import Any

import django
from django.conf import settings

logger = logging.getLogger(__name__)
_connecting = threading.Lock()


def ring(shard_id: str) -> None:
    """Submit one shard; with the cluster away the sweeper's next round does it instead."""
    try:
        remote_shard().remote(shard_id)
    except (ConnectionError, RuntimeError) as error:
        logger.warning("Ray does not take shard %s (%s); it waits for the sweeper", shard_id, error)


@lru_cache(maxsize=1)
def remote_shard() -> Any:
    """Return the remote function of this process, connected to the cluster of the settings."""
    import ray  # noqa: PLC0415 - an extra, and slow to load

    with _connecting:
        if not ray.is_initialized():
            ray.init(
                address=settings.FAIRMESH.ray_address, log_to_driver=False, configure_logging=False
            )
        # the database counts the attempts: Ray does not begin one of its own
        return ray.remote(num_cpus=1, max_retries=0)(run_shard)


def run_shard(shard_id: str) -> None:
    """Do a shard, in a worker of the cluster: the task of that name, as a Celery worker does it."""
    django.setup()
    importlib.import_module("transforms.tasks").shard(shard_id)
