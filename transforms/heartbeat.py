"""Keeps a lease alive while its holder computes, and tells the holder when it is lost."""

from __future__ import annotations

import logging
import threading
from typing import Any, Self

from django.conf import settings
from django.db import Error, connection

from core.lease import Lease

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker holds the row now, or the work was called off. Nothing may be written."""


class Heartbeat:
    """Renews a lease from a thread of its own, three times in its length."""

    def __init__(self, lease: Lease[Any]) -> None:
        self._lease = lease
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def check(self) -> None:
        """Raise LeaseLost when the lease is; call it between pieces of work."""
        if self._lost.is_set():
            raise LeaseLost

    def _beat(self) -> None:
        try:
            while not self._ended.wait(settings.FAIRMESH.lease_seconds / 3):
                if not self._renewed():
                    self._lost.set()
                    return
        finally:
            connection.close()  # this thread's own

    def _renewed(self) -> bool:
        try:
            return self._lease.write()
        except Error as error:  # a busy database: two more beats come before the lease ends
            logger.warning("a lease could not be renewed (%s)", error)
            return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
