"""Capabilities are found by trying, the tries leave nothing, and what is lacking is made up for."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from core.errors import Conflict, ObjectLocked, ObjectMissing, StoreRefused
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import CAPABILITIES, Body, Capabilities, ObjectFacts
from movement.stores.s3 import S3Store
from movement.stores.s3answers import Answer
from tests.servers import S3Server

pytestmark = pytest.mark.servers
FACTS = ObjectFacts("0" * 64, "text/plain")
Headers = Mapping[str, str] | None


class Forgetful(S3Store):
    """A server that does not know If-None-Match, as older ones do not."""

    def _ask(self, method: str, key: str | None, query: Headers = None, headers: Headers = None,
             body: Body | None = None) -> Answer:  # fmt: skip
        known = {name: value for name, value in (headers or {}).items() if name != "if-none-match"}
        return super()._ask(method, key, query, known, body)


class Closed(S3Store):
    """A server that lets these keys only read."""

    def _ask(self, method: str, key: str | None, *rest: Any) -> Answer:
        if method == "PUT":
            return Answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
        return super()._ask(method, key, *rest)


def bucket_of(store: S3Store) -> str:
    return store.label.split("/")[3]


def as_kind(kind: type[S3Store], server: S3Server) -> S3Store:
    bucket = bucket_of(server.store())
    return kind(server.endpoint, bucket, "", server.access_key, server.secret_key)


def control(server: S3Server) -> Minio:
    host = server.endpoint.removeprefix("http://")
    return Minio(host, server.access_key, server.secret_key, secure=False)


def lacking(found: Capabilities) -> set[str]:
    return {name for name, can in found.flags().items() if not can}


def test_each_kind_is_found_as_it_is(s3: S3Server, tmp_path: Path) -> None:
    folder = DirectoryStore(tmp_path)
    assert lacking(folder.probe()) == {"presign", "object_lock"}
    assert lacking(s3.store().probe()) == {"object_lock"}
    assert lacking(as_kind(Forgetful, s3).probe()) == {"object_lock", "conditional_put"}
    closed = as_kind(Closed, s3).probe()
    assert (closed.ready, closed.flags()["presign"]) == (True, True)
    assert lacking(closed) == set(CAPABILITIES) - {"presign"}


def test_the_tries_leave_nothing_behind(s3: S3Server) -> None:
    store = s3.store()
    control(s3).set_bucket_versioning(bucket_of(store), VersioningConfig(ENABLED))
    store.probe()
    assert list(store.generations("")) == []


def test_what_is_known_is_not_tried_again(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store, known = s3.store(), Capabilities.well({"multipart": True})
    monkeypatch.setattr(store, "put", lambda *_: pytest.fail("it wrote"))
    assert store.probe(known) == known
    gone = S3Store(s3.endpoint, "not-there", "", s3.access_key, s3.secret_key)
    assert gone.probe(known).problem == "The bucket is not there."


def test_without_conditional_put_it_looks_first_and_says_so(
    s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = as_kind(Forgetful, s3)
    store.conditional_put = False
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            store.put("x", Body.of(b"1"), FACTS, if_absent=True)
            with pytest.raises(Conflict):
                store.put("x", Body.of(b"2"), FACTS, if_absent=True)
            assert store.read("x") == b"1"
            store.delete("x")
    told = [record.message for record in caplog.records if "conditional put" in record.message]
    assert len(told) == 1


def test_what_is_locked_is_kept_from_everyone(s3: S3Server) -> None:
    bucket, day = f"locked-{uuid.uuid4().hex[:12]}", timedelta(days=1)
    control(s3).make_bucket(bucket, object_lock=True)
    store = S3Store(s3.endpoint, bucket, "pre", s3.access_key, s3.secret_key)
    assert lacking(store.probe()) == set()
    until = datetime.now(UTC).replace(microsecond=0) + 2 * day
    for key in ("retained", "held"):
        store.put(key, Body.of(b"x"), FACTS)
    store.lock("retained", until, hold=False)
    store.lock("retained", until - day, hold=False)
    store.lock("held", None, hold=True)
    (retained,), (held,) = (list(store.generations(key)) for key in ("retained", "held"))
    with pytest.raises(ObjectLocked) as caught:
        store.erase(retained)
    assert datetime.fromisoformat(caught.value.extra["until"]) == until
    with pytest.raises(ObjectLocked, match="legal hold"):
        store.erase(held)
    store.lock("held", None, hold=False)
    store.erase(held)
    assert list(store.generations("held")) == []
    with pytest.raises(ObjectMissing):
        store.lock("absent", until, hold=False)


def test_a_store_without_locks_says_so(s3: S3Server, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    for store in (DirectoryStore(tmp_path), s3.store()):
        store.put("x", Body.of(b"x"), FACTS)
        with pytest.raises(StoreRefused):
            store.lock("x", until, hold=False)
