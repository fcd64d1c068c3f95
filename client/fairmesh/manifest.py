"""Reads manifests: Parquet shards under a Merkle root, from docs/reference/manifest.md alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fairmesh.errors import VerificationFailed
from fairmesh.names import safe_path

SHARD_FILES = 4096
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COLUMNS = ["path", "bytes", "sha256", "rows"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a version: where it lies below it, its size in bytes and its sha256 in hex."""

    path: str
    bytes: int
    sha256: str
    rows: int | None


def shard_digests(header: Mapping[str, Any]) -> list[str]:
    """Return the digests of a header's shards when they hash to the header's root."""
    manifest = header.get("manifest")
    digests = manifest.get("shards") if isinstance(manifest, dict) else None
    if (
        not isinstance(manifest, dict)
        or not isinstance(digests, list)
        or not all(isinstance(d, str) and _DIGEST.fullmatch(d) for d in digests)
    ):
        raise VerificationFailed("The header does not say which manifest it seals.")
    if (root := merkle_root(digests)) != manifest.get("root"):
        raise VerificationFailed(
            f"The shards hash to the root {root}, the header seals {manifest.get('root')}."
        )
    return digests


def entries_of(header: Mapping[str, Any], shards: Mapping[str, bytes]) -> list[Entry]:
    """Return every file of a sealed header, in path order.

    `shards` holds the bytes of each shard by digest. Raises VerificationFailed when a shard is
    missing or is not what its digest says, or when the files do not add up to the header.
    """
    entries: list[Entry] = []
    for digest in shard_digests(header):
        if digest not in shards:
            raise VerificationFailed(f"The manifest shard {digest} is missing.")
        entries.extend(_read(shards[digest], digest))
    paths = [entry.path.encode() for entry in entries]
    if any(first >= second for first, second in pairwise(paths)):
        raise VerificationFailed("The manifest is not sorted by path, or a path stands twice.")
    counted = [entry.rows for entry in entries if entry.rows is not None]
    found = {
        "files": len(entries),
        "bytes": sum(entry.bytes for entry in entries),
        "rows": sum(counted) if len(counted) == len(entries) else None,
    }
    for key, value in found.items():
        if header["manifest"].get(key) != value:
            raise VerificationFailed(
                f"The manifest holds {value} {key}, the header seals {header['manifest'].get(key)}."
            )
    return entries


def _read(data: bytes, digest: str) -> list[Entry]:
    found = "sha256:" + hashlib.sha256(data).hexdigest()
    if found != digest:
        raise VerificationFailed(f"A manifest shard hashes to {found}, its address is {digest}.")
    try:
        # Threads of Arrow let go of what they read when they like: of an object of Python while the
        # interpreter ends, and the command is aborted. So they are given memory of Arrow's own.
        memory = pa.BufferOutputStream()
        memory.write(data)
        with pq.ParquetFile(pa.BufferReader(memory.getvalue())) as file:
            table = file.read(columns=_COLUMNS, use_threads=False).select(_COLUMNS)
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise VerificationFailed(f"The manifest shard {digest} is not readable.") from error
    if table.num_rows > SHARD_FILES:
        raise VerificationFailed(f"The manifest shard {digest} has more than {SHARD_FILES} files.")
    rows = table.to_pylist()
    return [Entry(safe_path(r["path"]), r["bytes"], r["sha256"], r["rows"]) for r in rows]


def merkle_root(digests: Sequence[str]) -> str:
    """Return the RFC 6962 tree hash over the raw digests. Source: RFC 6962 section 2.1."""
    return "sha256:" + _tree([bytes.fromhex(d.removeprefix("sha256:")) for d in digests]).hex()


def _tree(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + _tree(leaves[:split]) + _tree(leaves[split:])).digest()
