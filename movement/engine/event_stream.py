"""Server-sent events as bytes. Source: HTML Living Standard, section 9.2.6."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "text/event-stream"
BEAT = b": still here\n\n"
"""A comment: it shows either end that the other is there, and is no event."""


def event(kind: str, data: Mapping[str, Any], last: str = "") -> bytes:
    """Return one event; `last` is what the reader sends as Last-Event-ID to go on behind it."""
    told = f"id: {last}\n" if last else ""
    return f"{told}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
