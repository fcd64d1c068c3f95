"""An object is copied inside its store: the bytes do not come to us, and the copy is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from core.errors import DigestMismatch, FairmeshError, Invalid, ObjectMissing
from movement.stores import s3copies
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import ObjectFacts, Store
from tests.servers import S3Server

pytestmark = pytest.mark.servers
KEY, TARGET = "raw/ü +.csv", "acme/nlp/~/wiki/v=1/a&b.csv"


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        directory = DirectoryStore(tmp_path / "store")
        directory.ensure_ready()
        return directory
    server: S3Server = request.getfixturevalue("s3")
    return server.store(prefix="pre fix/é")


def put(store: Store, key: str, data: bytes) -> ObjectFacts:
    facts = ObjectFacts(hashlib.sha256(data).hexdigest(), "text/csv")
    store.write(key, data, sha256=facts.sha256, media_type="text/plain")
    return facts


def test_a_copy_has_the_bytes_and_its_own_facts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = put(store, KEY, b"x,y\n1,2\n")
    put(store, TARGET, b"what was there")
    with monkeypatch.context() as closed:
        closed.setattr(type(store), "open", lambda *_: pytest.fail("the bytes came to us"))
        info = store.copy_within(KEY, TARGET, facts)
    assert (info.key, info.bytes, info.sha256) == (TARGET, 8, facts.sha256)
    assert store.read(TARGET) == store.read(KEY) == b"x,y\n1,2\n"
    store.delete(KEY)
    assert store.read(TARGET) == b"x,y\n1,2\n"


def test_an_empty_object_is_copied(store: Store) -> None:
    assert store.copy_within(KEY, TARGET, put(store, KEY, b"")).bytes == 0


def test_a_copy_does_not_follow_its_source(tmp_path: Path) -> None:
    """A file that was registered where it lay may be changed in place: no link is made."""
    store = DirectoryStore(tmp_path)
    facts = put(store, KEY, b"first")
    store.copy_within(KEY, TARGET, facts)
    with (tmp_path / KEY).open("r+b") as file:
        file.write(b"other")
    assert (store.read(TARGET), store.read(KEY)) == (b"first", b"other")


def test_what_cannot_be_copied_leaves_nothing(store: Store) -> None:
    facts = put(store, KEY, b"x")
    other = ObjectFacts("0" * 64, "text/csv")
    for source, target, wanted, error in (
        ("absent", TARGET, facts, ObjectMissing),
        (KEY, TARGET, other, DigestMismatch),
        (KEY, KEY, facts, Invalid),
        (KEY, "../x", facts, Invalid),
    ):
        with pytest.raises(error):
            store.copy_within(source, target, wanted)
    assert [info.key for info in store.list()] == [KEY]


def test_a_long_object_is_copied_part_by_part(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3copies, "WHOLE_BYTES", 1024)
    monkeypatch.setattr(s3copies, "PART_BYTES", 5 * 1024 * 1024)
    store, data = s3.store(), bytes(range(251)) * 45_000
    facts, asked = put(store, KEY, data), []
    real = store._ask

    def ask(method: str, key: str | None, *rest: Any) -> Any:
        query = (rest and rest[0]) or {}
        asked.append(query.get("partNumber", ""))
        if query.get("partNumber") == "2" and breaks:
            return real(method, key, query, {"x-amz-copy-source": "/nobody/nothing"})
        return real(method, key, *rest)

    monkeypatch.setattr(store, "_ask", ask)
    breaks = True
    with pytest.raises(FairmeshError):
        store.copy_within(KEY, TARGET, facts)
    assert (list(store.uploads()), store.stat(TARGET)) == ([], None)
    breaks = False
    info = store.copy_within(KEY, TARGET, facts)
    assert [number for number in asked if number] == ["1", "2", "1", "2", "3"]
    assert (info.bytes, info.sha256) == (len(data), facts.sha256)
    assert store.read(TARGET) == data
