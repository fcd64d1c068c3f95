"""Builders: versions sealed by core, laid out on disk as the client keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fairmesh.seal import Anchor

from core import manifest
from core.canonical import canonical_json
from core.digests import hash_stream, sha256_digest
from core.manifest import FileEntry
from core.seal import HEADER_TYPE, Envelope, Signer, delegate, sign

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILES = {
    "train/a.jsonl": b'{"text": "one"}\n' * 40,
    "train/b.jsonl": b'{"text": "two"}\n' * 7,
    "läsmich.txt": "grüße\n".encode(),
    "empty": b"",
}


@dataclass
class Sealed:
    """A version that core sealed: what a server would answer, and what lies on a disk."""

    name: str
    files: Mapping[str, bytes]
    anchor_signer: Signer
    domain_signer: Signer
    envelope: Envelope
    delegations: list[Envelope]
    built: manifest.Manifest
    header: dict[str, Any]
    digest: str = field(default="")

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.anchor_signer.public)

    def lay_out(self, directory: Path) -> Path:
        """Write the version below `directory` as a fetched one; return the folder."""
        kept = directory / ".fairmesh"
        (kept / "manifest").mkdir(parents=True)
        compact = {"separators": (",", ":"), "ensure_ascii": False}
        (kept / "seal.json").write_text(json.dumps(self.envelope, **compact))
        (kept / "delegations.json").write_text(json.dumps(self.delegations, **compact))
        for shard in self.built.shards:
            (kept / "manifest" / f"{shard.digest[7:]}.parquet").write_bytes(shard.data)
        for path, data in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return directory


def seal_version(
    files: Mapping[str, bytes] = FILES,
    name: str = "/acme/nlp/~/wiki/v=3",
    prefix: str = "/acme",
    published: datetime = NOW,
    changes: Mapping[str, Any] | None = None,
) -> Sealed:
    """Seal a version as the platform does; `changes` are made to the header before it is signed."""
    anchor, domain = Signer.generate(), Signer.generate()
    entries = []
    for path, data in files.items():
        size, sha256, chunks = hash_stream([data])
        entries.append(FileEntry(path, size, sha256, "application/octet-stream", None, chunks))
    built = manifest.build(entries)
    header = {
        "type": "fairmesh.version",
        "name": name,
        "previous": None,
        "manifest": {
            "root": built.root,
            "shards": [shard.digest for shard in built.shards],
            "files": built.files,
            "bytes": built.bytes,
            "rows": built.rows,
        },
        "schema_digest": None,
        "labels": ["pii:email"],
        "inputs": [{"name": "/acme/nlp/~/raw/v=1", "digest": "sha256:" + "0" * 64}],
        "license": "CC-BY-4.0",
        "published": published.isoformat(),
        "publisher": "ana",
        **(changes or {}),
    }
    statement = delegate(
        anchor,
        domain.public,
        prefix,
        issued=NOW - timedelta(days=1),
        expires=NOW + timedelta(days=1),
    )
    return Sealed(
        name=name,
        files=files,
        anchor_signer=anchor,
        domain_signer=domain,
        envelope=sign(domain, HEADER_TYPE, header),
        delegations=[statement],
        built=built,
        header=header,
        digest=sha256_digest(canonical_json(header)),
    )


@pytest.fixture
def sealed() -> Sealed:
    return seal_version()


@pytest.fixture
def seal() -> Callable[..., Sealed]:
    return seal_version
