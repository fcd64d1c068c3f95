"""A web server that serves a folder as others' servers do: ranges, HEAD, kept-alive connections."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class WebServer:
    """A running server. What it is asked is in `asked`; how it fails is set by its fields."""

    folder: Path
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and Range header."""
    peers: set[int] = field(default_factory=set)
    """The ports that connections came from."""
    redirects_to: str = ""
    ignores_ranges: bool = False
    refuses_head: bool = False
    cuts_after: int | None = None
    """The bytes of a body after which it breaks off."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/data set"

    def put(self, key: str, data: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def write_index(self) -> None:
        """Tell in index.json what is there."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        rows = [
            {"path": path.relative_to(self.folder).as_posix(), "bytes": path.stat().st_size}
            for path in files
            if path.name != "index.json"
        ]
        self.put("index.json", json.dumps({"files": rows}).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: WebServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        if self.web.refuses_head:
            self._answer(405, {}, b"")
        else:
            self.do_GET()

    def do_GET(self) -> None:
        asked = self.headers.get("range", "")
        self.web.asked.append((self.command, asked))
        self.web.peers.add(self.client_address[1])
        if self.web.redirects_to:
            return self._answer(302, {"location": self.web.redirects_to}, b"")
        found = self.web.folder / unquote(self.path).removeprefix("/data set/")
        if not found.is_file():
            return self._answer(404, {}, b"<html>not here</html>")
        data, told = found.read_bytes(), {"etag": f'"{found.stat().st_mtime_ns:x}"'}
        match = _RANGE.fullmatch(asked)
        if match is None or self.web.ignores_ranges:
            return self._answer(200, told, data)
        start, end = int(match[1]), int(match[2] or len(data) - 1)
        if start >= len(data):
            return self._answer(416, {"content-range": f"bytes */{len(data)}"}, b"")
        end = min(end, len(data) - 1)
        told["content-range"] = f"bytes {start}-{end}/{len(data)}"
        return self._answer(206, told, data[start : end + 1])

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.web.cuts_after
        self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = self.close_connection or cut is not None


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """Serve a folder on loopback until the block ends."""
    web = WebServer(folder)
    handler = type("Handler", (_Handler,), {"web": web})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        web.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
