"""A store copies what it holds itself; where it cannot, the bytes travel and are proved."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from core.digests import CHUNK_BYTES, hash_stream
from core.errors import StoreRefused
from core.files import FileEntry
from movement.engine.copy import CopyItem, CopyState, Watch, copy_file
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Store
from tests.servers import S3Server

pytestmark = pytest.mark.servers
TYPE = "application/octet-stream"
SIZES = [0, 70_000, CHUNK_BYTES + 1]


@pytest.fixture(params=["s3", "directory"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Store]:
    """One store, opened twice, as by two replicas."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        bucket = f"within-{random.getrandbits(48):x}"
        return server.store(bucket), server.store(bucket)
    opened = DirectoryStore(tmp_path), DirectoryStore(tmp_path)
    opened[0].ensure_ready()
    return opened


def publish(store: Store, data: bytes) -> CopyItem:
    size, sha256, chunks = hash_stream([data])
    with store.writer("old/file é", media_type=TYPE, total_bytes=size) as writer:
        writer.write(data)
        writer.commit(sha256)
    entry = FileEntry("file é", size, sha256, TYPE, chunks=chunks)
    return CopyItem("old/file é", "new/file é", entry)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_read_or_sent(
    stores: tuple[Store, Store], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    data = random.Random(size).randbytes(size)
    item = publish(source, data)
    told: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(source, "open", lambda *a, **k: pytest.fail("the source was read"))
        outcome = copy_file(source, target, item, watch=Watch(on_bytes=told.append))
        again = copy_file(source, target, item)
    assert (outcome.state, outcome.bytes_sent, outcome.bytes_kept) == (CopyState.COPIED, 0, size)
    assert sum(told) == size
    assert again.state is CopyState.PRESENT
    assert target.read(item.target_key) == data
    info = target.stat(item.target_key)
    assert info is not None
    assert info.sha256 == item.entry.sha256


@pytest.mark.parametrize("size", SIZES)
def test_a_store_that_cannot_gets_the_bytes(
    stores: tuple[Store, Store], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    item = publish(source, bytes(size))

    def refuse(*given: object) -> None:
        raise StoreRefused("This store copies nothing itself.")

    monkeypatch.setattr(target, "copy_within", refuse)
    outcome = copy_file(source, target, item)
    assert (outcome.state, outcome.bytes_sent) == (CopyState.COPIED, size)
    assert target.read(item.target_key) == bytes(size)


def test_what_is_to_be_replaced_is_proved_anew(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    item = publish(source, b"data")
    monkeypatch.setattr(target, "copy_within", lambda *a: pytest.fail("it was trusted"))
    assert copy_file(source, target, replace(item, replace=True)).bytes_sent == 4
