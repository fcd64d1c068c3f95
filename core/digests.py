"""Digests of bytes, taken while the bytes stream past, so that nothing is read twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType

import google_crc32c

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

CHUNK_BYTES = 16 * 1024 * 1024
"""The integrity unit: what is hashed in parallel, copied as a part and repaired as a range."""


def sha256_digest(data: bytes | bytearray | memoryview) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Chunk:
    """Digests of one 16 MiB piece of a file (the last piece may be shorter)."""

    sha256: str
    """64 hexadecimal digits."""
    crc32c: int
    """Unsigned 32 bits, Castagnoli, as `x-amz-checksum-crc32c` carries it."""


class FileHasher:
    """Hashes a stream once into a whole-file sha256 and the digests of its 16 MiB chunks.

    Feed it pieces of any size; the result depends on the bytes alone, never on how they came.
    An empty file has no chunks.
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._chunks: list[Chunk] = []
        self._start_chunk()
        self.bytes = 0

    def _start_chunk(self) -> None:
        self._chunk_sha = hashlib.sha256()
        self._chunk_crc = 0
        self._chunk_bytes = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self.bytes += len(view)
        while len(view):
            piece = view[: CHUNK_BYTES - self._chunk_bytes]
            self._chunk_sha.update(piece)
            if self._chunks:
                self._whole.update(piece)
            self._chunk_crc = google_crc32c.extend(self._chunk_crc, bytes(piece))
            self._chunk_bytes += len(piece)
            view = view[len(piece) :]
            if self._chunk_bytes == CHUNK_BYTES:
                self._close_chunk()

    def _close_chunk(self) -> None:
        if not self._chunks:  # so far the whole is its first chunk, which need not be hashed twice
            self._whole = self._chunk_sha.copy()
        self._chunks.append(Chunk(self._chunk_sha.hexdigest(), self._chunk_crc))
        self._start_chunk()

    def finish(self) -> tuple[str, tuple[Chunk, ...]]:
        """Return the whole file's sha256 (hexadecimal) and its chunks; call it once."""
        if self._chunk_bytes:
            self._close_chunk()
        return self._whole.hexdigest(), tuple(self._chunks)


def hash_stream(pieces: Iterable[bytes]) -> tuple[int, str, tuple[Chunk, ...]]:
    """Return (bytes, sha256 hex, chunks) of a stream in one pass and constant memory."""
    hasher = FileHasher()
    for piece in pieces:
        hasher.update(piece)
    sha256, chunks = hasher.finish()
    return hasher.bytes, sha256, chunks
