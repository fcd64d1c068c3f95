"""Who leads: what is done for the whole mesh is done by one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone

from core.lease import Lease
from movement.models import Leadership


@contextlib.contextmanager
def leading(task: str) -> Iterator[Lease[Leadership] | None]:
    """Lead a task while the block runs; None when another process does.

    Who leads is a row with a lease; a leader that dies is followed when its lease runs out.
    """
    Leadership.objects.get_or_create(task=task)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    lease = Lease.take(Leadership.objects.filter(free, task=task))
    try:
        yield lease
    finally:
        if lease is not None:
            lease.rows.update(lease_until=None, lease_owner="", done_at=timezone.now())
