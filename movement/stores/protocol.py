"""What every store can do, and what it promises while doing it.

A store holds immutable objects under keys. Nothing is visible under a key before it is whole:
a writer that is aborted, that fails or whose process dies leaves no object behind, at most an
upload that `uploads` lists and `abort_upload` removes. The contract suite, tests/contracts, runs on
every implementation.

Errors, all from core.errors: StoreUnavailable (try again later), StoreRefused (credentials or
request; trying again does not help), ObjectMissing, DigestMismatch (the store refused bytes that
do not match their checksum), Conflict, Invalid (a key or a value that no store accepts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import google_crc32c

from core.digests import CHUNK_BYTES
from core.errors import Invalid

PART_BYTES = CHUNK_BYTES
"""A multipart upload carries whole integrity units, so that a part is proved by its chunks."""
PARTS_MAX = 10_000
"""Parts one S3 upload may have."""
PRESIGN_SECONDS_MAX = 3_600
KEY_BYTES_MAX = 1_024
READ_BYTES_MAX = 64 * 1024 * 1024
"""What `Store.read` holds in memory at most; longer objects are opened and streamed."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MEDIA_TYPE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,254}")

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as the store tells it."""

    key: str
    bytes: int
    etag: str
    sha256: str | None
    """What was recorded when it was written; None when unknown, and always None in a listing."""
    modified: datetime
    """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is recorded with an object: its whole sha256 (64 hexadecimal digits) and its type."""

    sha256: str
    media_type: str

    def __post_init__(self) -> None:
        check_sha256(self.sha256)
        check_media_type(self.media_type)


@dataclass(frozen=True, slots=True)
class Body:
    """Exactly `bytes` bytes to store, in pieces; each piece is used before the next is taken.

    When taking a piece raises, the store keeps nothing of the body. With `crc32c` the store
    refuses bytes that do not match it (DigestMismatch).
    """

    bytes: int
    pieces: Iterable[Bytes]
    crc32c: int | None = None

    @classmethod
    def of(cls, data: Bytes) -> Body:
        return cls(len(data), (data,), google_crc32c.value(bytes(data)))


@dataclass(frozen=True, slots=True)
class Part:
    """One stored piece of an unfinished upload."""

    number: int
    """From 1."""
    bytes: int
    etag: str
    crc32c: int | None
    """As the store vouches for it; None when the store does not tell."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was begun and neither completed nor aborted."""

    key: str
    upload_id: str
    started: datetime


@dataclass(frozen=True, slots=True)
class Generation:
    """One thing that a store keeps under a key: the object, an earlier one, or a mark.

    A bucket with versioning keeps what was overwritten and what was deleted; a deletion leaves a
    mark. Elsewhere every object has the one generation that is listed.
    """

    key: str
    bytes: int
    version: str
    """The store's own id of it; empty when the store keeps one generation only."""
    mark: bool


CAPABILITIES = (
    "multipart", "checksums", "presign", "server_side_copy", "object_lock", "conditional_put",
    "writable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a probe found; `problem` says what to mend when the store cannot be used."""

    reachable: bool
    ready: bool
    """The bucket or folder is there and may be read."""
    multipart: bool = False
    checksums: bool = False
    """Bytes that do not match a sent crc32c are refused by the store itself."""
    presign: bool = False
    server_side_copy: bool = False
    object_lock: bool = False
    """`lock` works: the store can keep an object from everyone."""
    conditional_put: bool = False
    """Of two writers that both put if absent the store lets one through."""
    writable: bool = False
    """With these credentials; False of a store that is only ever read from."""
    problem: str | None = None

    def flags(self) -> dict[str, bool]:
        """Return what it can do, by name, as it is kept and shown."""
        told = asdict(self)
        return {name: told[name] for name in CAPABILITIES}

    @classmethod
    def well(cls, flags: Mapping[str, object]) -> Capabilities:
        """Return those of a store that answers, with the flags that an earlier probe found."""
        known = {name: bool(flags.get(name)) for name in CAPABILITIES}
        return replace(cls(True, True), **known)  # type: ignore[arg-type]  # all are flags


class Reader(Protocol):
    """An open range of an object."""

    @property
    def object_bytes(self) -> int:
        """The size of the whole object, whatever the range."""
        ...

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill the start of `buffer` and return how much; 0 only at the end of the range.

        Raises StoreUnavailable when the stream breaks off early.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A GET that is on its way: it is opened or dropped."""

    drop: Callable[[], None]
    open: Callable[[], AbstractContextManager[Reader]]
    """Raises as `Store.open` does."""


@dataclass(frozen=True, slots=True)
class AskedPut:
    """A PUT whose body is sent: its answer is taken or it is dropped, and then may have worked."""

    drop: Callable[[], None]
    finish: Callable[[], str]
    """Returns and raises what `Store.put` does."""


class Writer(Protocol):
    """A stream to one key; memory stays within one part whatever the size.

    Leaving the context without a commit aborts.
    """

    def write(self, data: Bytes) -> None: ...

    def commit(self, sha256: str) -> ObjectInfo:
        """Make the object visible; the caller vouches for `sha256`, which is recorded with it."""
        ...

    def abort(self) -> None:
        """Leave nothing behind; harmless when repeated or after a commit."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Store(Protocol):
    """One place for objects. Safe to use from many threads at once."""

    @property
    def label(self) -> str:
        """Names the store in errors and logs; holds no secret."""
        ...

    def probe(self, known: Capabilities | None = None) -> Capabilities:
        """Say what works, within seconds; never raises for a store that is down.

        Finding out what a store can do may take writing an object and removing it. With `known`,
        the finding of an earlier probe, that is taken over, and nothing is written.
        """
        ...

    def ensure_ready(self) -> None:
        """Make the bucket or folder when it is not there."""
        ...

    def stat(self, key: str) -> ObjectInfo | None: ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield objects whose key starts with `prefix`, in the order of the keys' UTF-8 bytes."""
        ...

    def open(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        """Open a range; past the object's end it is empty. Raises ObjectMissing."""
        ...

    def read(self, key: str) -> bytes:
        """Return an object of at most 64 MiB whole. Raises ObjectMissing, Invalid above that."""
        ...

    def write(self, key: str, data: Bytes, *, sha256: str, media_type: str) -> ObjectInfo:
        """Store a small object whole. Raises DigestMismatch when `data` is not `sha256`."""
        ...

    def put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False) -> str:
        """Store one streamed body and return its etag; the caller vouches for `facts.sha256`.

        With `if_absent` an object that is already there stays, and Conflict is raised. Without the
        capability `conditional_put` that is looked at beforehand: it does not hold against another
        writer at the same moment, and the log says so.
        """
        ...

    def writer(self, key: str, *, media_type: str, total_bytes: int | None = None) -> Writer: ...

    def copy_within(self, source_key: str, target_key: str, facts: ObjectFacts) -> ObjectInfo:
        """Make another object of the same bytes inside the store; what is there is replaced.

        The caller vouches for `facts`. Raises ObjectMissing, DigestMismatch when the source is
        recorded with another sha256, StoreRefused without the capability `server_side_copy`.
        """
        ...

    def lock(self, key: str, until: datetime | None, *, hold: bool | None = None) -> None:
        """Keep an object from everyone until a time, and under a legal hold while `hold`.

        A time that stands already is never shortened; None asks for none. `hold` False lifts a
        hold, None leaves it as it is. `erase` raises ObjectLocked meanwhile. Raises ObjectMissing,
        StoreRefused without the capability `object_lock`.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    def generations(self, prefix: str) -> Iterator[Generation]:
        """Yield all that is kept under keys that start with `prefix`, in no certain order.

        `delete` may leave the bytes in a versioned bucket; nothing here means that they are gone.
        """
        ...

    def erase(self, generation: Generation) -> None:
        """Remove one generation for good; one that is not there is no error.

        Raises ObjectLocked while the store keeps it from everyone.
        """
        ...

    def presign_get(self, key: str, seconds: int) -> str | None:
        """Return a URL that reads the object for `seconds`; None when the store has no URLs."""
        ...

    def begin_upload(self, key: str, facts: ObjectFacts, *, part_bytes: int) -> str:
        """Begin an upload whose parts, but for the last, have `part_bytes`; return its id."""
        ...

    def parts(self, key: str, upload_id: str) -> tuple[Part, ...]:
        """Return the stored parts by number. Raises ObjectMissing for an unknown upload."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part: ...

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[Part], *, if_absent: bool = False
    ) -> None:
        """Join the parts, given from number 1 without a gap, and make the object visible.

        Each carries its crc32c: as `put_part` returned it, or, where `parts` told none, as the
        caller knows it. Servers that were promised checksums want them here again.

        With `if_absent` as `put`: an object that is already there stays, and Conflict is raised;
        the upload stays too, to be completed without a condition or aborted.
        """
        ...

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; one that is not there is no error."""
        ...

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        """Yield unfinished uploads of keys that start with `prefix`: resumable or abandoned."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A store over a wire: of its requests several can be on their way from one thread."""

    def ask(self, key: str) -> Asked:
        """Send the request for a whole object. Raises StoreUnavailable."""
        ...

    def ask_put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool) -> AskedPut:
        """Send a short object whole, as `Store.put`. Raises StoreUnavailable, Conflict."""
        ...


def check_key(key: str) -> str:
    """Return `key` when every store can hold it; raise Invalid otherwise.

    No component is empty, `.` or `..`, so that a key can never climb out of its store, and no
    character is a control character or a lone surrogate.
    """
    components = key.split("/")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise Invalid("An object key is not valid Unicode.", key=ascii(key)) from None
    if any(component in ("", ".", "..") for component in components):
        raise Invalid(
            f"The key {key!r} has an empty, '.' or '..' component; name each folder.", key=key
        )
    if _CONTROL.search(key):
        raise Invalid(f"The key {key!r} holds a control character; remove it.", key=key)
    if size > KEY_BYTES_MAX:
        raise Invalid(f"A key takes {size} bytes; stores hold {KEY_BYTES_MAX}.", key=key)
    return key


def check_sha256(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise Invalid(f"{sha256!r} is not a sha256 of 64 lower-case hexadecimal digits.")
    return sha256


def check_media_type(media_type: str) -> str:
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise Invalid(f"{media_type!r} is not a media type.")
    return media_type


def check_presign_seconds(seconds: int) -> int:
    if not 1 <= seconds <= PRESIGN_SECONDS_MAX:
        raise Invalid(f"A read URL lives for 1 to {PRESIGN_SECONDS_MAX} seconds, not {seconds}.")
    return seconds


def read_all(reader: Reader, key: str) -> bytes:
    """Return all that a reader gives. Raises Invalid above READ_BYTES_MAX."""
    if reader.object_bytes > READ_BYTES_MAX:
        raise Invalid(f"{key!r} has {reader.object_bytes} bytes; open it and stream.", key=key)
    data = bytearray(reader.object_bytes)
    end = 0
    while count := reader.readinto(memoryview(data)[end:]):
        end += count
    return bytes(data[:end])


def part_bytes_for(total_bytes: int) -> int:
    """Return the smallest multiple of 16 MiB that fits `total_bytes` into 10,000 parts."""
    chunks = -(-total_bytes // CHUNK_BYTES)
    return max(1, -(-chunks // PARTS_MAX)) * CHUNK_BYTES
