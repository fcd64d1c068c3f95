"""A file of several parts: begun or resumed, sent part by part by any thread, then completed."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import replace

from core.errors import Conflict, FairmeshError, IntegrityBroken, ObjectMissing
from movement.engine.outcome import CopyItem, CopyState, Route
from movement.engine.single import is_present
from movement.engine.spans import Lane, Span, check_size, part_count, part_span, proved_pieces
from movement.stores.protocol import Body, ObjectFacts, Part, part_bytes_for


class LargeCopy:
    """One multipart copy. `send` may be called by many threads, each for another part number.

    Every byte is proved by the digest of its chunk, which the manifest seals together with the
    digest of the whole file; the whole is not hashed again, because parts travel out of order and
    a resumed copy does not read what it sent before.
    """

    def __init__(self, route: Route, item: CopyItem) -> None:
        self._source = route.source
        self._source_key = item.source_key
        self._target = route.target
        self._target_key = item.target_key
        self._item = item
        self._entry = item.entry
        self._lock = threading.Lock()
        self._stored: dict[int, Part] = {}
        self._candidates: dict[int, Part] = {}
        self._upload_id = ""
        self.parts_sent = self.parts_kept = self.bytes_sent = self.bytes_kept = 0

    def begin(self) -> tuple[int, ...]:
        """Resume the newest unfinished upload, or begin one; return the numbers to `send`."""
        entry = self._entry
        mine = [
            upload
            for upload in self._target.uploads(self._target_key)
            if upload.key == self._target_key
        ]
        mine.sort(key=lambda upload: upload.started)
        for older in mine[:-1]:
            self._target.abort_upload(self._target_key, older.upload_id)
        if mine:
            self._upload_id = mine[-1].upload_id
            found = self._target.parts(self._target_key, self._upload_id)
            self._candidates = {part.number: part for part in found}
        else:
            self._upload_id = self._target.begin_upload(
                self._target_key,
                ObjectFacts(entry.sha256, entry.media_type),
                part_bytes=part_bytes_for(entry.bytes),
            )
        return tuple(range(1, part_count(entry) + 1))

    def send(self, number: int, lane: Lane) -> bool:
        """Store one part unless it is there and proved; True when it was the last one missing."""
        span = part_span(self._entry, number)
        known = self._candidates.get(number)
        if known is not None and self._is_proved(known, span, lane):
            part, kept = replace(known, crc32c=span.crc32c), True
            lane.on_bytes(span.bytes)
        else:
            with self._source.open(self._source_key, span.offset, span.bytes) as reader:
                check_size(reader, self._entry)
                body = Body(span.bytes, proved_pieces(reader, span, lane), span.crc32c)
                part, kept = (
                    self._target.put_part(self._target_key, self._upload_id, number, body),
                    False,
                )
        with self._lock:
            self._stored[number] = part
            self.parts_kept += kept
            self.parts_sent += not kept
            self.bytes_kept += span.bytes if kept else 0
            self.bytes_sent += 0 if kept else span.bytes
            return len(self._stored) == part_count(self._entry)

    def _is_proved(self, part: Part, span: Span, lane: Lane) -> bool:
        """Say whether a stored part holds the bytes of the manifest.

        By the checksum the store lists; where it lists none, by reading the source's part and
        comparing its md5 with the etag. What cannot be proved is sent again.
        """
        if part.bytes != span.bytes:
            return False
        if part.crc32c is not None:
            return part.crc32c == span.crc32c
        silent = replace(lane, on_bytes=lambda count: None)
        md5 = hashlib.md5(usedforsecurity=False)
        with self._source.open(self._source_key, span.offset, span.bytes) as reader:
            check_size(reader, self._entry)
            for piece in proved_pieces(reader, span, silent):
                md5.update(piece)
        return part.etag == md5.hexdigest()

    def complete(self) -> CopyState:
        """Make the object visible, unless another copy of the file was first: then PRESENT.

        What the item does not ask to be replaced is replaced only where it is something else.
        """
        replace_it = self._item.replace
        try:
            self._join(if_absent=not replace_it)
        except Conflict:
            if replace_it:
                raise
            if is_present(self._target, self._item):
                self._target.abort_upload(self._target_key, self._upload_id)
                return CopyState.PRESENT
            self._join(if_absent=False)
        return CopyState.COPIED

    def _join(self, *, if_absent: bool) -> None:
        """Complete the upload and see that it made what was meant, else remove that.

        Raises IntegrityBroken for the second: an upload found here may have been begun for other
        bytes, which a store tells only now. It is used up, so the next copy begins its own.
        """
        ordered = [self._stored[number] for number in sorted(self._stored)]
        lost: ObjectMissing | None = None
        try:
            self._target.complete_upload(
                self._target_key, self._upload_id, ordered, if_absent=if_absent
            )
        except ObjectMissing as error:  # completed before, and only the answer was lost
            lost = error
        info = self._target.stat(self._target_key)
        if info is None:
            raise lost or Conflict("the object was removed while it was completed.")
        if (info.bytes, info.sha256) != (self._entry.bytes, self._entry.sha256):
            self._target.delete(self._target_key)
            raise IntegrityBroken(
                f"the target joined the parts to {info.bytes} bytes recorded as {info.sha256}."
            )

    def abandon(self) -> None:
        """Leave nothing at the target, as far as it can be reached."""
        if self._upload_id:
            with contextlib.suppress(FairmeshError):
                self._target.abort_upload(self._target_key, self._upload_id)
