"""The data path to an S3 server: HTTP/1.1 over kept-alive sockets, with no copy in between.

A body goes from the caller's buffer to the socket and from the socket into the caller's buffer.
Redirects are never followed: a store is the host that was configured, and no other.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import Invalid, StoreUnavailable, UploadIncomplete
from movement.stores.protocol import Body
from movement.stores.sigv4 import Signer, quote_path, quote_query

CONNECT_SECONDS = 5.0
IO_SECONDS = 30.0
"""How long one read or one write of a piece may stall."""
_IDLE_SECONDS = 15.0
_IDLE_CONNECTIONS = 64
_HEAD_LINE_BYTES = 16_384
_ANSWER_BYTES_MAX = 16 * 1024 * 1024
_EMPTY = Body(0, ())


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an S3 server listens."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Return the endpoint of `http[s]://host[:port]`; anything more or less is Invalid.

        Link-local addresses are refused: clouds serve credentials there.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Invalid("A store endpoint is not a URL; write https://host[:port].") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("A store endpoint is http:// or https:// and a host.")
        if parts.username is not None or parts.password is not None:
            raise Invalid("A store endpoint holds no credentials; they have their own fields.")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise Invalid("A store endpoint is a scheme, a host and a port, without a path.")
        if not all(c.isascii() and (c.isalnum() or c in "-._:") for c in parts.hostname):
            raise Invalid(f"{parts.hostname!r} is not a host name.")
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(parts.hostname).is_link_local:
                raise Invalid("A store endpoint is not a link-local address.")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), tls)


class Response:
    """An answer whose body is read once, before its connection may carry another request."""

    def __init__(self, connection: _Connection, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._connection = connection
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        length = headers.get("content-length")
        self._left: int | None = 0 if self._chunked else int(length) if length else None
        self._more_chunks = self._chunked
        if not connection.expects_body(status):
            self._left, self._more_chunks = 0, False

    def readinto(self, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer)
        with self._connection.guarded("read from"):
            if self._left == 0 and self._more_chunks:
                self._next_chunk()
            if self._left is not None:
                view = view[: self._left]
            if not len(view):
                return 0
            count = self._connection.stream.readinto(view)
            if self._left is not None:
                if not count:
                    raise ConnectionError("the stream broke off early")
                self._left -= count
        return count

    def _next_chunk(self) -> None:
        line = self._connection.stream.readline(_HEAD_LINE_BYTES)
        if line == b"\r\n":
            line = self._connection.stream.readline(_HEAD_LINE_BYTES)
        self._left = int(line.split(b";")[0], 16)
        if self._left == 0:
            self._more_chunks = False
            while self._connection.stream.readline(_HEAD_LINE_BYTES).strip():
                pass

    def read(self) -> bytes:
        """Return the rest of the body, which must be small."""
        pieces = bytearray()
        buffer = bytearray(65_536)
        while count := self.readinto(buffer):
            pieces += memoryview(buffer)[:count]
            if len(pieces) > _ANSWER_BYTES_MAX:
                raise StoreUnavailable(f"{self._connection.label} sent an endless answer.")
        return bytes(pieces)

    def is_done(self) -> bool:
        """Say whether all was read and the server keeps the connection open."""
        read = self._left == 0 and not self._more_chunks
        return read and self.headers.get("connection", "").lower() != "close"


class _Connection:
    """One socket; used by one thread at a time."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None) -> None:
        self.label = endpoint.url
        self.idle_since = 0.0
        self._method = ""
        with self.guarded("connect to"):
            plain = socket.create_connection((endpoint.host, endpoint.port), CONNECT_SECONDS)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls.wrap_socket(plain, server_hostname=endpoint.host) if tls else plain
            self._socket.settimeout(IO_SECONDS)
            stream = self._socket.makefile("rb", 65_536)
            assert isinstance(stream, io.BufferedReader)
            self.stream = stream

    @contextlib.contextmanager
    def guarded(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise StoreUnavailable(
                f"Could not {doing} {self.label}: {error or type(error).__name__}."
            ) from error

    def expects_body(self, status: int) -> bool:
        return self._method != "HEAD" and status not in (204, 304)

    def is_fresh(self) -> bool:
        """Say whether an idle connection may be used: not too old, nothing to read, not closed."""
        if time.monotonic() - self.idle_since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def exchange(self, method: str, head: bytes, body: Body) -> Response:
        self._method = method
        broken: OSError | None = None
        sent = 0
        try:
            if isinstance(body.pieces, tuple) and body.bytes <= 65_536:
                self._socket.sendall(b"".join((head, *body.pieces)))
                sent = body.bytes
            else:
                self._socket.sendall(head)
                for piece in body.pieces:
                    self._socket.sendall(piece)
                    sent += len(piece)
        except OSError as error:
            broken = error
        if not broken and sent != body.bytes:
            raise UploadIncomplete(f"A body of {body.bytes} bytes came with {sent}.")
        return self._answer(broken)

    def _answer(self, broken: OSError | None) -> Response:
        """Read the answer's head; a server may refuse a body before it has taken all of it."""
        try:
            with self.guarded("read from"):
                status = 100
                while status == 100:
                    status, headers = self._read_head()
                return Response(self, status, headers)
        except StoreUnavailable:
            if broken is None:
                raise
            raise StoreUnavailable(f"Could not send to {self.label}: {broken}.") from broken

    def _read_head(self) -> tuple[int, dict[str, str]]:
        first = self.stream.readline(_HEAD_LINE_BYTES).split(None, 2)
        if len(first) < 2 or not first[0].startswith(b"HTTP/1."):
            raise ConnectionError("it closed the connection or does not speak HTTP")
        headers: dict[str, str] = {}
        while line := self.stream.readline(_HEAD_LINE_BYTES).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return int(first[1]), headers

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        with contextlib.suppress(OSError):
            self._socket.close()


class Wire:
    """Signed requests to one endpoint over a pool of kept-alive connections."""

    def __init__(self, endpoint: Endpoint, signer: Signer) -> None:
        self.endpoint = endpoint
        self.label = endpoint.url
        self._signer = signer
        self._tls = ssl.create_default_context() if endpoint.tls else None
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def _put_back(self, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> _Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return _Connection(self.endpoint, self._tls)
            if connection.is_fresh():
                return connection
            connection.close()

    @contextlib.contextmanager
    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = _EMPTY,
    ) -> Iterator[Response]:
        """Send one request and give its answer, whatever its status.

        Raises StoreUnavailable when the server cannot be reached or stalls. When a piece of the
        body cannot be had, the connection is cut, so that the server sees no whole body.
        """
        target, asked = quote_path(path), quote_query(query or {})
        signed = self._signer.sign(
            method, target, asked, {"host": self.endpoint.authority, **(headers or {})}
        )
        if body.bytes or method in ("PUT", "POST"):
            signed["content-length"] = str(body.bytes)
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        line = f"{method} {target}{'?' + asked if asked else ''} HTTP/1.1"
        connection = self._take()
        try:
            response = connection.exchange(method, f"{line}\r\n{lines}\r\n".encode(), body)
            yield response
        except BaseException:
            connection.close()
            raise
        if response.is_done():
            self._put_back(connection)
        else:
            connection.close()


def _close_all(connections: list[_Connection]) -> None:
    for connection in connections:
        connection.close()
