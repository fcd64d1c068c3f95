"""Streaming into a directory: a hidden file that becomes the object in one step."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from core.errors import Conflict, UploadIncomplete
from movement.stores.protocol import Bytes, ObjectFacts, ObjectInfo


class _Folder(Protocol):
    """What the writer needs of its store."""

    def temporary_file(self) -> Path: ...
    def publish(self, temporary: Path, key: str, facts: ObjectFacts) -> ObjectInfo: ...


class DirectoryWriter:
    """Writes straight to disk; holds nothing in memory."""

    def __init__(self, store: _Folder, key: str, media_type: str, total_bytes: int | None) -> None:
        self._store = store
        self._key = key
        self._media_type = media_type
        self._total_bytes = total_bytes
        self._bytes = 0
        self._temporary = store.temporary_file()
        self._file = self._temporary.open("xb", buffering=0)

    def write(self, data: Bytes) -> None:
        if self._file.closed:
            raise Conflict(f"The upload of {self._key!r} is closed.", key=self._key)
        view = memoryview(data)
        self._bytes += len(view)
        if self._total_bytes is not None and self._bytes > self._total_bytes:
            raise UploadIncomplete(
                f"{self._key!r} was announced with {self._total_bytes} bytes; more came.",
                key=self._key,
            )
        while len(view):
            view = view[self._file.write(view) :]

    def commit(self, sha256: str) -> ObjectInfo:
        """As the protocol; UploadIncomplete when fewer bytes came than were announced."""
        if self._file.closed:
            raise Conflict(f"The upload of {self._key!r} is closed.", key=self._key)
        facts = ObjectFacts(sha256, self._media_type)
        if self._total_bytes is not None and self._bytes != self._total_bytes:
            raise UploadIncomplete(
                f"{self._key!r} was announced with {self._total_bytes} bytes, {self._bytes} came.",
                key=self._key,
            )
        self._file.close()
        return self._store.publish(self._temporary, self._key, facts)

    def abort(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()
