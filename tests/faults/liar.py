"""An S3 server that lies: it stands before a real one, and changes what that one says or gets."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_LISTED = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Request:
    """What the platform asked."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def lists(self) -> bool:
        return self.method == "GET" and "list-type" in self.query

    @property
    def reads(self) -> bool:
        """Is an object read? A listing, of objects, parts or uploads, and a probe are not."""
        return self.method == "GET" and not urlsplit(self.target).query

    @property
    def stores(self) -> bool:
        """Are bytes of an object or of a part stored?"""
        return self.method == "PUT" and bool(self.body)


@dataclass(frozen=True)
class Answer:
    """What the server said. A body that is `cut` ends the connection before its announced end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: int | None = None


Ask = Callable[[Request], Answer]
Lie = Callable[[Request, Ask], Answer]


def honest(request: Request, ask: Ask) -> Answer:
    return ask(request)


def wrong_bytes(request: Request, ask: Ask) -> Answer:
    """Serve each object with its middle byte changed."""
    answer = ask(request)
    if not request.reads or answer.status not in {200, 206} or not answer.body:
        return answer
    middle = len(answer.body) // 2
    flipped = bytes([answer.body[middle] ^ 1])
    return replace(answer, body=answer.body[:middle] + flipped + answer.body[middle + 1 :])


def truncated(request: Request, ask: Ask) -> Answer:
    """Serve half of each object, having announced all of it."""
    answer = ask(request)
    return replace(answer, cut=len(answer.body) // 2) if request.reads else answer


def busy(request: Request, ask: Ask) -> Answer:
    """Answer 503 to whatever moves bytes of objects; probes and listings are well."""
    if not (request.reads or request.stores):
        return ask(request)
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>"
    return Answer(503, (("Content-Type", "application/xml"), ("Retry-After", "1")), body)


def stale_listing(request: Request, ask: Ask) -> Answer:
    """List as if nothing had been written yet."""
    answer = ask(request)
    return replace(answer, body=_LISTED.sub(b"", answer.body)) if request.lists else answer


def forgetful(request: Request, ask: Ask) -> Answer:
    """Say that a body was stored, and store nothing."""
    if not request.stores:
        return ask(request)
    return Answer(200, (("ETag", '"0123456789abcdef0123456789abcdef"'),), b"")


@dataclass
class Liar:
    """A running server that answers as `lie` says; it counts the requests that were lied to."""

    upstream: str
    lie: Lie = honest
    requests: list[Request] = field(default_factory=list)
    endpoint: str = ""

    def answer(self, request: Request) -> Answer:
        self.requests.append(replace(request, body=b""))
        return self.lie(request, self._ask)

    def _ask(self, request: Request) -> Answer:
        parts = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body or None)
            found = connection.getresponse()
            return Answer(found.status, tuple(found.getheaders()), found.read())
        finally:
            connection.close()


@contextmanager
def liar(upstream: str) -> Iterator[Liar]:
    """Run a liar before the server at `upstream`; honest until told otherwise."""
    one = Liar(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            self._send(one.answer(Request(self.command, self.path, self.headers, body)))

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815 - its names

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            announced = str(len(answer.body))
            for name, value in answer.headers:
                if name.lower() == "content-length" and self.command == "HEAD":
                    announced = value
                if name.lower() not in _OF_THE_CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", announced)
            self.end_headers()
            self.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])
            self.close_connection = self.close_connection or answer.cut is not None

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    one.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
