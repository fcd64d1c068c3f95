"""The heartbeat of a worker: it renews the lease while the work itself is busy elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, connection

from core.lease import Lease

logger = logging.getLogger(__name__)
_LONGEST_PAUSE = 3.0
"""Seconds between two reports of progress, however long the lease is."""


class Heartbeat:
    """Writes `progress` and renews the lease from a thread of its own, until the block ends.

    So a lease holds even while one slow request is in flight. `lost` is true as soon as the row
    is another's, was cancelled, could not be renewed in time, or is not allowed any more, which
    `may_go_on` is asked at every beat: then the work must stop.
    """

    def __init__(
        self,
        lease: Lease[Any],
        progress: Callable[[], dict[str, Any]],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._lease = lease
        self._progress = progress
        self._may_go_on = may_go_on
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def lost(self) -> bool:
        return self._lost.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        lease_seconds = settings.FAIRMESH.lease_seconds
        pause = min(lease_seconds / 3, _LONGEST_PAUSE)
        renewed = time.monotonic()
        try:
            while not self._ended.wait(pause) and not self.lost():
                try:
                    held = self._lease.write(**self._progress()) and self._may_go_on()
                    renewed = time.monotonic()
                except DatabaseError as error:  # busy: the lease has time for another try
                    logger.warning("a heartbeat could not be written: %s", error)
                    held = time.monotonic() - renewed < lease_seconds
                if not held:
                    self._lost.set()
        finally:
            if not self._ended.is_set():
                self._lost.set()
            connection.close()
