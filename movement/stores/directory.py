"""A store in a folder, for edge sites, tests and disks that are mounted.

Objects are plain files under their keys, so that they stay readable without us. What a file
system cannot hold stands in the hidden folder `.fairmesh-meta`: the recorded sha256 and type of
each object (trusted only while size and modification time are those that were recorded) and
unfinished uploads. Everything new is written there, synced, and renamed to its key in one step.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import google_crc32c

from core.digests import sha256_digest
from core.errors import (
    DigestMismatch,
    Invalid,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    UploadIncomplete,
)
from movement.stores.directory_uploads import DirectoryUploads
from movement.stores.directory_writer import DirectoryWriter
from movement.stores.folders import HIDDEN, Folders
from movement.stores.protocol import (
    Body,
    Bytes,
    Capabilities,
    Generation,
    ObjectFacts,
    ObjectInfo,
    Part,
    Upload,
    check_key,
    check_media_type,
    check_presign_seconds,
    read_all,
)

_LEFTOVER_SECONDS = 24 * 3600


class _FileReader:
    def __init__(self, fd: int, offset: int, length: int | None) -> None:
        self._fd = fd
        self.object_bytes = os.fstat(fd).st_size
        left = max(0, self.object_bytes - offset)
        self._offset = offset
        self._left = left if length is None else min(left, length)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer)[: self._left]
        if not len(view):
            return 0
        count = os.preadv(self._fd, [view], self._offset)
        if not count:
            raise StoreUnavailable("A file was cut while it was read.")
        self._offset += count
        self._left -= count
        return count


class DirectoryStore:
    """Objects in files below `root`. Links are never followed, so no key leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))
        self._folders = Folders(self._root)
        self._facts = self._root / HIDDEN / "objects"
        self._temporary = self._root / HIDDEN / "temporary"
        self._uploads = DirectoryUploads(self._root / HIDDEN / "uploads")
        self.label = f"directory {self._root}"

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self._root)!r})"

    # -- the store itself

    def probe(self, known: Capabilities | None = None) -> Capabilities:
        """As the protocol; a look costs nothing here, so that `known` is not taken over."""
        del known
        if not (os.path.isdir(self._root) and os.access(self._root, os.R_OK | os.X_OK)):
            problem = f"{self._root} is not a folder that can be read."
            return Capabilities(False, False, problem=problem)
        writable = os.access(self._root, os.W_OK)
        return Capabilities(
            reachable=True,
            ready=True,
            multipart=writable,
            checksums=True,
            server_side_copy=writable,
            conditional_put=writable,
            writable=writable,
        )

    def ensure_ready(self) -> None:
        with self._disk():
            for folder in (self._facts, self._temporary, self._uploads.root):
                folder.mkdir(parents=True, exist_ok=True)

    def _drop_leftovers(self) -> None:
        """Remove files that nobody has written to for a day: their writers were killed."""
        if not self._temporary.is_dir():
            return
        for leftover in self._temporary.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if leftover.stat().st_mtime < time.time() - _LEFTOVER_SECONDS:
                    leftover.unlink()

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(f"{self.label}: {error.strerror or error}.") from error

    # -- whole objects

    def stat(self, key: str) -> ObjectInfo | None:
        found = self._look(key)
        if found is None or found.sha256 is not None:
            return found
        record = self._record_of(key)
        with (
            self._disk(),
            contextlib.suppress(FileNotFoundError),
            self._turn(record, make=False),
        ):
            return self._look(key)  # a file and its record may have been between two states
        return found

    def _look(self, key: str) -> ObjectInfo | None:
        try:
            fd = self._folders.open_file(key)
        except ObjectMissing:
            return None
        try:
            return self._info(key, os.fstat(fd), self._recorded(key, os.fstat(fd)))
        finally:
            os.close(fd)

    def _info(self, key: str, status: os.stat_result, sha256: str | None) -> ObjectInfo:
        return ObjectInfo(
            key=key,
            bytes=status.st_size,
            etag=f"{status.st_mtime_ns:x}-{status.st_size:x}",
            sha256=sha256,
            modified=datetime.fromtimestamp(status.st_mtime, UTC),
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        with self._disk():
            for key, status in self._folders.walk(prefix):
                yield self._info(key, status, None)

    @contextlib.contextmanager
    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[_FileReader]:
        fd = self._folders.open_file(key)
        try:
            yield _FileReader(fd, offset, length)
        finally:
            os.close(fd)

    def read(self, key: str) -> bytes:
        with self.open(key) as reader:
            return read_all(reader, key)

    def write(self, key: str, data: Bytes, *, sha256: str, media_type: str) -> ObjectInfo:
        if sha256_digest(data).removeprefix("sha256:") != sha256:
            raise DigestMismatch(f"The bytes for {key!r} do not hash to {sha256}.", key=key)
        etag = self.put(key, Body(len(data), (data,)), ObjectFacts(sha256, media_type))
        return ObjectInfo(key, len(data), etag, sha256, datetime.now(UTC))

    def put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False) -> str:
        check_key(key)
        temporary = self.temporary_file()
        try:
            with self._disk(), temporary.open("xb", buffering=0) as file:
                check_written(write_pieces(file.fileno(), 0, body), body, self.label, key)
            return self.publish(temporary, key, facts, if_absent=if_absent).etag
        finally:
            temporary.unlink(missing_ok=True)

    def temporary_file(self) -> Path:
        """Return the path of a file to be written and then given to `publish`."""
        if not self._root.is_dir():
            raise StoreUnavailable(f"The folder {self._root} is not there.")
        with self._disk():
            self._temporary.mkdir(parents=True, exist_ok=True)
        return self._temporary / uuid.uuid4().hex

    def publish(
        self, temporary: Path, key: str, facts: ObjectFacts, *, if_absent: bool = False
    ) -> ObjectInfo:
        """Sync a finished file, record its facts and move it under its key."""
        with self._disk():
            fd = os.open(temporary, os.O_RDONLY)
            try:
                os.fsync(fd)
                status = os.fstat(fd)
            finally:
                os.close(fd)
            record = self._record_of(key)
            with self._turn(record):
                if not (if_absent and self._look(key)):
                    self._write_record(record, facts, status)
                self._folders.place(temporary, key, if_absent=if_absent)
        return self._info(key, status, facts.sha256)

    @contextlib.contextmanager
    def _turn(self, record: Path, *, make: bool = True) -> Iterator[None]:
        """Wait for whoever changes what `record` tells of: file and record change together.

        The lock is the kernel's, so that a killed holder lets go. Without `make`, raises
        FileNotFoundError where nothing was ever recorded.
        """
        if make:
            record.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(record.with_name("turn"), os.O_RDONLY | (os.O_CREAT if make else 0), 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _record_of(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._facts / name[:2] / name

    def _write_record(self, record: Path, facts: ObjectFacts, status: os.stat_result) -> None:
        fresh = record.with_name(f"{record.name}.{uuid.uuid4().hex}")
        fresh.write_text(
            json.dumps(
                {
                    "sha256": facts.sha256,
                    "media_type": facts.media_type,
                    "bytes": status.st_size,
                    "modified_ns": status.st_mtime_ns,
                }
            )
        )
        fresh.replace(record)

    def _recorded(self, key: str, status: os.stat_result) -> str | None:
        try:
            known = json.loads(self._record_of(key).read_text())
        except (FileNotFoundError, ValueError):
            return None
        same = (known["bytes"], known["modified_ns"]) == (status.st_size, status.st_mtime_ns)
        return str(known["sha256"]) if same else None

    def writer(
        self, key: str, *, media_type: str, total_bytes: int | None = None
    ) -> DirectoryWriter:
        check_key(key)
        return DirectoryWriter(self, key, check_media_type(media_type), total_bytes)

    def copy_within(self, source_key: str, target_key: str, facts: ObjectFacts) -> ObjectInfo:
        """As the protocol, in the kernel, which shares the blocks where the file system can.

        Not by a hard link: a file that was registered where it lay may be changed in place by
        whoever owns it, and then both would be.
        """
        if source_key == target_key:
            raise Invalid("An object is copied to another key than its own.", key=target_key)
        temporary = self.temporary_file()
        source = self._folders.open_file(source_key)
        try:
            recorded = self._recorded(source_key, os.fstat(source))
            if recorded not in (None, facts.sha256):
                raise DigestMismatch(
                    f"{source_key!r} is recorded as {recorded}, not {facts.sha256}.", key=source_key
                )
            with self._disk(), temporary.open("xb", buffering=0) as file:
                copy_file(source, file.fileno())
            return self.publish(temporary, target_key, facts)
        finally:
            os.close(source)
            temporary.unlink(missing_ok=True)

    def lock(self, key: str, until: datetime | None, *, hold: bool | None = None) -> None:
        del until, hold
        raise StoreRefused(
            f"{self.label} cannot lock {key!r}: whoever may write a folder may remove a file. Keep "
            "what must be locked in a bucket with object lock.",
            store=self.label,
            key=key,
        )

    def delete(self, key: str) -> None:
        record = self._record_of(check_key(key))
        with self._disk(), self._turn(record):
            self._folders.remove(key)
            record.unlink(missing_ok=True)

    def generations(self, prefix: str) -> Iterator[Generation]:
        for found in self.list(prefix):
            yield Generation(found.key, found.bytes, "", mark=False)

    def erase(self, generation: Generation) -> None:
        self.delete(generation.key)

    def presign_get(self, key: str, seconds: int) -> str | None:
        check_key(key)
        check_presign_seconds(seconds)
        return None

    # -- parts

    def begin_upload(self, key: str, facts: ObjectFacts, *, part_bytes: int) -> str:
        with self._disk():
            return self._uploads.begin(check_key(key), facts, part_bytes)

    def parts(self, key: str, upload_id: str) -> tuple[Part, ...]:
        with self._disk():
            return self._uploads.parts(key, upload_id)

    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part:
        with self._disk():
            started = self._uploads.need(key, upload_id)
            with started.data() as fd:
                crc32c = write_pieces(fd, (number - 1) * started.part_bytes, body)
            check_written(crc32c, body, self.label, key)
            return started.record_part(number, body.bytes, crc32c)

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[Part], *, if_absent: bool = False
    ) -> None:
        with self._disk():
            started = self._uploads.need(key, upload_id)
            started.truncate(parts)
            self.publish(started.data_path, key, started.facts, if_absent=if_absent)
            started.remove()

    def abort_upload(self, key: str, upload_id: str) -> None:
        with self._disk(), contextlib.suppress(ObjectMissing):
            self._uploads.need(key, upload_id).remove()

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """As the protocol; what killed writers left more than a day ago goes by the way."""
        with self._disk():
            self._drop_leftovers()
            yield from self._uploads.list(prefix)


def copy_file(source: int, target: int) -> None:
    """Copy an open file into another that is empty; the kernel does it where it can."""
    left = os.fstat(source).st_size
    try:
        while left and (count := os.copy_file_range(source, target, left)):
            left -= count
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP):
            raise
    while left and (count := os.sendfile(target, source, None, left)):
        left -= count
    if left:
        raise StoreUnavailable("A file was cut while it was copied.")


def write_pieces(fd: int, offset: int, body: Body) -> int:
    """Write a body at `offset` and return its crc32c; raise UploadIncomplete for another size."""
    crc32c = end = 0
    for piece in body.pieces:
        view = memoryview(piece)
        crc32c = google_crc32c.extend(crc32c, bytes(view))
        while len(view):
            count = os.pwrite(fd, view, offset + end)
            end += count
            view = view[count:]
    if end != body.bytes:
        raise UploadIncomplete(f"A body of {body.bytes} bytes came with {end}.")
    return crc32c


def check_written(crc32c: int, body: Body, label: str, key: str) -> None:
    if body.crc32c is not None and body.crc32c != crc32c:
        raise DigestMismatch(
            f"{label} refused bytes for {key!r}: their crc32c is {crc32c:08x}, "
            f"not {body.crc32c:08x}.",
            key=key,
        )
