"""The data path to an S3 server: HTTP/1.1 over kept-alive sockets, with no copy in between.

A body goes from the caller's buffer to the socket and from the socket into the caller's buffer;
what that takes of the sockets is in `s3socket.py`. Redirects are never followed: a store is the
host that was configured, and no other.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from core.errors import Invalid, StoreUnavailable, UploadIncomplete
from movement.stores.protocol import Body
from movement.stores.s3socket import CONNECT_SECONDS as CONNECT_SECONDS
from movement.stores.s3socket import IO_SECONDS as IO_SECONDS
from movement.stores.s3socket import STALLED, Stream
from movement.stores.sigv4 import Signer, quote_path, quote_query

_IDLE_SECONDS = 15.0
_IDLE_CONNECTIONS = 64
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

    __slots__ = ("_left", "_more_chunks", "_stream", "_url", "headers", "status")

    def __init__(self, stream: Stream, url: str, method: str) -> None:
        """Read the answer's head. Raises OSError, ValueError."""
        self._stream, self._url = stream, url
        self.status, self.headers = _read_head(stream)
        chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        length = self.headers.get("content-length")
        self._left: int | None = 0 if chunked else int(length) if length else None
        self._more_chunks = chunked
        if method == "HEAD" or self.status in (204, 304):
            self._left, self._more_chunks = 0, False

    def readinto(self, buffer: bytearray | memoryview) -> int:
        if self._left == 0 and not self._more_chunks:
            return 0
        view = memoryview(buffer)
        try:
            if self._left == 0:
                self._next_chunk()
            if self._left is not None:
                view = view[: self._left]
            if not len(view):
                return 0
            count = self._stream.readinto(view)
            if self._left is not None:
                if not count:
                    raise ConnectionError("the stream broke off early")
                self._left -= count
        except (OSError, ValueError) as error:
            raise _unavailable("read from", self._url, error) from error
        return count

    def _next_chunk(self) -> None:
        line = self._stream.read_line() or self._stream.read_line()
        self._left = int(line.split(b";")[0], 16)
        if self._left == 0:
            self._more_chunks = False
            while self._stream.read_line():
                pass

    def read(self) -> bytes:
        """Return the rest of the body, which must be small."""
        if self.is_read:
            return b""
        pieces = bytearray()
        buffer = bytearray(min(65_536, self._left or 65_536))
        while count := self.readinto(buffer):
            pieces += memoryview(buffer)[:count]
            if len(pieces) > _ANSWER_BYTES_MAX:
                raise StoreUnavailable(f"{self._url} sent an endless answer.")
        return bytes(pieces)

    @property
    def is_read(self) -> bool:
        return self._left == 0 and not self._more_chunks

    def keeps_open(self) -> bool:
        """Say whether all was read and the server keeps the connection open."""
        return self.is_read and self.headers.get("connection", "").lower() != "close"


def _read_head(stream: Stream) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of the answer that ends a request."""
    while True:
        first, *lines = stream.read_head().decode("latin-1").split("\r\n")
        words = first.split(None, 2)
        if len(words) < 2 or not first.startswith("HTTP/1."):
            raise ConnectionError("it does not speak HTTP")
        if words[1] != "100":
            break
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(words[1]), headers


def _unavailable(doing: str, url: str, error: Exception) -> StoreUnavailable:
    stalled = isinstance(error, STALLED)
    told = f"nothing moved for {IO_SECONDS:.0f} s" if stalled else error
    away = StoreUnavailable(f"Could not {doing} {url}: {told or type(error).__name__}.")
    away.stalled = stalled
    return away


class Wire:
    """Signed requests to one endpoint over a pool of kept-alive connections."""

    def __init__(self, endpoint: Endpoint, signer: Signer) -> None:
        self.endpoint = endpoint
        self.label = endpoint.url
        self._host = endpoint.authority
        self._signer = signer
        self._tls = ssl.create_default_context() if endpoint.tls else None
        self._idle: list[Stream] = []
        """Threads share it: a list's `append` and `pop` are whole in themselves."""
        weakref.finalize(self, _close_all, self._idle)

    def put_back(self, stream: Stream) -> None:
        stream.idle_since = time.monotonic()
        if len(self._idle) < _IDLE_CONNECTIONS:
            self._idle.append(stream)
        else:
            stream.close()

    def take(self) -> Stream:
        while self._idle:
            try:
                stream = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if stream.is_fresh(_IDLE_SECONDS):
                return stream
            stream.close()
        try:
            return Stream(self.endpoint.host, self.endpoint.port, self._tls)
        except (OSError, ValueError) as error:
            told = error or type(error).__name__
            raise StoreUnavailable(f"Could not connect to {self.label}: {told}.") from error

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = _EMPTY,
    ) -> Exchange:
        """Send one request, on entering, and give its answer, whatever its status.

        Raises StoreUnavailable when the server cannot be reached or stalls. When a piece of the
        body cannot be had, the connection is cut, so that the server sees no whole body.
        """
        target, asked = quote_path(path), quote_query(query) if query else ""
        signed = self._signer.sign(method, target, asked, {"host": self._host, **(headers or {})})
        if body.bytes or method in ("PUT", "POST"):
            signed["content-length"] = str(body.bytes)
        lines = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        line = f"{method} {target}{'?' + asked if asked else ''} HTTP/1.1"
        return Exchange(self, method, f"{line}\r\n{lines}\r\n".encode(), body)


class Exchange:
    """One request and its answer; the connection is kept when both went through to the end.

    `send` may be called before the context is entered: the request is on its way then, while the
    caller does something else. Such an exchange is entered or dropped.
    """

    __slots__ = ("_body", "_broken", "_head", "_method", "_response", "_stream", "_wire")
    _response: Response

    def __init__(self, wire: Wire, method: str, head: bytes, body: Body) -> None:
        self._wire, self._method = wire, method
        self._head, self._body = head, body
        self._stream: Stream | None = None
        self._broken: OSError | None = None

    def send(self) -> None:
        """Send the request. What breaks off is raised with the answer, which may come all the same.

        Raises StoreUnavailable without a connection, UploadIncomplete and whatever a piece of the
        body raises.
        """
        stream = self._stream = self._wire.take()
        try:
            sent = stream.send(self._head, self._body)
            if sent != self._body.bytes:
                raise UploadIncomplete(f"A body of {self._body.bytes} bytes came with {sent}.")
        except OSError as error:
            self._broken = error
        except BaseException:
            stream.close()
            raise

    def drop(self) -> None:
        """Give up an exchange that was sent and not entered."""
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> Response:
        """Read the answer's head; it may come before all of the body was taken."""
        if self._stream is None:
            self.send()
        assert self._stream is not None
        url = self._wire.label
        if isinstance(self._broken, STALLED):
            self._stream.hurry()  # who takes nothing for so long is not waited for once more
        try:
            self._response = Response(self._stream, url, self._method)
        except (OSError, ValueError) as error:
            self._stream.close()
            if self._broken is None:
                raise _unavailable("read from", url, error) from error
            raise _unavailable("send to", url, self._broken) from self._broken
        except BaseException:
            self._stream.close()
            raise
        return self._response

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._stream is not None
        if kind is None and self._broken is None and self._response.keeps_open():
            self._wire.put_back(self._stream)
        else:
            self._stream.close()


def _close_all(streams: list[Stream]) -> None:
    for stream in streams:
        stream.close()
