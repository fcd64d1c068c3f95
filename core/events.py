"""Rings the worker after each commit that emitted an event."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

from core import outbox
from core.tasks import dispatch_outbox

logger = logging.getLogger(__name__)


def ring_worker() -> None:
    """Ask for a dispatch now. With the broker away the beat's next round does it instead."""
    try:
        dispatch_outbox.apply_async(retry=False)
    except OperationalError as error:
        logger.warning("the broker does not answer (%s); events wait for the next beat", error)


outbox.on_emit(ring_worker)
