"""The stretches of a file that travel as one, and the bytes of each, proved while they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from core.digests import CHUNK_BYTES
from core.errors import IntegrityBroken
from core.files import FileEntry
from movement.engine.pace import Pace
from movement.stores.crc32c import join_crc32c
from movement.stores.protocol import Reader, part_bytes_for

BUFFER_BYTES = 2 * 1024 * 1024
"""What a thread reads, hashes and sends at once: every call gives the interpreter up and back."""


class Sha256(Protocol):
    def hexdigest(self) -> str: ...


class CopyStopped(Exception):
    """The caller asked to stop; what was stored so far is kept for the next time."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes of a file, and the digests that prove it."""

    number: int
    """From 1, as S3 numbers parts."""
    offset: int
    bytes: int
    sha256s: tuple[str, ...]
    """One for each 16 MiB, in order."""
    crc32c: int | None


@dataclass(slots=True)
class Lane:
    """What one thread owns: its buffer, where it reports bytes, whom it asks to stop or to wait."""

    on_bytes: Callable[[int], None]
    should_stop: Callable[[], bool]
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(BUFFER_BYTES)))
    pace: Pace | None = None

    def stop_if_asked(self) -> None:
        if self.should_stop():
            raise CopyStopped

    def wait_for(self, count: int) -> None:
        """Wait until so many bytes may pass. Raises CopyStopped."""
        self.stop_if_asked()
        if self.pace is not None:
            self.pace.take(count, self.stop_if_asked)

    def piece(self, left: int) -> memoryview:
        """Return the part of the buffer that the next piece fills, when its bytes may pass."""
        size = min(left, len(self.buffer))
        if self.pace is not None:
            size = self.pace.piece_bytes(size)
        self.wait_for(size)
        return self.buffer[:size]


def whole_span(entry: FileEntry) -> Span:
    """Return a file of at most one chunk as one span. Raises IntegrityBroken (see `check`)."""
    check_entry(entry)
    crc32c = entry.chunks[0].crc32c if entry.chunks else None
    return Span(1, 0, entry.bytes, (entry.sha256,), crc32c)


def part_span(entry: FileEntry, number: int) -> Span:
    """Return part `number` of a file whose manifest entry has chunks."""
    part_bytes = part_bytes_for(entry.bytes)
    offset = (number - 1) * part_bytes
    size = min(part_bytes, entry.bytes - offset)
    first = offset // CHUNK_BYTES
    chunks = entry.chunks[first : first + -(-size // CHUNK_BYTES)]
    crc32c, left = 0, size
    for chunk in chunks:
        length = min(CHUNK_BYTES, left)
        crc32c = join_crc32c(crc32c, chunk.crc32c, length) if left != size else chunk.crc32c
        left -= length
    return Span(number, offset, size, tuple(chunk.sha256 for chunk in chunks), crc32c)


def part_count(entry: FileEntry) -> int:
    return -(-entry.bytes // part_bytes_for(entry.bytes))


def check_entry(entry: FileEntry) -> None:
    """Raise IntegrityBroken when the chunks of a manifest entry do not fit the entry itself."""
    fits = len(entry.chunks) == -(-entry.bytes // CHUNK_BYTES) or not entry.chunks
    if len(entry.chunks) == 1 and entry.chunks[0].sha256 != entry.sha256:
        fits = False
    if not fits:
        raise IntegrityBroken(
            f"The manifest contradicts itself: {entry.path!r} has {entry.bytes} bytes and "
            f"{len(entry.chunks)} chunk digests that do not go with it.",
            path=entry.path,
        )


def check_size(reader: Reader, entry: FileEntry) -> None:
    if reader.object_bytes != entry.bytes:
        raise IntegrityBroken(
            f"the source has {reader.object_bytes} bytes, the manifest says {entry.bytes}.",
            path=entry.path,
        )


def check_sha256(digest: Sha256, expected: str, offset: int) -> None:
    if (found := digest.hexdigest()) != expected:
        raise IntegrityBroken(
            f"the source's bytes from {offset} hash to {found}, the manifest says {expected}.",
            offset=offset,
            expected=expected,
            found=found,
        )


def fill(reader: Reader, view: memoryview) -> None:
    """Fill all of `view`. Raises IntegrityBroken when the source ends before."""
    while len(view):
        count = reader.readinto(view)
        if not count:
            raise IntegrityBroken("the source ended before the size the manifest says.")
        view = view[count:]


def proved_pieces(reader: Reader, span: Span, lane: Lane) -> Iterator[memoryview]:
    """Yield the bytes of a span in the lane's one buffer.

    The last piece of each 16 MiB is held back until the digest is proved, so that whoever stores
    the pieces has never had all of a chunk that is wrong. Raises IntegrityBroken, CopyStopped.
    """
    left = span.bytes
    for index, expected in enumerate(span.sha256s):
        digest = hashlib.sha256()
        chunk_left = min(CHUNK_BYTES, left)
        left -= chunk_left
        while chunk_left:
            view = lane.piece(chunk_left)
            fill(reader, view)
            digest.update(view)
            chunk_left -= len(view)
            if not chunk_left:
                check_sha256(digest, expected, span.offset + index * CHUNK_BYTES)
            yield view
            lane.on_bytes(len(view))
