"""Objects of a store as the sources and sinks of the engine."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from core.digests import CHUNK_BYTES
from core.errors import (
    FairmeshError,
    IntegrityBroken,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
)
from core.manifest import FileEntry
from movement.engine.inspect import media_type_of
from movement.stores.protocol import Store
from transforms.engine.sources import READ_BYTES, ByteSource

_KEPT_CHUNKS = 3
_ANOTHER_MAY_DO = (StoreUnavailable, StoreRefused, ObjectMissing, IntegrityBroken)
Check = Callable[[], None]
"""Raises when the work was called off; asked before every object is read or finished."""


def unchecked() -> None:
    """Nothing calls this work off."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A place where a file lies."""

    store: Store
    key: str


class StoredFile:
    """A file of a published version, read from the first holder that gives the right bytes.

    With `proved`, whole chunks are fetched and compared with the manifest, so that what a rotten
    replica holds never gets into a result; the cost is up to 16 MiB for the smallest read. Memory:
    three chunks. For one thread.
    """

    def __init__(
        self, holders: Sequence[Holder], entry: FileEntry, *, proved: bool, check: Check = unchecked
    ) -> None:
        self._holders = list(holders)
        self._entry = entry
        self._proved = proved
        self._check = check
        self._chunks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        return self._entry.bytes

    def read_range(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        if not self._proved:
            return self._fetch(offset, end - offset, None)
        first, last = offset // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        pieces = []
        for number in range(first, last + 1):
            start = number * CHUNK_BYTES
            chunk = self._chunk(number)
            pieces.append(chunk[max(0, offset - start) : end - start])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunk(self, number: int) -> bytes:
        if number not in self._chunks:
            start = number * CHUNK_BYTES
            length = min(CHUNK_BYTES, self.size - start)
            self._chunks[number] = self._fetch(start, length, self._entry.chunks[number].sha256)
            while len(self._chunks) > _KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        return self._chunks[number]

    def _fetch(self, offset: int, length: int, sha256: str | None) -> bytes:
        self._check()
        errors: list[FairmeshError] = []
        for holder in self._holders:
            try:
                data = _read(holder.store, holder.key, offset, length)
                if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
                    raise IntegrityBroken(
                        f"{holder.key} at {holder.store.label} does not match its manifest.",
                        path=self._entry.path,
                    )
            except _ANOTHER_MAY_DO as error:
                errors.append(error)
                continue
            self._holders.remove(holder)
            self._holders.insert(0, holder)  # what answered is asked first from now on
            return data
        away = [error for error in errors if isinstance(error, StoreUnavailable)]
        raise (away or errors)[0]

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Stream(self), READ_BYTES))


def _read(store: Store, key: str, offset: int, length: int) -> bytes:
    data, done = bytearray(length), 0
    with store.open(key, offset, length) as reader:
        while done < length and (count := reader.readinto(memoryview(data)[done:])):
            done += count
    if done < length:
        raise IntegrityBroken(f"{key} at {store.label} is shorter than it should be.", key=key)
    return bytes(data)


class _Stream(io.RawIOBase):
    """A source from its beginning to its end."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read_range(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@dataclass(frozen=True, slots=True)
class StoreObject:
    """An object that this run wrote itself."""

    store: Store
    key: str
    size: int
    check: Check

    def read_range(self, offset: int, length: int) -> bytes:
        self.check()
        end = min(offset + length, self.size)
        return _read(self.store, self.key, offset, end - offset) if end > offset else b""

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Stream(self), READ_BYTES))


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """Everything below a key prefix, as a sink. `base` ends with a slash."""

    store: Store
    base: str
    check: Check = unchecked

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        target = self.base + key
        with self.store.writer(target, media_type=media_type_of(key)) as writer:
            stream = _Hashing(writer.write)
            yield cast(BinaryIO, stream)
            self.check()
            writer.commit(stream.sha256.hexdigest())

    def source(self, key: str) -> ByteSource:
        found = self.store.stat(self.base + key)
        if found is None:
            raise ObjectMissing(f"There is no object {self.base + key!r}.", key=key)
        return StoreObject(self.store, found.key, found.bytes, self.check)

    def has(self, key: str) -> bool:
        return self.store.stat(self.base + key) is not None

    def remove(self) -> None:
        """Remove every object below; what is not there is no error."""
        for found in list(self.store.list(self.base)):
            self.store.delete(found.key)


@dataclass(frozen=True, slots=True)
class Parted:
    """A sink whose keys below `apart` go to another one."""

    rest: StoreFolder
    apart: str
    other: StoreFolder

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        with self._of(key).create(key) as stream:
            yield stream

    def source(self, key: str) -> ByteSource:
        return self._of(key).source(key)

    def has(self, key: str) -> bool:
        return self._of(key).has(key)

    def _of(self, key: str) -> StoreFolder:
        return self.other if key.startswith(self.apart) else self.rest


class _Hashing(io.RawIOBase):
    """A write-only stream that hashes what it passes on."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self.sha256 = hashlib.sha256()
        self._write, self._at = write, 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.sha256.update(data)
        self._write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at
