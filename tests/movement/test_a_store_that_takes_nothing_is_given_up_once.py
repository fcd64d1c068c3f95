"""A store that stops taking a body is waited for once, unless it has answered already."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import StoreRefused, StoreUnavailable
from movement.stores import s3socket
from movement.stores.protocol import Body, ObjectFacts
from movement.stores.s3 import S3Store
from tests.movement.test_the_wire_to_a_store_speaks_tls import certificate

FACTS = ObjectFacts("0" * 64, "text/plain")
MUCH = Body.of(bytes(64 * 1024 * 1024))
"""More than the two ends of a connection hold."""
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 56\r\n\r\n"
    b"<Error><Code>AccessDenied</Code><Message/></Error>      "
)


STALL = 4


@pytest.fixture(autouse=True)
def _a_few_seconds_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3socket, "_TIMEOUT", struct.pack("@ll", STALL, 0))
    monkeypatch.setattr(s3socket, "IO_SECONDS", float(STALL))


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext | None:
    """With what a server encrypts, and the store trusts it; None for a plain one."""
    if not request.param:
        return None
    file = certificate(tmp_path / "both.pem")
    trusted = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def store_that(says: bytes, served: ssl.SSLContext | None) -> Iterator[S3Store]:
    """Give a store whose server takes no more of a request than a little, and says this."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            client = served.wrap_socket(plain, server_side=True) if served else plain
            with client:
                client.recv(1024)
                client.sendall(says)
                done.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        scheme, port = "https" if served else "http", listener.getsockname()[1]
        try:
            yield S3Store(f"{scheme}://127.0.0.1:{port}", "bucket", "", "someone", "secret")
        finally:
            done.set()
            thread.join()


def test_who_took_nothing_is_not_waited_for_again(
    served: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the wait for an answer is measured: what a connection holds is sent before the stall."""
    waited = []
    read_head = s3socket.Stream.read_head

    def timed(stream: s3socket.Stream) -> bytes:
        began = time.monotonic()
        try:
            return read_head(stream)
        finally:
            waited.append(time.monotonic() - began)

    monkeypatch.setattr(s3socket.Stream, "read_head", timed)
    with (
        store_that(b"", served) as store,
        pytest.raises(StoreUnavailable, match=r"Could not send .* nothing moved for"),
    ):
        store.put("key", MUCH, FACTS)
    assert len(waited) == 1
    assert waited[0] < STALL / 2


def test_what_it_has_answered_counts(served: ssl.SSLContext | None) -> None:
    with store_that(DENIED, served) as store, pytest.raises(StoreRefused):
        store.put("key", MUCH, FACTS)
