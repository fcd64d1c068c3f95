"""HTTP stores: nothing is written, nothing is followed elsewhere, nothing private is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import Invalid, StoreRefused, StoreUnavailable
from movement.stores import guard
from movement.stores.http import HttpStore
from movement.stores.protocol import Body, Generation, ObjectFacts, Store
from tests.webserver import WebServer, web_server

FACTS = ObjectFacts("0" * 64, "text/plain")
WRITES: list[Callable[[Store], object]] = [
    lambda store: store.write("x", b"", sha256="0" * 64, media_type="text/plain"),
    lambda store: store.put("x", Body.of(b""), FACTS),
    lambda store: store.writer("x", media_type="text/plain"),
    lambda store: store.copy_within("x", "y", FACTS),
    lambda store: store.lock("x", None, hold=True),
    lambda store: store.delete("x"),
    lambda store: store.erase(Generation("x", 1, "", mark=False)),
    lambda store: store.begin_upload("x", FACTS, part_bytes=1),
    lambda store: store.put_part("x", "id", 1, Body.of(b"")),
    lambda store: store.complete_upload("x", "id", ()),
]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    with web_server(tmp_path) as web:
        yield web


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_refused_with_its_reason(write: Callable[[Store], object]) -> None:
    with pytest.raises(StoreRefused, match="is read only"):
        write(HttpStore("http://127.0.0.1:9", private=True))


def test_it_says_that_nothing_is_written(web: WebServer) -> None:
    assert not any(HttpStore(web.url, private=True).probe().flags().values())


def test_without_an_index_it_reads_and_does_not_list(web: WebServer) -> None:
    web.put("a.csv", b"x")
    store = HttpStore(web.url, private=True)
    store.ensure_ready()
    assert store.read("a.csv") == b"x"
    with pytest.raises(StoreRefused, match=r"no index\.json"):
        list(store.list())


@pytest.mark.parametrize(
    "index",
    [
        b"[]", b"not json", b'{"files": [{"path": "../x", "bytes": 1}]}',
        b'{"files": [{"path": "x"}]}', b'{"files": [{"path": "x", "bytes": -1}]}',
        b'{"files": [{"path": "x", "bytes": 1}, {"path": "x", "bytes": 2}]}', b'{"files": 3}',
    ],
)  # fmt: skip
def test_a_bad_index_is_told_at_once(web: WebServer, index: bytes) -> None:
    web.put("index.json", index)
    with pytest.raises(StoreRefused, match="is not of the form"):
        HttpStore(web.url, private=True).ensure_ready()


def test_a_redirect_is_not_followed(web: WebServer, tmp_path_factory: Any) -> None:
    with web_server(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        elsewhere.put("a.csv", b"secret")
        web.redirects_to = f"{elsewhere.url}/a.csv"
        store = HttpStore(web.url, private=True)
        for act in (lambda: store.read("a.csv"), lambda: store.stat("a.csv")):
            with pytest.raises(StoreRefused, match="leads elsewhere"):
                act()
        assert elsewhere.asked == []


def test_a_server_without_head_is_asked_for_a_byte(web: WebServer) -> None:
    web.put("a.csv", b"12345")
    web.refuses_head = True
    info = HttpStore(web.url, private=True).stat("a.csv")
    assert (info and info.bytes, web.asked) == (5, [("GET", "bytes=0-0")])


def test_a_server_without_ranges_is_refused_where_one_is_needed(web: WebServer) -> None:
    web.put("a.csv", b"12345")
    web.ignores_ranges = True
    store = HttpStore(web.url, private=True)
    with store.open("a.csv", 0, 2) as reader:
        buffer = bytearray(9)
        assert (reader.readinto(buffer), bytes(buffer[:2])) == (2, b"12")
    with pytest.raises(StoreRefused, match="does not give ranges"), store.open("a.csv", 2, 2):
        pass


def test_a_body_that_breaks_off_is_no_end(web: WebServer) -> None:
    web.put("a.csv", b"1234567890")
    web.cuts_after = 4
    with pytest.raises(StoreUnavailable, match="broke off early"):
        HttpStore(web.url, private=True).read("a.csv")


def test_a_connection_is_used_again(web: WebServer) -> None:
    web.put("a.csv", b"12345")
    store = HttpStore(web.url, private=True)
    for _ in range(3):
        assert (store.read("a.csv"), store.stat("b.csv") is None) == (b"12345", True)
    assert len(web.peers) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1"])
def test_a_private_address_is_refused_unless_it_is_allowed(host: str, web: WebServer) -> None:
    store = HttpStore(f"http://{host}:{web.port}")
    with pytest.raises(StoreRefused, match="FAIRMESH_PRIVATE_HTTP_STORES"):
        store.read("a.csv")
    assert not store.probe().ready
    assert web.asked == []


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True), ("2606:4700::1111", True, True),
        ("127.0.0.1", False, True), ("10.1.2.3", False, True), ("100.64.0.1", False, True),
        ("fd00::1", False, True), ("::1", False, True), ("::ffff:10.0.0.1", False, True),
        ("64:ff9b::a00:1", False, True), ("2002:a00:1::", False, True),
        ("169.254.169.254", False, False), ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False), ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False), ("224.0.0.1", False, False), ("::", False, False),
    ],
)  # fmt: skip
def test_an_address_is_judged_by_where_it_leads(address: str, public: bool, private: bool) -> None:
    assert guard.is_allowed(address, private=False) == public
    assert guard.is_allowed(address, private=True) == private


def test_a_name_that_leads_inside_is_not_connected_to(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its owner points it elsewhere after it was registered."""
    inside = [(2, 1, 6, "", ("127.0.0.1", web.port)), (2, 1, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: inside)
    with pytest.raises(StoreRefused):
        HttpStore(f"http://data.example.org:{web.port}").read("a.csv")
    assert web.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x", "http://", "http://user:pw@host/", "http://host/?x=1", "http://host/#x",
        "http://host/../x", "http://169.254.169.254/", "host/x", "http://ho st/", "http://h/a%0ab",
    ],
)  # fmt: skip
def test_a_base_that_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        HttpStore(url)
