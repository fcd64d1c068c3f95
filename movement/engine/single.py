"""One file that travels as one body, or inside its store and not at all."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import google_crc32c

from core.digests import CHUNK_BYTES
from core.errors import (
    Conflict,
    DigestMismatch,
    FairmeshError,
    Invalid,
    StoreRefused,
    StoreUnavailable,
)
from core.files import FileEntry
from movement.engine.outcome import CopyItem, CopyOutcome, CopyState, Route
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
from movement.stores.protocol import Body, ObjectFacts, Reader, Store

_WAITS = (0.2, 1.0)
"""Seconds before the second and the third attempt at one file or part."""
_Result = TypeVar("_Result")
logger = logging.getLogger(__name__)


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
    """Run `action`, again after a pause when a store fails it; the third failure is raised.

    A stall is raised at once: it has taken its time, and a transfer that waits holds no worker.
    """
    for wait in _WAITS:
        try:
            return action()
        except (StoreUnavailable, DigestMismatch) as error:
            if isinstance(error, StoreUnavailable) and error.stalled:
                raise
            logger.info("Tried again in %.1f s: %s", wait, error.detail)
        until = time.monotonic() + wait
        while time.monotonic() < until:
            lane.stop_if_asked()
            time.sleep(0.05)
    return action()


def copy_whole(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a file that travels as one body. Raises FairmeshError, CopyStopped."""
    check_entry(item.entry)
    if route.is_within:
        found = persist(lambda: copy_within(route, item, lane), lane)
        if found is not None:
            return found
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


def copy_within(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome | None:
    """Let a store copy what it holds already; None when it cannot, and the bytes must travel.

    What vouches for the bytes is the store, which recorded their sha256 when they came in; so an
    item that is to be replaced is not copied in this way.
    """
    check_entry(item.entry)
    if item.replace or not route.is_within:
        return None
    lane.stop_if_asked()
    if is_present(route.target, item):
        return CopyOutcome(item, CopyState.PRESENT)
    entry = item.entry
    source = route.source.stat(item.source_key)
    if source is None or (source.bytes, source.sha256) != (entry.bytes, entry.sha256):
        return None
    try:
        route.target.copy_within(item.source_key, item.target_key, facts_of(item))
    except (StoreRefused, DigestMismatch, Invalid):
        return None
    lane.on_bytes(entry.bytes)
    return CopyOutcome(item, CopyState.COPIED, bytes_kept=entry.bytes)


def facts_of(item: CopyItem) -> ObjectFacts:
    return ObjectFacts(item.entry.sha256, item.entry.media_type)


def copied(item: CopyItem) -> CopyOutcome:
    return CopyOutcome(item, CopyState.COPIED, bytes_sent=item.entry.bytes, parts_sent=1)


def _copy_small(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a file that fits the buffer: two requests, since the target itself refuses a second.

    It does so when it has the bytes; where they may be there already, a look is what it costs.
    """
    entry = item.entry
    if item.look and not item.replace and is_present(route.target, item):
        return CopyOutcome(item, CopyState.PRESENT)
    lane.wait_for(entry.bytes)
    with route.source.open(item.source_key) as reader:
        body = proved_body(reader, entry, lane)
    try:
        route.target.put(item.target_key, body, facts_of(item), if_absent=not item.replace)
    except Conflict:
        if item.replace:
            raise
        if is_present(route.target, item):
            return CopyOutcome(item, CopyState.PRESENT)
        route.target.put(item.target_key, body, facts_of(item))
    lane.on_bytes(entry.bytes)
    return copied(item)


def proved_body(reader: Reader, entry: FileEntry, lane: Lane) -> Body:
    """Return the bytes of a short file, in the lane's buffer. Raises IntegrityBroken."""
    data = lane.buffer[: entry.bytes]
    check_size(reader, entry)
    fill(reader, data)
    check_sha256(hashlib.sha256(data), entry.sha256, 0)
    crc32c = entry.chunks[0].crc32c if entry.chunks else google_crc32c.value(bytes(data))
    return Body(entry.bytes, (data,), crc32c)


def _copy_one_part(route: Route, item: CopyItem, lane: Lane) -> CopyOutcome:
    """Copy a file of one part, once it is known that the target does not hold it."""
    try:
        _put_streamed(route, item, lane, if_absent=not item.replace)
    except Conflict:
        if item.replace:
            raise
        if is_present(route.target, item):
            return CopyOutcome(item, CopyState.PRESENT)
        _put_streamed(route, item, lane, if_absent=False)
    return copied(item)


def _put_streamed(route: Route, item: CopyItem, lane: Lane, *, if_absent: bool) -> None:
    span = whole_span(item.entry)
    with route.source.open(item.source_key) as reader:
        check_size(reader, item.entry)
        body = Body(span.bytes, proved_pieces(reader, span, lane), span.crc32c)
        route.target.put(item.target_key, body, facts_of(item), if_absent=if_absent)


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
        for view in _pieces(reader, entry.bytes, lane):
            digest.update(view)
            writer.write(view)
            lane.on_bytes(len(view))
        check_sha256(digest, entry.sha256, 0)
        writer.commit(entry.sha256)
    return copied(item)


def _pieces(reader: Reader, size: int, lane: Lane) -> Iterator[memoryview]:
    while size:
        view = lane.piece(size)
        fill(reader, view)
        size -= len(view)
        yield view
