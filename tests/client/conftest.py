"""Builders: versions sealed by core, laid out on disk as the client keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from fairmesh.cli import app
from fairmesh.seal import Anchor
from typer.testing import CliRunner

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
        (kept / "seal.json").write_text(_compact(self.envelope))
        (kept / "delegations.json").write_text(_compact(self.delegations))
        for shard in self.built.shards:
            (kept / "manifest" / f"{shard.digest[7:]}.parquet").write_bytes(shard.data)
        for path, data in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return directory


def _compact(value: object) -> str:
    """Without spaces, so that every byte of the text carries meaning."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


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


@dataclass
class TinyMesh:
    """A real HTTP server that answers what a test tells it to, and notes what it was asked.

    `answers` maps "METHOD /path" to (status, body); a callable gets the request's handler. Bodies
    that are not bytes are sent as JSON.
    """

    url: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def serve(self, sealed: Sealed, version_id: str = "7") -> None:
        """Answer for a sealed version: trust, seal, manifest, and one replica here."""
        public = sealed.anchor_signer.public
        self.answers["GET /.well-known/fairmesh/trust.json"] = (
            200,
            {"mesh": "test", "anchor": {"keyid": sealed.anchor.key_id, "public": public}},
        )
        self.answers[f"GET /api/v1/versions/{version_id}/seal"] = (
            200,
            {"envelope": sealed.envelope, "delegations": sealed.delegations},
        )
        for shard in sealed.built.shards:
            path = f"GET /api/v1/versions/{version_id}/manifest/{shard.digest}"
            self.answers[path] = (200, shard.data)
        for path, data in sealed.files.items():
            self.answers[f"GET /bytes/{quote(path)}"] = (200, data)
        self.answers["GET /api/v1/resolve"] = (
            200,
            {
                "name": sealed.name,
                "version_id": version_id,
                "digest": sealed.digest,
                "replicas": [],
                "results": [
                    {"path": path, "urls": [f"{self.url}/bytes/{quote(path)}"]}
                    for path in sealed.files
                ],
                "next_cursor": None,
            },
        )


class _Answering(BaseHTTPRequestHandler):
    mesh: TinyMesh

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.mesh.asked.append((self.command, self.path, dict(self.headers)))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.mesh.answers.get(f"{self.command} {path}")
        if answer is None:
            answer = (404, {"code": "not_found", "detail": f"nothing at {path}"})
        status, body = answer(self) if callable(answer) else answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        start = 0
        if status == 200 and (wanted := self.headers.get("Range")):
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw) - start))
        self.end_headers()
        self.wfile.write(raw[start:])

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def tiny_mesh() -> Iterator[TinyMesh]:
    mesh = TinyMesh("")
    handler = type("Handler", (_Answering,), {"mesh": mesh})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    mesh.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield mesh
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Result:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that runs the command in this process, with a configuration of its own."""
    monkeypatch.setenv("FAIRMESH_CONFIG", str(tmp_path / "own" / "config.json"))
    for name in ("FAIRMESH_URL", "FAIRMESH_TOKEN", "FAIRMESH_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments: str, stdin: str = "", **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["fairmesh", *arguments])
        found = CliRunner().invoke(app, list(arguments), input=stdin)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Result(found.exit_code, found.stdout, found.stderr)

    return run_command
