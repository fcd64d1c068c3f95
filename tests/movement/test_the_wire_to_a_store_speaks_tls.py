"""Bytes go through TLS whole, in both directions, over one kept connection."""

from __future__ import annotations

import ipaddress
import random
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from movement.stores.protocol import Body, ObjectFacts
from movement.stores.s3 import S3Store

DATA = random.Random(3).randbytes(3 * 1024 * 1024 + 17)


class Objects(BaseHTTPRequestHandler):
    """PUT and GET, as far as the wire needs them."""

    protocol_version = "HTTP/1.1"
    kept: ClassVar[dict[str, bytes]] = {}
    connections: ClassVar[set[int]] = set()

    def do_PUT(self) -> None:
        self.connections.add(self.client_address[1])
        self.kept[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(self.kept[self.path])

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"x"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def certificate(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "store")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    file = certificate(tmp_path / "both.pem")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    trusted = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
    with ThreadingHTTPServer(("127.0.0.1", 0), Objects) as server:
        server.daemon_threads = True
        server.socket = served.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield S3Store(f"https://127.0.0.1:{server.server_port}", "bucket", "", "key", "secret")
        server.shutdown()


def test_what_is_put_is_what_is_read(store: S3Store) -> None:
    facts = ObjectFacts("0" * 64, "application/octet-stream")
    Objects.connections.clear()
    pieces = [DATA[start : start + 1_000_000] for start in range(0, len(DATA), 1_000_000)]
    store.put("long", Body(len(DATA), pieces), facts)
    store.put("short", Body(5, (b"short",)), facts)
    assert store.read("long") == DATA
    assert store.read("short") == b"short"
    buffer = bytearray(2 * 1024 * 1024)
    with store.open("long") as reader:
        assert reader.readinto(buffer) == len(buffer), "a read fills what it is given"
    assert bytes(buffer) == DATA[: len(buffer)]
    assert len(Objects.connections) == 1
