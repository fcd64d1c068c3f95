"""What is erased is gone from a store, and from a versioned bucket as well; a lock is told of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from core.digests import sha256_digest
from core.errors import ObjectLocked
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Store
from movement.stores.s3 import S3Store
from tests.servers import S3Server

pytestmark = pytest.mark.servers
KEYS = ["a/v=1/x é.txt", "a/v=1/deep/y+z.txt", "a/v=1/.fairmesh/seal.json"]


def put(store: Store, key: str, data: bytes) -> None:
    digest = sha256_digest(data).removeprefix("sha256:")
    store.write(key, data, sha256=digest, media_type="text/plain")


def control(server: S3Server) -> Minio:
    host = server.endpoint.removeprefix("http://")
    return Minio(host, server.access_key, server.secret_key, secure=False)


@pytest.fixture(params=["directory", "plain bucket", "versioned bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        directory = DirectoryStore(tmp_path / "store")
        directory.ensure_ready()
        return directory
    server: S3Server = request.getfixturevalue("s3")
    found: Any = server.store(prefix="pre fix")
    if request.param == "versioned bucket":
        bucket = found.label.split("/")[3]
        control(server).set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    return found  # type: ignore[no-any-return]


def test_nothing_below_a_prefix_is_left_and_all_else_is(store: Store) -> None:
    for key in (*KEYS, "a/v=10/other.txt"):
        put(store, key, b"once")
        put(store, key, b"twice")
    store.delete(KEYS[0])
    found = list(store.generations("a/v=1/"))
    assert {each.key for each in found} >= set(KEYS[1:])
    for each in found:
        store.erase(each)
        store.erase(each)
    assert list(store.generations("a/v=1/")) == []
    assert [info.key for info in store.list()] == ["a/v=10/other.txt"]
    assert store.read("a/v=10/other.txt") == b"twice"


def test_a_plain_delete_leaves_the_bytes_in_a_versioned_bucket(s3: S3Server) -> None:
    store = s3.store()
    control(s3).set_bucket_versioning(store.label.split("/")[3], VersioningConfig(ENABLED))
    put(store, "k", b"still here")
    store.delete("k")
    assert store.stat("k") is None
    assert [each.bytes for each in store.generations("k") if not each.mark] == [10]


def test_a_locked_object_is_told_of_with_its_end(s3: S3Server) -> None:
    bucket = f"locked-{datetime.now(UTC).timestamp():.0f}"
    control(s3).make_bucket(bucket, object_lock=True)
    store = S3Store(s3.endpoint, bucket, "", s3.access_key, s3.secret_key)
    put(store, "k", b"locked")
    until = datetime.now(UTC) + timedelta(days=1)
    control(s3).set_object_retention(bucket, "k", Retention(COMPLIANCE, until))
    (generation,) = store.generations("k")
    with pytest.raises(ObjectLocked) as caught:
        store.erase(generation)
    assert caught.value.extra["until"].startswith(f"{until:%Y-%m-%dT%H:%M}")
    assert store.read("k") == b"locked"
