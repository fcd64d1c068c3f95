"""Files under way: hashed while they are written, compressed the same however they are fed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import BinaryIO, Protocol

import zstandard

from core.digests import FileHasher
from core.manifest import FileEntry
from transforms.engine.output import Compression
from transforms.engine.sources import ByteSink

_BLOCK_BYTES = 1024 * 1024
GZIP_LEVEL, ZSTD_LEVEL = 6, 3
ENDINGS: dict[Compression, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_MEDIA_TYPES: dict[Compression, str] = {"gzip": "application/gzip", "zstd": "application/zstd"}

SUMMARY_MEDIA_TYPE, VECTORS_MEDIA_TYPE = "application/json", "application/x-usearch"
INDEX_MEDIA_TYPES = frozenset({SUMMARY_MEDIA_TYPE, VECTORS_MEDIA_TYPE})
"""What speaks of the rows of other files, when it holds none itself."""


class _Hashing:
    """A write-only stream that hashes what it passes on."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.hasher = FileHasher()
        self._stream = stream
        self.silent = False

    def write(self, data: bytes | memoryview) -> int:
        if not self.silent:
            self.hasher.update(data)
            self._stream.write(data)
        return len(data)

    def tell(self) -> int:
        return self.hasher.bytes

    def flush(self) -> None:
        if not self.silent:
            self._stream.flush()

    def close(self) -> None:
        """The owner of the stream closes it."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _compressor(compression: Compression) -> _Compressor:
    if compression == "gzip":
        return zlib.compressobj(GZIP_LEVEL, wbits=31)  # a gzip header without name and time
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()


class _Compressing:
    """Compresses in blocks of one size, since a codec may look at how it was fed."""

    def __init__(self, compression: Compression, write: Callable[[bytes], int]) -> None:
        self._codec, self._write = _compressor(compression), write
        self._held = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        self._held += data
        while len(self._held) >= _BLOCK_BYTES:
            self._write(self._codec.compress(bytes(self._held[:_BLOCK_BYTES])))
            del self._held[:_BLOCK_BYTES]

    def end(self) -> None:
        self._write(self._codec.compress(bytes(self._held)))
        self._write(self._codec.flush())


class OutFile:
    """One object under way: it appears whole with `close`, or not at all."""

    def __init__(
        self, sink: ByteSink, key: str, media_type: str, compression: Compression = "none"
    ) -> None:
        self.key = key + ENDINGS[compression]
        self._media_type = _MEDIA_TYPES.get(compression, media_type)
        self._opened = ExitStack()
        self.raw = _Hashing(self._opened.enter_context(sink.create(self.key)))
        packed = compression != "none"
        self._codec = _Compressing(compression, self.raw.write) if packed else None

    def write(self, data: bytes | memoryview) -> None:
        if self._codec is None:
            self.raw.write(data)
        else:
            self._codec.write(data)

    def close(self, rows: int) -> FileEntry:
        """Complete the object; return the manifest entry of the file."""
        if self._codec is not None:
            self._codec.end()
        self._opened.close()
        size = self.raw.hasher.bytes
        sha256, chunks = self.raw.hasher.finish()
        return FileEntry(self.key, size, sha256, self._media_type, rows, chunks)

    def silence(self) -> None:
        """Take no notice of what is still written."""
        self.raw.silent = True

    def abandon(self, error: BaseException) -> None:
        """Let go of the object, so that it never appears; `error` says why."""
        self.silence()
        self._opened.__exit__(type(error), error, error.__traceback__)
