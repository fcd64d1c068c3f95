"""Unsigned requests to one web server over kept-alive connections; redirects are not followed."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping

from core.errors import StoreUnavailable
from movement.stores.guard import connect
from movement.stores.s3wire import CONNECT_SECONDS, IO_SECONDS, Endpoint

_IDLE_SECONDS = 15.0
_IDLE_CONNECTIONS = 32


class _Connection(http.client.HTTPConnection):
    """One connection, to an address that was looked at; used by one thread at a time."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None, *, private: bool) -> None:
        super().__init__(endpoint.host, endpoint.port)
        self.default_port = 443 if tls else 80  # what the Host header leaves out
        self._endpoint, self._tls, self._private = endpoint, tls, private
        self.idle_since = 0.0

    def connect(self) -> None:
        host, port = self._endpoint.host, self._endpoint.port
        plain = connect(host, port, CONNECT_SECONDS, private=self._private)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=host) if self._tls else plain
        self.sock.settimeout(IO_SECONDS)

    def is_fresh(self) -> bool:
        """Say whether an idle connection may be used: not too old, nothing to read, not closed."""
        if self.sock is None or time.monotonic() - self.idle_since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class Web:
    """Asks one server. Safe to use from many threads at once."""

    def __init__(self, endpoint: Endpoint, *, private: bool) -> None:
        self._endpoint = endpoint
        self._private = private
        self._tls = ssl.create_default_context() if endpoint.tls else None
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def _take(self) -> _Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return _Connection(self._endpoint, self._tls, private=self._private)
            if connection.is_fresh():
                return connection
            connection.close()

    def _put_back(self, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def request(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request without a body and give its answer, whatever its status.

        Raises StoreUnavailable when the server cannot be reached, stalls or breaks off, and what
        `guard.connect` raises.
        """
        connection = self._take()
        response: http.client.HTTPResponse | None = None
        try:
            with self.guarded():
                connection.request(method, path, headers={"accept-encoding": "identity", **headers})
                response = connection.getresponse()
                if method == "HEAD":
                    response.read()  # nothing; it notices its end
            yield response
        except BaseException:
            connection.close()
            raise
        if response.isclosed() and connection.sock is not None:
            self._put_back(connection)
        else:
            connection.close()

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError) as error:
            told = str(error) or type(error).__name__
            away = StoreUnavailable(f"{self._endpoint.url} does not answer: {told}.")
            away.stalled = isinstance(error, TimeoutError)
            raise away from error


def _close_all(connections: list[_Connection]) -> None:
    for connection in connections:
        connection.close()
