"""One file of a version, as the manifest tells it and as every layer passes it on."""

from __future__ import annotations

from dataclasses import dataclass

from core.digests import Chunk


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a version: where it is below the version, and what its bytes must be."""

    path: str
    bytes: int
    sha256: str
    media_type: str
    rows: int | None = None
    chunks: tuple[Chunk, ...] = ()
