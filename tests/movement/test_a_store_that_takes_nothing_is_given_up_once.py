"""A store that stops taking a body is waited for once, unless it has answered already."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import StoreRefused, StoreUnavailable
from movement.stores import s3socket
from movement.stores.protocol import Body, ObjectFacts
from movement.stores.s3 import S3Store

FACTS = ObjectFacts("0" * 64, "text/plain")
MUCH = Body.of(bytes(64 * 1024 * 1024))
"""More than the two ends of a connection hold."""
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 56\r\n\r\n"
    b"<Error><Code>AccessDenied</Code><Message/></Error>      "
)


@pytest.fixture(autouse=True)
def _a_second_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3socket, "_TIMEOUT", struct.pack("@ll", 1, 0))


@contextmanager
def store_that(says: bytes) -> Iterator[S3Store]:
    """Give a store whose server takes no more of a request than a little, and says this."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(says)
                done.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield S3Store(f"http://127.0.0.1:{port}", "bucket", "", "someone", "secret")
        finally:
            done.set()
            thread.join()


def test_who_took_nothing_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3socket.Stream, "read_head", _asked_once_more)
    with store_that(b"") as store, pytest.raises(StoreUnavailable, match="nothing moved for"):
        store.put("key", MUCH, FACTS)


def test_what_it_has_answered_counts() -> None:
    with store_that(DENIED) as store, pytest.raises(StoreRefused):
        store.put("key", MUCH, FACTS)


def _asked_once_more(stream: s3socket.Stream) -> bytes:
    raise AssertionError("It was waited for once more.")
