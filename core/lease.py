"""Leases: a row of work is held by one worker at a time, and a dead worker holds it not for long.

A worker takes a row by a compare-and-swap that raises the row's fence number, and renews the
lease while it works. Whoever writes a result checks the fence: a worker that slept through its
lease finds a higher one and changes nothing. The table has `lease_owner`, `lease_until`, `fence`.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import F, Model, QuerySet
from django.utils import timezone

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Lease(Generic[Row]):
    """The right to work on one row, good until it is not renewed in time."""

    rows: QuerySet[Row]
    """The one row, as long as the fence is ours."""

    @classmethod
    def take(cls, wanted: QuerySet[Row], **changes: Any) -> Lease[Row] | None:
        """Take the one row of `wanted` and apply `changes`; None when another was first."""
        held = wanted.values_list("pk", "fence").first()
        if held is None:
            return None
        pk, fence = held
        taken = wanted.filter(fence=fence).update(
            fence=F("fence") + 1, lease_owner=_me(), lease_until=_until(), **changes
        )
        return cls(wanted.model._default_manager.filter(pk=pk, fence=fence + 1)) if taken else None

    def write(self, **changes: Any) -> bool:
        """Apply `changes` and renew; False when the lease is lost, and then nothing is written."""
        return bool(self.rows.update(lease_until=_until(), **changes))

    def locked(self) -> Row | None:
        """Return the row locked for the rest of the transaction, or None when the lease is lost."""
        return self.rows.select_for_update().first()


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _until() -> Any:
    return timezone.now() + timedelta(seconds=settings.FAIRMESH.lease_seconds)
