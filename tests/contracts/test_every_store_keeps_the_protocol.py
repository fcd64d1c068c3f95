"""One suite, run on every kind of store."""

from __future__ import annotations

import contextlib
import hashlib
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Conflict, DigestMismatch, Invalid, ObjectMissing, UploadIncomplete
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import PART_BYTES, Body, ObjectFacts, Store, check_key
from tests.servers import S3Server

pytestmark = pytest.mark.servers
TEXT = "text/plain"
KEYS = [
    "plain.txt",
    "a/b/c/deep.bin",
    "with space/and+plus/100%25.csv",
    "日本語/файл/ملف.parquet",
    "emoji-🐟/é.txt",
    "q?uery&x=1#frag",
    "~tilde/v=3/(paren)'quote'.json",
]


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        directory = DirectoryStore(tmp_path / "store")
        directory.ensure_ready()
        return directory
    server: S3Server = request.getfixturevalue("s3")
    return server.store(prefix="pre fix/é")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(store: Store, key: str, data: bytes) -> None:
    store.write(key, data, sha256=sha256(data), media_type=TEXT)


def keys_of(store: Store, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(prefix)]


@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_is_read_back_with_its_facts(store: Store, key: str) -> None:
    data = key.encode() * 3
    put(store, key, data)
    info = store.stat(key)
    assert info is not None
    assert (info.key, info.bytes, info.sha256) == (key, len(data), sha256(data))
    assert info.modified.tzinfo is not None
    assert store.read(key) == data
    assert keys_of(store) == [key]
    store.delete(key)
    assert store.stat(key) is None
    assert keys_of(store) == []
    store.delete(key)


def test_an_empty_object_is_an_object(store: Store) -> None:
    put(store, "empty", b"")
    info = store.stat("empty")
    assert info is not None
    assert (info.bytes, info.sha256) == (0, sha256(b""))
    assert store.read("empty") == b""


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(names=st.sets(st.text("ab-./0é", min_size=1, max_size=5), min_size=1, max_size=8))
def test_a_listing_is_in_the_order_of_the_keys_bytes(store: Store, names: set[str]) -> None:
    wanted = set()
    for name in names:
        key = f"list/{name}"
        try:
            check_key(key)
            put(store, key, b"x")
        except (Invalid, Conflict):
            continue  # not a key, or an object and a folder of one name, which no disk can hold
        wanted.add(key)
    try:
        assert keys_of(store, "list/") == sorted(wanted, key=str.encode)
        assert keys_of(store, "list/a") == sorted(
            (key for key in wanted if key.startswith("list/a")), key=str.encode
        )
    finally:
        for key in wanted:
            store.delete(key)


def test_nothing_is_written_under_a_key_that_climbs_or_confuses(store: Store) -> None:
    for key in ("../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "", "a/", "a\nb", "\ud800"):
        with pytest.raises(Invalid):
            put(store, key, b"x")


def test_a_media_type_cannot_smuggle_a_header(store: Store) -> None:
    with pytest.raises(Invalid):
        store.write("x", b"x", sha256=sha256(b"x"), media_type="text/plain\r\nx-amz-acl: public")


def test_bytes_that_are_not_their_digest_are_refused(store: Store) -> None:
    with pytest.raises(DigestMismatch):
        store.write("x", b"bytes", sha256=sha256(b"others"), media_type=TEXT)
    assert store.stat("x") is None


def test_the_store_itself_refuses_bytes_that_are_not_their_checksum(store: Store) -> None:
    wrong = google_crc32c.value(b"right")
    facts = ObjectFacts(sha256(b"right"), TEXT)
    with pytest.raises(DigestMismatch):
        store.put("x", Body(5, (b"wrong",), wrong), facts)
    assert store.stat("x") is None
    upload_id = store.begin_upload("y", facts, part_bytes=PART_BYTES)
    with pytest.raises(DigestMismatch):
        store.put_part("y", upload_id, 1, Body(5, (b"wrong",), wrong))
    assert store.parts("y", upload_id) == ()
    store.abort_upload("y", upload_id)


def test_a_put_if_absent_leaves_what_is_there(store: Store) -> None:
    put(store, "x", b"first")
    with pytest.raises(Conflict):
        store.put("x", Body.of(b"second"), ObjectFacts(sha256(b"second"), TEXT), if_absent=True)
    info = store.stat("x")
    assert store.read("x") == b"first"
    assert info is not None
    assert info.sha256 == sha256(b"first")
    put(store, "x", b"third")
    assert store.read("x") == b"third"


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1])
@pytest.mark.parametrize("announced", [True, False])
def test_a_writer_shows_nothing_before_it_commits(store: Store, size: int, announced: bool) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    with store.writer("w/x", media_type=TEXT, total_bytes=size if announced else None) as writer:
        for start in range(0, size, 3_000_001):
            writer.write(data[start : start + 3_000_001])
        assert store.stat("w/x") is None
        assert keys_of(store) == []
        info = writer.commit(sha256(data))
    assert (info.bytes, info.sha256) == (size, sha256(data))
    found = store.stat("w/x")
    assert found is not None
    assert (found.bytes, found.sha256) == (size, sha256(data))
    assert store.read("w/x") == data
    assert list(store.uploads()) == []


@pytest.mark.parametrize("size", [10, PART_BYTES + 10])
def test_a_writer_that_fails_leaves_nothing(store: Store, size: int) -> None:
    with contextlib.suppress(RuntimeError), store.writer("w", media_type=TEXT) as writer:
        writer.write(b"x" * size)
        raise RuntimeError("the client went away")
    assert store.stat("w") is None
    assert list(store.uploads()) == []
    assert keys_of(store) == []


def test_a_writer_holds_its_caller_to_the_announced_size(store: Store) -> None:
    with store.writer("w", media_type=TEXT, total_bytes=5) as writer:
        writer.write(b"1234")
        with pytest.raises(UploadIncomplete):
            writer.commit(sha256(b"1234"))
    with pytest.raises(UploadIncomplete), store.writer("w", media_type=TEXT, total_bytes=2) as w:
        w.write(b"123")
    assert store.stat("w") is None


def test_a_body_that_breaks_off_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError):
        store.put("x", Body(200_000, broken()), ObjectFacts("0" * 64, TEXT))
    with pytest.raises(UploadIncomplete):
        store.put("x", Body(200_000, iter([b"short"])), ObjectFacts("0" * 64, TEXT))
    assert store.stat("x") is None


def test_an_upload_is_found_continued_and_completed(store: Store) -> None:
    first, second = b"1" * PART_BYTES, b"22"
    facts = ObjectFacts(sha256(first + second), TEXT)
    upload_id = store.begin_upload("big/é +", facts, part_bytes=PART_BYTES)
    store.put_part("big/é +", upload_id, 2, Body.of(second))
    assert [(u.key, u.upload_id) for u in store.uploads("big/")] == [("big/é +", upload_id)]
    assert list(store.uploads("other")) == []
    store.put_part("big/é +", upload_id, 1, Body.of(first))
    parts = store.parts("big/é +", upload_id)
    assert [(p.number, p.bytes) for p in parts] == [(1, PART_BYTES), (2, 2)]
    assert store.stat("big/é +") is None
    known = {1: google_crc32c.value(first), 2: google_crc32c.value(second)}
    assert all(part.crc32c in (None, known[part.number]) for part in parts)
    whole = [replace(part, crc32c=known[part.number]) for part in parts]
    store.complete_upload("big/é +", upload_id, whole)
    info = store.stat("big/é +")
    assert info is not None
    assert (info.bytes, info.sha256) == (PART_BYTES + 2, facts.sha256)
    assert list(store.uploads()) == []
    with pytest.raises(ObjectMissing):
        store.parts("big/é +", upload_id)


def test_an_upload_completed_if_absent_leaves_what_is_there(store: Store) -> None:
    data = b"2" * PART_BYTES
    facts = ObjectFacts(sha256(data), TEXT)
    put(store, "x", b"first")
    upload_id = store.begin_upload("x", facts, part_bytes=PART_BYTES)
    parts = [store.put_part("x", upload_id, 1, Body.of(data))]
    with pytest.raises(Conflict):
        store.complete_upload("x", upload_id, parts, if_absent=True)
    info = store.stat("x")
    assert info is not None
    assert (store.read("x"), info.sha256) == (b"first", sha256(b"first"))
    assert [upload.upload_id for upload in store.uploads()] == [upload_id]
    store.complete_upload("x", upload_id, parts)
    assert store.read("x") == data
    other_id = store.begin_upload("y", facts, part_bytes=PART_BYTES)
    part = store.put_part("y", other_id, 1, Body.of(data))
    store.complete_upload("y", other_id, [part], if_absent=True)
    assert store.read("y") == data
    assert list(store.uploads()) == []


def test_an_abandoned_upload_can_be_dropped(store: Store) -> None:
    upload_id = store.begin_upload("x", ObjectFacts("0" * 64, TEXT), part_bytes=PART_BYTES)
    store.put_part("x", upload_id, 1, Body.of(b"piece"))
    store.abort_upload("x", upload_id)
    store.abort_upload("x", upload_id)
    assert list(store.uploads()) == []
    assert store.stat("x") is None


def test_a_read_url_reads_that_object_and_lives_shortly(store: Store) -> None:
    put(store, "a b/é+.txt", b"shared")
    url = store.presign_get("a b/é+.txt", 60)
    if url is not None:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"shared"
    assert (url is not None) == store.probe().presign
    with pytest.raises(Invalid):
        store.presign_get("a b/é+.txt", 100_000)


def test_a_store_shows_no_secret(s3: S3Server) -> None:
    store = s3.store()
    shown = f"{store!r} {store.label} {vars(store)['_wire']._signer!r}"
    assert s3.secret_key not in shown
    assert s3.access_key not in shown
