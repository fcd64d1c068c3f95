"""The reading half of the protocol, run on every kind of store, those that are read only too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import Invalid, ObjectMissing
from movement.stores.directory import DirectoryStore
from movement.stores.http import HttpStore
from movement.stores.protocol import Store
from tests.servers import S3Server
from tests.webserver import web_server

pytestmark = pytest.mark.servers
Filled = Callable[[dict[str, bytes]], Store]
KEYS = [
    "plain.txt",
    "with space/and+plus/100%25.csv",
    "日本語/файл/ملف.parquet",
    "emoji-🐟/é.txt",
    "q?uery&x=1#frag",
    "~tilde/v=3/(paren)'quote'.json",
]


@pytest.fixture(params=["directory", "s3", "http"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    """Gives a store that holds just the given objects."""
    if request.param == "http":
        with web_server(tmp_path) as web:

            def served(objects: dict[str, bytes]) -> Store:
                for key, data in objects.items():
                    web.put(key, data)
                web.write_index()
                return HttpStore(web.url, private=True)

            yield served
        return

    def written(objects: dict[str, bytes]) -> Store:
        store: Store
        if request.param == "directory":
            store = DirectoryStore(tmp_path / "store")
            store.ensure_ready()
        else:
            server: S3Server = request.getfixturevalue("s3")
            store = server.store(prefix="pre fix/é")
        for key, data in objects.items():
            digest = hashlib.sha256(data).hexdigest()
            store.write(key, data, sha256=digest, media_type="text/plain")
        return store

    yield written


def test_what_is_there_is_listed_and_read(filled: Filled) -> None:
    objects = {key: key.encode() * 3 for key in KEYS} | {"empty": b""}
    store = filled(objects)
    assert [info.key for info in store.list()] == sorted(objects, key=str.encode)
    assert {info.key: info.bytes for info in store.list()} == {
        k: len(v) for k, v in objects.items()
    }
    assert [info.key for info in store.list("~til")] == [KEYS[-1]]
    assert [each.key for each in store.generations("emoji-🐟/")] == ["emoji-🐟/é.txt"]
    for key, data in objects.items():
        info = store.stat(key)
        assert info is not None
        assert (info.key, info.bytes, info.modified.tzinfo is not None) == (key, len(data), True)
        assert store.read(key) == data


def test_a_range_is_that_range_and_past_the_end_is_nothing(filled: Filled) -> None:
    store = filled({"digits": b"0123456789"})
    for offset, length in [(0, None), (3, None), (2, 4), (8, 100), (10, 5), (50, 1), (4, 0)]:
        end = None if length is None else offset + length
        with store.open("digits", offset, length) as reader:
            assert reader.object_bytes == 10
            buffer, found = bytearray(3), b""
            while count := reader.readinto(buffer):
                found += buffer[:count]
        assert found == b"0123456789"[offset:end]


def test_what_is_not_there_is_missing(filled: Filled) -> None:
    store = filled({"folder/file": b"x"})
    for key in ("nothing", "folder", "folder/file/below"):
        assert store.stat(key) is None
        with pytest.raises(ObjectMissing):
            store.read(key)
        for length in (None, 0, 1):
            with pytest.raises(ObjectMissing), store.open(key, 0, length):
                pass


def test_a_key_that_climbs_or_confuses_is_refused(filled: Filled) -> None:
    store = filled({})

    def attempts(key: str) -> list[Callable[[], object]]:
        return [
            lambda: store.stat(key),
            lambda: store.read(key),
            lambda: store.delete(key),
            lambda: store.presign_get(key, 60),
            lambda: store.writer(key, media_type="text/plain"),
        ]

    for key in ("../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "", "a/", "a\nb", "\ud800"):
        for attempt in attempts(key):
            with pytest.raises(Invalid):
                attempt()


def test_a_probe_tells_what_works(filled: Filled) -> None:
    store = filled({})
    found = store.probe()
    assert (found.reachable, found.ready, found.problem) == (True, True, None)
    assert store.probe(found) == found
    assert [info.key for info in store.list()] == []
    assert list(store.uploads()) == []
