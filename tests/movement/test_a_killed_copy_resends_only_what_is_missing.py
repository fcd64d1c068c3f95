"""After kill -9 the parts at the target are proved and kept; parts of other bytes are not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.digests import CHUNK_BYTES, hash_stream
from core.errors import IntegrityBroken
from core.manifest import FileEntry
from movement.engine.copy import CopyItem, CopyState, Watch, copy_file
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Body, ObjectFacts, Store
from tests.servers import S3Server

pytestmark = pytest.mark.servers
DATA = random.Random(7).randbytes(3 * CHUNK_BYTES + 5)
TYPE = "application/octet-stream"

COPIER = """
import json, sys, time
from pathlib import Path
from core.digests import Chunk
from core.manifest import FileEntry
from movement.engine.copy import CopyItem, Watch, copy_file
from movement.stores.directory import DirectoryStore
from movement.stores.s3 import S3Store

told = json.load(sys.stdin)
entry = told["entry"]
entry["chunks"] = tuple(Chunk(*chunk) for chunk in entry["chunks"])
made = told["target"]
target = S3Store(*made) if isinstance(made, list) else DirectoryStore(Path(made))
source = DirectoryStore(Path(told["source"]))
watch = Watch(on_bytes=lambda count: time.sleep(0.03))
copy_file(source, target, CopyItem("file", "file", FileEntry(**entry)), watch=watch)
"""


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


@pytest.fixture(params=["directory", "s3"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, object]:
    """A target, and what another process needs to open it."""
    if request.param == "directory":
        directory = DirectoryStore(tmp_path / "target")
        directory.ensure_ready()
        return directory, str(tmp_path / "target")
    server: S3Server = request.getfixturevalue("s3")
    bucket = f"resume-{time.monotonic_ns()}"
    keys = (server.access_key, server.secret_key)
    return server.store(bucket), [server.endpoint, bucket, "", *keys]


def stored_parts(target: Store) -> int:
    return sum(len(target.parts(u.key, u.upload_id)) for u in target.uploads())


def kill_after_two_parts(told: dict[str, object], target: Store) -> None:
    root = Path(__file__).resolve().parents[2]
    copier = subprocess.Popen(
        [sys.executable, "-c", COPIER],
        stdin=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert copier.stdin is not None
    with copier.stdin as stdin:
        stdin.write(json.dumps(told).encode())
    end = time.monotonic() + 60
    while stored_parts(target) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert copier.poll() is None, "the copy ended before it could be killed"
    copier.kill()
    copier.wait(10)


def test_a_killed_process_costs_only_its_last_part(
    source: DirectoryStore, item: CopyItem, made: tuple[Store, object], tmp_path: Path
) -> None:
    target, how = made
    entry = {
        "path": "file",
        "bytes": item.entry.bytes,
        "sha256": item.entry.sha256,
        "media_type": TYPE,
        "chunks": [(chunk.sha256, chunk.crc32c) for chunk in item.entry.chunks],
    }
    told = {"entry": entry, "source": str(tmp_path / "source"), "target": how}
    kill_after_two_parts(told, target)
    kept = stored_parts(target)
    assert target.stat("file") is None
    told_bytes: list[int] = []
    watch = Watch(on_bytes=told_bytes.append)
    outcome = copy_file(source, target, item, threads=2, watch=watch)
    assert outcome.state is CopyState.COPIED
    assert (outcome.parts_kept, outcome.parts_sent) == (kept, 4 - kept)
    assert kept >= 2
    assert sum(told_bytes) == len(DATA), "what is kept counts as what is sent does"
    assert target.read("file") == DATA
    assert list(target.uploads()) == []


def test_stored_parts_of_other_bytes_are_sent_again(
    source: DirectoryStore, item: CopyItem, made: tuple[Store, object]
) -> None:
    target, _ = made
    facts = ObjectFacts(item.entry.sha256, TYPE)
    upload_id = target.begin_upload("file", facts, part_bytes=CHUNK_BYTES)
    target.put_part("file", upload_id, 1, Body.of(DATA[:CHUNK_BYTES]))
    target.put_part("file", upload_id, 2, Body.of(b"z" * CHUNK_BYTES))
    target.put_part("file", upload_id, 3, Body.of(b"short"))
    outcome = copy_file(source, target, item)
    assert (outcome.parts_kept, outcome.parts_sent) == (1, 3)
    assert target.read("file") == DATA


def test_an_upload_begun_for_other_bytes_never_becomes_the_object(
    source: DirectoryStore, item: CopyItem, made: tuple[Store, object]
) -> None:
    target, _ = made
    stale = target.begin_upload("file", ObjectFacts("1" * 64, TYPE), part_bytes=CHUNK_BYTES)
    assert stale
    with pytest.raises(IntegrityBroken, match="recorded as 1111"):
        copy_file(source, target, item)
    assert target.stat("file") is None
    assert list(target.uploads()) == []
    assert copy_file(source, target, item).state is CopyState.COPIED
    info = target.stat("file")
    assert info is not None
    assert info.sha256 == item.entry.sha256
