"""The manifest: the table of a version's files, as sorted content-addressed Parquet shards.

The manifest is what the seal signs. Its root is the Merkle root of the digests of its shards, so
two replicas with equal roots need no comparing, and a difference is found by comparing shards.
The format is documented in docs/reference/manifest.md before it is implemented here.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.digests import Chunk, Digest, sha256_digest
from core.errors import IntegrityBroken, Invalid
from core.files import FileEntry as FileEntry

SHARD_FILES = 4096

_FIELDS: list[pa.Field[Any]] = [
    pa.field("path", pa.string(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),
    pa.field("sha256", pa.string(), nullable=False),
    pa.field("media_type", pa.string(), nullable=False),
    pa.field("rows", pa.int64()),
    pa.field(
        "chunks",
        pa.list_(
            pa.struct(
                [
                    pa.field("sha256", pa.string(), nullable=False),
                    pa.field("crc32c", pa.uint32(), nullable=False),
                ]
            )
        ),
        nullable=False,
    ),
]
SCHEMA = pa.schema(_FIELDS)


@dataclass(frozen=True, slots=True)
class Shard:
    """One Parquet piece of a manifest, addressed by the digest of its bytes."""

    digest: Digest
    data: bytes
    files: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest: its root, totals and shards in path order."""

    root: Digest
    shards: tuple[Shard, ...]
    files: int
    bytes: int
    rows: int | None


def build(entries: Iterable[FileEntry]) -> Manifest:
    """Return the manifest of `entries`; the same entries in any order give the same root.

    Raises Invalid when two entries share a path. `rows` is known only when every file's is.
    """
    ordered = sorted(entries, key=lambda entry: entry.path.encode())
    for first, second in itertools.pairwise(ordered):
        if first.path == second.path:
            raise Invalid(f"The path {first.path!r} stands twice in one version.", path=first.path)
    shards = tuple(
        _write_shard(ordered[start : start + SHARD_FILES])
        for start in range(0, len(ordered), SHARD_FILES)
    )
    counted = [entry.rows for entry in ordered if entry.rows is not None]
    return Manifest(
        root=merkle_root([shard.digest for shard in shards]),
        shards=shards,
        files=len(ordered),
        bytes=sum(entry.bytes for entry in ordered),
        rows=sum(counted) if len(counted) == len(ordered) else None,
    )


def _write_shard(entries: Sequence[FileEntry]) -> Shard:
    table = pa.Table.from_pylist(
        [
            {
                "path": entry.path,
                "bytes": entry.bytes,
                "sha256": entry.sha256,
                "media_type": entry.media_type,
                "rows": entry.rows,
                "chunks": [{"sha256": c.sha256, "crc32c": c.crc32c} for c in entry.chunks],
            }
            for entry in entries
        ],
        schema=SCHEMA,
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", version="2.6", write_statistics=True)
    data = sink.getvalue()
    return Shard(digest=sha256_digest(data), data=data, files=len(entries))


def read_shard(data: bytes, expected: Digest) -> Iterator[FileEntry]:
    """Yield the entries of one shard in path order, after its bytes proved to be `expected`."""
    if (found := sha256_digest(data)) != expected:
        raise IntegrityBroken(
            f"A manifest shard hashes to {found}, its address is {expected}.",
            expected=expected,
            found=found,
        )
    # Threads of Arrow let go of what they read when they like: of an object of Python, while the
    # interpreter ends, and the process is aborted. So they are given memory of Arrow's own.
    memory = pa.BufferOutputStream()
    memory.write(data)
    with pq.ParquetFile(pa.BufferReader(memory.getvalue())) as file:
        table = file.read(use_threads=False).select(SCHEMA.names).cast(SCHEMA)
    # column by column: as rows of dictionaries the same entries take four times as long
    for batch in table.to_batches():
        columns = [column.to_pylist() for column in batch.columns[:-1]]
        lists: Any = batch.column("chunks")
        ends = lists.offsets.to_pylist()
        chunks = list(map(Chunk, *(each.to_pylist() for each in lists.values.flatten())))
        pieces = (tuple(chunks[start:end]) for start, end in itertools.pairwise(ends))
        yield from map(FileEntry, *columns, pieces)


def merkle_root(digests: Sequence[Digest]) -> Digest:
    """Return the RFC 6962 tree hash over the shard digests. Source: RFC 6962 section 2.1."""
    return Digest("sha256:" + _tree_hash([bytes.fromhex(d[7:]) for d in digests]).hex())


def _tree_hash(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(
        b"\x01" + _tree_hash(leaves[:split]) + _tree_hash(leaves[split:])
    ).digest()
