"""A list of several pages ends, with every row once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from fairmesh.transport import Api

PAGES = 3


class _Pages(BaseHTTPRequestHandler):
    """Three pages of one row each; a request without a cursor gets the first."""

    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query).get("cursor", ["1"])[0])
        host = self.headers["Host"]
        last = page == PAGES
        next_page = None if last else f"http://{host}/api/v1/transfers?cursor={page + 1}"
        body = json.dumps({"next": next_page, "previous": None, "results": [{"id": page}]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.timeout(20)
def test_each_page_is_asked_for_once(address: str) -> None:
    api = Api(address)
    rows = []
    for row in api.pages("transfers"):
        rows.append(row["id"])
        assert len(rows) <= PAGES, "the first page came again"
    api.close()
    assert rows == [1, 2, 3]
