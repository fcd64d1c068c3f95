"""A store that stops taking a body is waited for once; one that goes on slowly, to the end."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from core.errors import StoreRefused, StoreUnavailable
from movement.engine.single import persist
from movement.engine.spans import Lane
from movement.stores import httpwire, s3socket
from movement.stores.protocol import Body, ObjectFacts
from movement.stores.s3 import S3Store
from movement.stores.s3wire import Endpoint
from tests.movement.test_the_wire_to_a_store_speaks_tls import certificate

FACTS = ObjectFacts("0" * 64, "text/plain")
MUCH = Body.of(bytes(64 * 1024 * 1024))
"""More than the two ends of a connection hold."""
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 56\r\n\r\n"
    b"<Error><Code>AccessDenied</Code><Message/></Error>      "
)


STALL = 3


@pytest.fixture(autouse=True)
def _a_few_seconds_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_who_takes_nothing_is_waited_for_once(served: ssl.SSLContext | None) -> None:
    """What fills the two ends takes a part of a second; then nothing moves."""
    with store_that(b"", served) as store:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"Could not send .* nothing moved for"):
            store.put("key", MUCH, FACTS)
        assert time.monotonic() - began < 1.75 * STALL


def test_a_stall_is_not_tried_again_on_the_spot() -> None:
    tries = count()
    lane = Lane(lambda sent: None, lambda: False)
    with store_that(b"", None) as store, pytest.raises(StoreUnavailable):
        persist(lambda: (next(tries), store.put("key", MUCH, FACTS)), lane)
    assert next(tries) == 1


def test_nor_is_a_web_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpwire, "IO_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = httpwire.Web(Endpoint("127.0.0.1", listener.getsockname()[1], False), private=True)
        tries = count()

        def ask() -> None:
            next(tries)
            with web.request("GET", "/file", {}):
                raise AssertionError("it was answered")

        with pytest.raises(StoreUnavailable, match="does not answer"):
            persist(ask, Lane(lambda sent: None, lambda: False))
        assert next(tries) == 1


def test_a_store_that_takes_a_little_at_a_time_is_not_given_up() -> None:
    """All of it takes longer than a stall may, and so does the only piece it is sent in."""
    piece = bytes(1024 * 1024)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

        def serve() -> None:
            with listener.accept()[0] as client:
                while client.recv(len(piece) // 30):
                    time.sleep(0.25)

        thread = threading.Thread(target=serve)
        thread.start()
        stream = s3socket.Stream("127.0.0.1", listener.getsockname()[1], None)
        stream._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        began = time.monotonic()
        try:
            assert stream.send(b"", Body(len(piece), iter([piece]))) == len(piece)
            assert time.monotonic() - began > 1.25 * STALL
        finally:
            stream.close()
            thread.join()


def test_what_it_has_answered_counts(served: ssl.SSLContext | None) -> None:
    with store_that(DENIED, served) as store, pytest.raises(StoreRefused):
        store.put("key", MUCH, FACTS)
