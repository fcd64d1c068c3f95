"""Reading JSON of unknown shape: each function returns a checked value or raises OddEvent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

# Bytes of UTF-8: an index entry of PostgreSQL ends at about 2,700.
MAX_NAMESPACE = 300
MAX_NAME = 1000
MAX_PART = 300
MAX_TEXT = 2000

_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_UNFIT_IN_PROSE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_FRACTION = re.compile(r"\.(\d{6})\d+")


class OddEvent(ValueError):
    """A part of an event is not what the specification says; the message says where."""


def as_object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise OddEvent(f"{where} must be an object.")
    return value


def as_list(value: object, where: str) -> list[object]:
    """Return a list; a missing or null one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise OddEvent(f"{where} must be a list.")
    return value


def as_name(value: object, where: str, longest: int) -> str:
    """Return a non-empty text without control characters, at most `longest` bytes."""
    if not isinstance(value, str) or not value:
        raise OddEvent(f"{where} must be a text that is not empty.")
    if _UNFIT.search(value):
        raise OddEvent(f"{where} holds control characters or broken Unicode.")
    if (size := len(value.encode())) > longest:
        raise OddEvent(f"{where} has {size} bytes; at most {longest} are kept.")
    return value


def as_prose(value: object) -> str:
    """Return text for people, cut and cleaned to what every database can hold; else empty."""
    return _UNFIT_IN_PROSE.sub("", value)[:MAX_TEXT] if isinstance(value, str) else ""


def as_time(value: object, where: str) -> datetime:
    """Return the moment in UTC. Nanoseconds are cut; a time without a zone is taken as UTC."""
    if not isinstance(value, str):
        raise OddEvent(f"{where} must be an ISO 8601 time.")
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r".\1", value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OddEvent(f"{where} is not an ISO 8601 time.") from error
