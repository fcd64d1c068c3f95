"""What an S3 server answered, and how an object is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from core.errors import StoreUnavailable
from movement.stores.protocol import Body, ObjectInfo
from movement.stores.s3wire import Response

SHA256_HEADER = "x-amz-meta-sha256"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer to a small request."""

    status: int
    headers: Mapping[str, str]
    document: bytes


class Ask(Protocol):
    """Sends one request to the bucket (no key) or to an object of the store."""

    def __call__(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer: ...


class ObjectReader:
    def __init__(self, response: Response) -> None:
        self._response = response
        self.object_bytes = _object_bytes(response)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        return self._response.readinto(buffer)


class NothingLeft:
    """A range past the end of an object."""

    def __init__(self, object_bytes: int) -> None:
        self.object_bytes = object_bytes

    def readinto(self, buffer: bytearray | memoryview) -> int:
        del buffer
        return 0


def info_of(key: str, answer: Answer) -> ObjectInfo:
    """Return what the answer to a HEAD tells of an object."""
    return ObjectInfo(
        key=key,
        bytes=int(answer.headers.get("content-length", "0")),
        etag=answer.headers.get("etag", "").strip('"'),
        sha256=answer.headers.get(SHA256_HEADER),
        modified=http_time(answer.headers.get("last-modified", "")),
    )


def _object_bytes(response: Response) -> int:
    ranged = response.headers.get("content-range", "").rpartition("/")[2]
    size = ranged or response.headers.get("content-length", "")
    if not size.isdigit():
        raise StoreUnavailable("A store did not tell the size of an object.")
    return int(size)


def http_time(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
