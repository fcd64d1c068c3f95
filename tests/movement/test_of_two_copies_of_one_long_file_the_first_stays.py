"""Two copies of one long file complete at once: the second finds the first, and drops its own."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from core.digests import CHUNK_BYTES, hash_stream
from core.manifest import FileEntry
from movement.engine.copy import CopyItem, CopyState, copy_file
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Body, ObjectFacts, Part, Store, Upload
from movement.stores.s3 import S3Store
from movement.stores.s3answers import Answer
from tests.contracts.test_a_probe_finds_what_a_store_can_do import control
from tests.servers import S3Server

pytestmark = pytest.mark.servers
DATA = random.Random(8).randbytes(CHUNK_BYTES + 5)
TYPE = "application/octet-stream"


class _Meeting:
    """Two copies look for unfinished uploads; none begins its own before both have looked."""

    both: threading.Barrier | None = None

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        found = list(super().uploads(prefix))  # type: ignore[misc]  # of the store beside it
        if self.both is not None:
            self.both.wait(60)
        return iter(found)


class MeetingFolder(_Meeting, DirectoryStore):
    pass


class MeetingS3(_Meeting, S3Store):
    """Its server looks for the object and then writes it, two steps that are not one.

    So two completions at the very same moment may both be let in there; here they take turns.
    """

    turn = threading.Lock()

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[Part], *, if_absent: bool = False
    ) -> None:
        with self.turn:
            super().complete_upload(key, upload_id, parts, if_absent=if_absent)


class Halfway(S3Store):
    """A server that knows the condition for whole objects alone."""

    def _ask(self, method: str, key: str | None, query: Any = None, headers: Any = None,
             body: Body | None = None) -> Answer:  # fmt: skip
        if method == "POST" and "if-none-match" in (headers or {}):
            return Answer(501, {}, b"<Error><Code>NotImplemented</Code></Error>")
        return super()._ask(method, key, query, headers, body)


@pytest.fixture
def source(tmp_path: Path) -> DirectoryStore:
    store = DirectoryStore(tmp_path / "source")
    store.ensure_ready()
    return store


@pytest.fixture
def item(source: DirectoryStore) -> CopyItem:
    size, sha256, chunks = hash_stream([DATA])
    source.write("file", DATA, sha256=sha256, media_type=TYPE)
    return CopyItem("file", "file", FileEntry("file", size, sha256, TYPE, chunks=chunks))


Opened = Callable[[type[S3Store]], S3Store]


@pytest.fixture
def opened(s3: S3Server) -> Opened:
    """Opens a bucket of its own, which keeps every generation of an object."""
    bucket = f"race-{uuid.uuid4().hex[:12]}"
    s3.store(bucket)
    control(s3).set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    return lambda kind: kind(s3.endpoint, bucket, "", s3.access_key, s3.secret_key)


@pytest.fixture(params=["directory", "s3"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> MeetingFolder | MeetingS3:
    if request.param == "s3":
        found: MeetingS3 = request.getfixturevalue("opened")(MeetingS3)
        return found
    folder = MeetingFolder(tmp_path / "target")
    folder.ensure_ready()
    return folder


def left_of(store: Store) -> tuple[int, int]:
    """Return how many generations of the file there are, and how many unfinished uploads."""
    return len(list(store.generations("file"))), len(list(store.uploads()))


def test_both_copies_end_well_and_one_object_stays(
    source: DirectoryStore, item: CopyItem, target: MeetingFolder | MeetingS3
) -> None:
    target.both = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(copy_file, source, target, item) for _ in range(2)]
    target.both = None
    assert {end.result().state for end in ends} == {CopyState.COPIED, CopyState.PRESENT}
    assert all(end.result().bytes_sent == len(DATA) for end in ends)
    assert left_of(target) == (1, 0)
    assert target.read("file") == DATA


def test_something_else_under_the_key_is_replaced(
    source: DirectoryStore, item: CopyItem, target: MeetingFolder | MeetingS3
) -> None:
    target.put("file", Body.of(b"older"), ObjectFacts("0" * 64, TYPE))
    assert copy_file(source, target, item).state is CopyState.COPIED
    assert target.read("file") == DATA


def test_what_is_to_be_replaced_is(
    source: DirectoryStore, item: CopyItem, target: MeetingFolder | MeetingS3
) -> None:
    rotten = bytes(len(DATA))
    target.put("file", Body.of(rotten), ObjectFacts(item.entry.sha256, TYPE))
    assert copy_file(source, target, item).state is CopyState.PRESENT
    assert target.read("file") == rotten
    assert copy_file(source, target, replace(item, replace=True)).state is CopyState.COPIED
    assert target.read("file") == DATA
    assert list(target.uploads()) == []


def test_a_server_that_knows_no_condition_there_is_asked_before(
    source: DirectoryStore, item: CopyItem, opened: Opened
) -> None:
    target = opened(Halfway)
    assert copy_file(source, target, item).state is CopyState.COPIED
    assert copy_file(source, target, item).state is CopyState.PRESENT
    assert left_of(target) == (1, 0)
