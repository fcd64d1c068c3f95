"""One file that travels as one body, and the words of every copy: items, outcomes, watching."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import google_crc32c

from core.digests import CHUNK_BYTES
from core.errors import Conflict, DigestMismatch, FairmeshError, StoreUnavailable
from core.files import FileEntry
from movement.engine.spans import (
    BUFFER_BYTES,
    Lane,
    check_entry,
    check_sha256,
    check_size,
    fill,
    proved_pieces,
    whole_span,
)
from movement.stores.protocol import Body, ObjectFacts, Store

_WAITS = (0.2, 1.0)
"""Seconds before the second and the third attempt at one file or part."""
_Result = TypeVar("_Result")


class CopyState(Enum):
    COPIED = "copied"
    PRESENT = "present"
    """It was at the target already, with the right size and recorded sha256."""
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CopyItem:
    """One file to copy. With `replace` it is sent even when the target claims to hold it."""

    source_key: str
    target_key: str
    entry: FileEntry
    replace: bool = False


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """What became of one file; `bytes_kept` lay at the target from an earlier attempt."""

    item: CopyItem
    state: CopyState
    bytes_sent: int = 0
    bytes_kept: int = 0
    parts_sent: int = 0
    parts_kept: int = 0
    error: FairmeshError | None = None


def _ignore(value: object) -> None:
    del value


@dataclass(frozen=True, slots=True)
class Watch:
    """How a caller follows a copy. The two reports are never called at the same time."""

    on_file: Callable[[CopyOutcome], None] = _ignore
    on_bytes: Callable[[int], None] = _ignore
    """Bytes handed to the target since the last call, or found there in a part that is kept; a
    repeated part counts again."""
    should_stop: Callable[[], bool] = lambda: False
    """Asked at every piece, from any thread."""


@dataclass(frozen=True, slots=True)
class Route:
    """From one store to another."""

    source: Store
    target: Store


def named(error: FairmeshError, item: CopyItem, route: Route) -> FairmeshError:
    """Return `error` saying which file it met, and between which stores; the cause is kept."""
    where = {"path": item.entry.path, "source": route.source.label, "target": route.target.label}
    detail = (
        f"Copying {item.entry.path!r} from {route.source.label} to {route.target.label}: "
        f"{error.detail}"
    )
    told = type(error)(detail, **{**error.extra, **where})
    told.__cause__ = error
    return told


def persist(action: Callable[[], _Result], lane: Lane) -> _Result:
    """Run `action`, again after a pause when a store fails it; the third failure is raised."""
    for wait in _WAITS:
        with contextlib.suppress(StoreUnavailable, DigestMismatch):
            return action()
        until = time.monotonic() + wait
        while time.monotonic() < until:
            lane.stop_if_asked()
            time.sleep(0.05)
    return action()


def copy_whole(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a file that travels as one body. Raises FairmeshError, CopyStopped."""
    check_entry(item.entry)
    if item.entry.bytes <= BUFFER_BYTES:
        return persist(lambda: _copy_small(route, item, lane), lane)
    if not item.replace and persist(lambda: is_present(route.target, item), lane):
        return CopyOutcome(item, CopyState.PRESENT)
    if item.entry.bytes <= CHUNK_BYTES:
        return persist(lambda: _copy_one_part(route, item, lane), lane)
    return persist(lambda: _copy_stream(route, item, lane), lane)


def is_large(entry: FileEntry) -> bool:
    """Say whether a file travels in parts: it is longer than one and its chunks are known."""
    return entry.bytes > CHUNK_BYTES and bool(entry.chunks)


def is_present(target: Store, item: CopyItem) -> bool:
    info = target.stat(item.target_key)
    expected = (item.entry.bytes, item.entry.sha256)
    return info is not None and (info.bytes, info.sha256) == expected


def _facts(item: CopyItem) -> ObjectFacts:
    return ObjectFacts(item.entry.sha256, item.entry.media_type)


def _copied(item: CopyItem) -> CopyOutcome:
    return CopyOutcome(item, CopyState.COPIED, bytes_sent=item.entry.bytes, parts_sent=1)


def _copy_small(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a file that fits the buffer: two requests, since the target itself refuses a second."""
    lane.stop_if_asked()
    entry = item.entry
    data = lane.buffer[: entry.bytes]
    with route.source.open(item.source_key) as reader:
        check_size(reader, entry)
        fill(reader, data)
    check_sha256(hashlib.sha256(data), entry.sha256, 0)
    crc32c = entry.chunks[0].crc32c if entry.chunks else google_crc32c.value(bytes(data))
    body = Body(entry.bytes, (data,), crc32c)
    try:
        route.target.put(item.target_key, body, _facts(item), if_absent=not item.replace)
    except Conflict:
        if item.replace:
            raise
        if is_present(route.target, item):
            return CopyOutcome(item, CopyState.PRESENT)
        route.target.put(item.target_key, body, _facts(item))
    lane.on_bytes(entry.bytes)
    return _copied(item)


def _copy_one_part(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    span = whole_span(item.entry)
    with route.source.open(item.source_key) as reader:
        check_size(reader, item.entry)
        body = Body(span.bytes, proved_pieces(reader, span, lane), span.crc32c)
        route.target.put(item.target_key, body, _facts(item))
    return _copied(item)


def _copy_stream(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a long file whose chunks nobody knows: in order, proved by its whole digest."""
    digest = hashlib.sha256()
    entry = item.entry
    with (
        route.source.open(item.source_key) as reader,
        route.target.writer(
            item.target_key, media_type=entry.media_type, total_bytes=entry.bytes
        ) as writer,
    ):
        check_size(reader, entry)
        while count := reader.readinto(lane.buffer):
            lane.stop_if_asked()
            digest.update(lane.buffer[:count])
            writer.write(lane.buffer[:count])
            lane.on_bytes(count)
        check_sha256(digest, entry.sha256, 0)
        writer.commit(entry.sha256)
    return _copied(item)
