"""Files arrive whole and as the manifest says, or not at all."""

from __future__ import annotations

import hashlib
import random
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.digests import CHUNK_BYTES, Chunk, hash_stream
from core.errors import IntegrityBroken, ObjectMissing, StoreUnavailable
from core.files import FileEntry
from movement.engine.ahead import DEPTH
from movement.engine.copy import CopyItem, CopyOutcome, CopyState, Watch, copy_file, copy_files
from movement.engine.spans import part_count, part_span
from movement.stores.crc32c import join_crc32c
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import ObjectInfo, Reader, Store
from movement.stores.s3 import S3Store
from tests.servers import S3Server, free_ports

pytestmark = pytest.mark.servers
TYPE = "application/octet-stream"
SIZES = [0, 1, 70_000, CHUNK_BYTES, CHUNK_BYTES + 1, 40 * 1024 * 1024]


def directory(path: Path) -> DirectoryStore:
    store = DirectoryStore(path)
    store.ensure_ready()
    return store


@pytest.fixture(params=["s3 to s3", "s3 to directory", "directory to s3", "directory to directory"])
def route(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Store]:
    kinds: list[Store] = []
    for number, kind in enumerate(str(request.param).split(" to ")):
        if kind == "s3":
            server: S3Server = request.getfixturevalue("s3")
            kinds.append(server.store(prefix=f"site {number}"))
        else:
            kinds.append(directory(tmp_path / str(number)))
    return kinds[0], kinds[1]


def data_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def publish(store: Store, key: str, data: bytes, *, chunks: bool = True) -> CopyItem:
    """Store `data` and return the item that copies it to the same key."""
    size, sha256, found = hash_stream([data])
    with store.writer(key, media_type=TYPE, total_bytes=size) as writer:
        writer.write(data)
        writer.commit(sha256)
    return CopyItem(key, key, FileEntry(key, size, sha256, TYPE, chunks=found if chunks else ()))


def flip(store: Store, key: str, at: int, entry: FileEntry) -> None:
    """Rot one byte of a stored object, as a disk does: its metadata still says the old sha256."""
    data = bytearray(store.read(key))
    data[at] ^= 1
    with store.writer(key, media_type=TYPE, total_bytes=len(data)) as writer:
        writer.write(data)
        writer.commit(entry.sha256)


def assert_holds(store: Store, item: CopyItem, data: bytes) -> None:
    info = store.stat(item.target_key)
    assert info is not None
    assert (info.bytes, info.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert hashlib.sha256(store.read(item.target_key)).hexdigest() == info.sha256


def assert_nothing(store: Store) -> None:
    assert list(store.list()) == []
    assert list(store.uploads()) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunks", [True, False])
def test_every_size_arrives(route: tuple[Store, Store], size: int, chunks: bool) -> None:
    source, target = route
    data = data_of(size)
    item = publish(source, "dir é/file +%41.bin", data, chunks=chunks)
    counted: list[int] = []
    outcome = copy_file(source, target, item, threads=3, watch=Watch(on_bytes=counted.append))
    assert (outcome.state, outcome.bytes_sent) == (CopyState.COPIED, size)
    assert sum(counted) == size
    assert_holds(target, item, data)
    assert list(target.uploads()) == []
    again = copy_file(source, target, item)
    assert (again.state, again.bytes_sent) == (CopyState.PRESENT, 0)


@pytest.mark.parametrize(
    ("size", "at"),
    [(1, 0), (70_000, 69_999), (CHUNK_BYTES, 5), (40 * 1024 * 1024, 39 * 1024 * 1024)],
)
@pytest.mark.parametrize("chunks", [True, False])
def test_a_flipped_byte_is_refused_and_leaves_nothing(
    route: tuple[Store, Store], size: int, at: int, chunks: bool
) -> None:
    source, target = route
    item = publish(source, "file", data_of(size), chunks=chunks)
    flip(source, "file", at, item.entry)
    with pytest.raises(IntegrityBroken) as caught:
        copy_file(source, target, item, threads=2)
    assert caught.value.extra["path"] == "file"
    assert source.label in caught.value.detail
    assert target.label in caught.value.detail
    assert_nothing(target)


@pytest.mark.parametrize("size", [10, CHUNK_BYTES + 10])
@pytest.mark.parametrize("longer", [-1, 1])
def test_a_source_of_another_size_is_refused(
    route: tuple[Store, Store], size: int, longer: int
) -> None:
    source, target = route
    item = publish(source, "file", data_of(size))
    publish(source, "file", data_of(size + longer))
    with pytest.raises(IntegrityBroken):
        copy_file(source, target, item)
    assert_nothing(target)


def test_a_manifest_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    source, target = directory(tmp_path / "a"), directory(tmp_path / "b")
    item = publish(source, "file", b"data")
    chunk = Chunk(hashlib.sha256(b"other").hexdigest(), 0)
    for chunks in ((chunk,), (chunk, chunk)):
        with pytest.raises(IntegrityBroken):
            copy_file(source, target, replace(item, entry=replace(item.entry, chunks=chunks)))
    assert_nothing(target)


@pytest.mark.parametrize("size", [100, CHUNK_BYTES + 100])
def test_a_rotten_copy_is_replaced_when_asked(route: tuple[Store, Store], size: int) -> None:
    source, target = route
    data = data_of(size)
    item = publish(source, "file", data)
    copy_file(source, target, item)
    flip(target, "file", 7, item.entry)
    assert copy_file(source, target, item).state is CopyState.PRESENT
    assert copy_file(source, target, replace(item, replace=True)).state is CopyState.COPIED
    assert_holds(target, item, data)


def test_an_older_object_of_other_bytes_is_overwritten(route: tuple[Store, Store]) -> None:
    source, target = route
    publish(target, "file", b"older")
    item = publish(source, "file", b"newer")
    assert copy_file(source, target, item).state is CopyState.COPIED
    assert_holds(target, item, b"newer")


@pytest.mark.parametrize("size", [70_000, 5 * 1024 * 1024])
def test_what_another_writer_put_meanwhile_is_not_overwritten(
    route: tuple[Store, Store], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = route
    data = data_of(size)
    item = publish(source, "file", data)
    opened = source.open
    found: list[ObjectInfo | None] = []

    def open_late(*asked: Any) -> AbstractContextManager[Reader]:
        publish(target, "file", data)
        found.append(target.stat("file"))
        return opened(*asked)

    monkeypatch.setattr(source, "open", open_late)
    assert copy_file(source, target, item).state is CopyState.PRESENT
    assert found == [target.stat("file")], "the object is still the other writer's"


SCRIPTS = [
    *("Straße", "données/été", "данные", "数据/表", "データ", "데이터", "بيانات", "נתונים"),
    *("आँकड़े", "ข้อมูล", "ᚠᚢᚦ", "🜁/🧬", "a b+c%20d&e=f?g#h", "'quoted\"; --", "é" * 100),
]


def test_keys_of_every_script_arrive_under_their_own_name(route: tuple[Store, Store]) -> None:
    source, target = route
    items = [publish(source, f"{key}.bin", key.encode()) for key in SCRIPTS]
    assert copy_files(source, target, items, threads=4).copied == len(SCRIPTS)
    assert {info.key for info in target.list()} == {f"{key}.bin" for key in SCRIPTS}
    for key in SCRIPTS:
        assert target.read(f"{key}.bin") == key.encode()


def test_many_files_go_on_after_one_is_bad(route: tuple[Store, Store]) -> None:
    source, target = route
    wanted = {f"many/{n:03}": data_of(n * 37, n) for n in range(40)}
    wanted["many/big"] = data_of(CHUNK_BYTES + 3)
    items = [publish(source, key, data) for key, data in wanted.items()]
    flip(source, "many/007", 3, items[7].entry)
    source.delete("many/008")
    outcomes: list[CopyOutcome] = []
    summary = copy_files(source, target, iter(items), threads=4, watch=Watch(outcomes.append))
    assert (summary.copied, summary.failed, summary.present) == (39, 2, 0)
    bad = {o.item.target_key: type(o.error) for o in outcomes if o.state is CopyState.FAILED}
    assert bad == {"many/007": IntegrityBroken, "many/008": ObjectMissing}
    for item in items:
        if item.target_key not in bad:
            assert_holds(target, item, wanted[item.target_key])
    summary = copy_files(source, target, iter(items), threads=4)
    assert (summary.present, summary.failed, summary.bytes_sent) == (39, 2, 0)


def test_a_store_that_is_down_ends_the_run(s3: S3Server, tmp_path: Path) -> None:
    target = directory(tmp_path)
    item = publish(s3.store(), "file", b"data")
    down = S3Store(f"http://127.0.0.1:{free_ports(1)[0]}", "bucket", "", "key", "secret")
    outcomes: list[CopyOutcome] = []
    with pytest.raises(StoreUnavailable) as caught:
        copy_files(down, target, [item] * 50, threads=2, watch=Watch(outcomes.append))
    assert caught.value.extra["source"] == down.label
    assert len(outcomes) <= 2
    assert_nothing(target)
    assert not down.probe().reachable
    with pytest.raises(StoreUnavailable):
        list(down.list())
    with pytest.raises(StoreUnavailable):
        down.ensure_ready()


def test_a_copy_stops_when_asked_and_is_continued(route: tuple[Store, Store]) -> None:
    source, target = route
    data = data_of(40 * 1024 * 1024)
    item = publish(source, "file", data)
    seen: list[int] = []
    watch = Watch(on_bytes=seen.append, should_stop=lambda: sum(seen) >= 20 * 1024 * 1024)
    first = copy_file(source, target, item, watch=watch)
    assert (first.state, first.parts_sent) == (CopyState.STOPPED, 1)
    assert target.stat("file") is None
    second = copy_file(source, target, item)
    assert (second.state, second.parts_kept, second.parts_sent) == (CopyState.COPIED, 1, 2)
    assert_holds(target, item, data)


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_joined_checksums_are_those_of_the_joined_bytes(first: bytes, second: bytes) -> None:
    def crc32c(data: bytes) -> int:
        _, _, chunks = hash_stream([data])
        return chunks[0].crc32c if chunks else 0

    assert join_crc32c(crc32c(first), crc32c(second), len(second)) == crc32c(first + second)


@pytest.mark.parametrize("size", [5 * 1000**4, 5 * 1024**4, 10_000 * CHUNK_BYTES, 10**10])
def test_the_parts_of_a_file_as_long_as_s3_allows_keep_its_limits(size: int) -> None:
    entry = FileEntry("x", size, "0" * 64, TYPE)
    parts = [part_span(entry, number) for number in range(1, part_count(entry) + 1)]
    assert len(parts) <= 10_000
    assert all(5 * 1024**2 <= part.bytes <= 5 * 1024**3 for part in parts[:-1])
    assert len({part.bytes for part in parts[:-1]}) == 1
    assert parts[-1].offset + parts[-1].bytes == size
    assert 0 < parts[-1].bytes <= parts[0].bytes


@given(size=st.integers(CHUNK_BYTES + 1, 10 * 1024**4))
def test_parts_cover_a_file_of_any_size_without_gap_or_overlap(size: int) -> None:
    chunks = 3  # the digests do not matter to the layout
    entry = FileEntry("x", size, "0" * 64, TYPE, chunks=(Chunk("0" * 64, 0),) * chunks)
    count = part_count(entry)
    assert 1 <= count <= 10_000
    last = part_span(entry, count)
    assert last.offset + last.bytes == size
    assert part_span(entry, 1).offset == 0
    middle = part_span(entry, max(1, count // 2))
    following = part_span(entry, max(1, count // 2) + 1)
    assert middle.offset + middle.bytes == following.offset
    assert middle.offset % CHUNK_BYTES == 0


def test_short_files_in_a_row_end_as_they_would_alone(s3: S3Server, tmp_path: Path) -> None:
    """Good, rotten, missing, present and long files in one list; more than a row holds at once."""
    source, target = s3.store(prefix="row source"), s3.store(prefix="row target")
    items = [publish(source, f"short {n:02}", data_of(n * 1000, n)) for n in range(30)]
    items.insert(9, publish(source, "long", data_of(CHUNK_BYTES + 5)))
    flip(source, "short 07", 11, items[7].entry)
    source.delete("short 20")
    copy_file(source, target, items[3])
    outcomes: dict[str, CopyOutcome] = {}
    counted: list[int] = []

    def on_file(outcome: CopyOutcome) -> None:
        assert outcome.item.source_key not in outcomes
        outcomes[outcome.item.source_key] = outcome

    watch = Watch(on_file, counted.append)
    summary = copy_files(source, target, items, threads=2, watch=watch)
    assert (summary.copied, summary.present, summary.failed) == (28, 1, 2)
    assert isinstance(outcomes["short 07"].error, IntegrityBroken)
    assert isinstance(outcomes["short 20"].error, ObjectMissing)
    assert outcomes["short 03"].state is CopyState.PRESENT
    assert sum(counted) == summary.bytes_sent
    there = {info.key: info.bytes for info in target.list()}
    bad = {"short 07", "short 20"}
    assert there == {i.target_key: i.entry.bytes for i in items if i.source_key not in bad}


def test_a_row_that_is_stopped_reports_each_file_once(s3: S3Server) -> None:
    source, target = s3.store(prefix="stopped source"), s3.store(prefix="stopped target")
    items = [publish(source, f"short {n:02}", data_of(500, n)) for n in range(80)]
    outcomes: list[CopyOutcome] = []
    watch = Watch(outcomes.append, should_stop=lambda: len(outcomes) >= 5)
    summary = copy_files(source, target, items, threads=3, watch=watch)
    assert 5 <= summary.copied <= 5 + 2 * DEPTH + 3, "what was on its way ends, no more"
    keys = [outcome.item.source_key for outcome in outcomes]
    assert len(keys) == len(set(keys)) == summary.copied + summary.stopped
    assert {info.key for info in target.list()} == {
        outcome.item.target_key for outcome in outcomes if outcome.state is CopyState.COPIED
    }
