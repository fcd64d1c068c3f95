"""Streaming to S3 when the size is not known beforehand."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

import google_crc32c

from core.errors import Conflict, FairmeshError, Invalid, UploadIncomplete
from movement.stores.protocol import (
    PARTS_MAX,
    Body,
    Bytes,
    ObjectFacts,
    ObjectInfo,
    Part,
    part_bytes_for,
)


class _Parts(Protocol):
    """What the writer needs of its store."""

    def put(self, key: str, body: Body, facts: ObjectFacts) -> str: ...
    def stat(self, key: str) -> ObjectInfo | None: ...
    def begin_stream(self, key: str, media_type: str) -> str: ...
    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part: ...
    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None: ...
    def abort_upload(self, key: str, upload_id: str) -> None: ...
    def record_sha256(self, key: str, facts: ObjectFacts, object_bytes: int) -> None: ...


class S3Writer:
    """One part in memory: a body that fits goes as one PUT, a longer one as a multipart upload.

    Parts have 16 MiB, or more when `total_bytes` says that 10,000 of them would not do.
    """

    def __init__(self, store: _Parts, key: str, media_type: str, total_bytes: int | None) -> None:
        self._store = store
        self._key = key
        self._media_type = media_type
        self._total_bytes = total_bytes
        self._part_bytes = part_bytes_for(total_bytes or 0)
        self._buffer = bytearray(min(self._part_bytes, max(1, total_bytes or self._part_bytes)))
        self._filled = 0
        self._bytes = 0
        self._upload_id: str | None = None
        self._parts: list[Part] = []
        self._closed = False

    def write(self, data: Bytes) -> None:
        if self._closed:
            raise Conflict(f"The upload of {self._key!r} is closed.", key=self._key)
        view = memoryview(data)
        self._bytes += len(view)
        if self._total_bytes is not None and self._bytes > self._total_bytes:
            raise UploadIncomplete(
                f"{self._key!r} was announced with {self._total_bytes} bytes; more came.",
                key=self._key,
            )
        while len(view):
            if self._filled == len(self._buffer):
                self._send_part()
            piece = view[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            view = view[len(piece) :]

    def _body(self) -> Body:
        view = memoryview(self._buffer)[: self._filled]
        return Body(self._filled, (view,), google_crc32c.value(bytes(view)))

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._store.begin_stream(self._key, self._media_type)
        number = len(self._parts) + 1
        if number > PARTS_MAX:
            raise Invalid(f"{self._key!r} is too long; announce its size first.", key=self._key)
        part = self._store.put_part(self._key, self._upload_id, number, self._body())
        self._parts.append(part)
        self._filled = 0

    def commit(self, sha256: str) -> ObjectInfo:
        """As the protocol; UploadIncomplete when fewer bytes came than were announced."""
        if self._closed:
            raise Conflict(f"The upload of {self._key!r} is closed.", key=self._key)
        facts = ObjectFacts(sha256, self._media_type)
        if self._total_bytes is not None and self._bytes != self._total_bytes:
            raise UploadIncomplete(
                f"{self._key!r} was announced with {self._total_bytes} bytes, {self._bytes} came.",
                key=self._key,
            )
        if self._upload_id is None:
            etag = self._store.put(self._key, self._body(), facts)
            self._closed = True
            return ObjectInfo(self._key, self._bytes, etag, sha256, datetime.now(UTC))
        if self._filled:
            self._send_part()
        self._store.complete_upload(self._key, self._upload_id, self._parts)
        self._closed = True
        self._store.record_sha256(self._key, facts, self._bytes)
        info = self._store.stat(self._key)
        if info is None:
            raise Conflict(f"{self._key!r} was removed while it was written.", key=self._key)
        return info

    def abort(self) -> None:
        if not self._closed and self._upload_id is not None:
            self._store.abort_upload(self._key, self._upload_id)
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(*((FairmeshError,) if error else ())):
            self.abort()
