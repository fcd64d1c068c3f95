"""Where bytes are read from and written to: the seam that stores implement.

`LocalFile` and `LocalFolder` are the implementations for one machine.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from core.errors import ObjectMissing
from core.positions import PositionedFile

READ_BYTES = 2 * 1024 * 1024


class ByteSource(Protocol):
    """Readable bytes of a known size that do not change while they are read.

    Every method raises a FairmeshError when the bytes cannot be had.
    """

    @property
    def size(self) -> int: ...

    def read_range(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer only where the source ends."""
        ...

    def open(self) -> BinaryIO:
        """Return a new stream over all bytes; the caller closes it."""
        ...


class ByteSink(Protocol):
    """A place for objects by key."""

    def create(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Give a stream; the object appears whole when the block ends well, and else not at all.

        An object of the same key is replaced.
        """
        ...

    def source(self, key: str) -> ByteSource:
        """Return the object `key`; raises ObjectMissing."""
        ...

    def has(self, key: str) -> bool: ...


OpenInput = Callable[[str], ByteSource]
"""Answers an input file by its path below the version."""
Openers = Callable[[int], OpenInput]
"""Answers what opens the files of an input, by the input's number."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """All that a shard may touch: its inputs, a scratch place of the run, and the output."""

    open_input: OpenInput
    scratch: ByteSink
    output: ByteSink
    further: tuple[OpenInput, ...] = ()
    """What opens the files of the inputs behind the first."""

    def opener(self, number: int) -> OpenInput:
        """Return what opens the files of an input."""
        return (self.open_input, *self.further)[number]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read_range(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder as a sink; an object under way lies beside its place and ends in `.part`."""

    root: Path

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(target.name + ".part")
        try:
            with unfinished.open("wb") as stream:
                yield stream
            os.replace(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)

    def source(self, key: str) -> ByteSource:
        if not self.has(key):
            raise ObjectMissing(f"There is no object {key!r}.", key=key)
        return LocalFile(self.root / key)

    def has(self, key: str) -> bool:
        return (self.root / key).exists()


class RangedFile(PositionedFile):
    """A source as a seekable read-only file, for the Parquet and Arrow IPC readers."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__(source.size)
        self._source = source

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._at if size < 0 else size
        data = self._source.read_range(self._at, wanted) if wanted > 0 else b""
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        return self.read()


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Bytes that are there already."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_range(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class MemoryFolder:
    """A sink for what a few rows need, gone with the process."""

    objects: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        stream = io.BytesIO()
        yield stream
        self.objects[key] = stream.getvalue()

    def source(self, key: str) -> ByteSource:
        if not self.has(key):
            raise ObjectMissing(f"There is no object {key!r}.", key=key)
        return MemorySource(self.objects[key])

    def has(self, key: str) -> bool:
        return key in self.objects
