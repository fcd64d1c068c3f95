"""What an S3 bucket can do, found out by trying: servers say little and differ much.

The tries are objects of a few bytes that are removed at once, every generation of them. A bucket
that locks whatever is put keeps one of each key; the next probe finds it there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from core.digests import sha256_digest
from core.errors import Conflict, DigestMismatch, FairmeshError, StoreUnavailable
from movement.stores import s3xml
from movement.stores.protocol import Body, Capabilities, Generation, ObjectFacts, ObjectInfo
from movement.stores.s3answers import Ask

_KEY, _COPY = ".fairmesh-probe", ".fairmesh-probe-copy"
_DATA = b"x"
_FACTS = ObjectFacts(sha256_digest(_DATA).removeprefix("sha256:"), "text/plain")


class _Probed(Protocol):
    """What a probe needs of its store."""

    def put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False) -> str: ...
    def copy_within(self, source_key: str, target_key: str, facts: ObjectFacts) -> ObjectInfo: ...
    def generations(self, prefix: str) -> Iterator[Generation]: ...
    def erase(self, generation: Generation) -> None: ...


def look_closely(store: _Probed, ask: Ask) -> Capabilities:
    """Return what a bucket that answers can do. Raises StoreUnavailable when it stops answering."""
    try:
        checksums = _refuses_bad_bytes(store)
        writable = _takes_an_object(store)
        return Capabilities(
            reachable=True,
            ready=True,
            multipart=writable,
            checksums=checksums,
            presign=True,
            server_side_copy=writable and _works(lambda: store.copy_within(_KEY, _COPY, _FACTS)),
            object_lock=_keeps_locks(ask),
            conditional_put=writable and _refuses_a_second(ask),
            writable=writable,
        )
    finally:
        with contextlib.suppress(FairmeshError):
            for generation in list(store.generations(_KEY)):
                store.erase(generation)


def _takes_an_object(store: _Probed) -> bool:
    """Write the object that the other tries need; one that is locked there from before will do."""
    with contextlib.suppress(Conflict):
        return _works(lambda: store.put(_KEY, Body.of(_DATA), _FACTS, if_absent=True))
    return True


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except (StoreUnavailable, Conflict):
        raise
    except FairmeshError:
        return False
    return True


def _refuses_bad_bytes(store: _Probed) -> bool:
    """Offer a byte under a wrong checksum; a server that takes it checks nothing."""
    try:
        store.put(_KEY, Body(1, (_DATA,), 0), _FACTS)
    except DigestMismatch:
        return True
    except StoreUnavailable:
        raise
    except FairmeshError:
        return False
    return False


def _refuses_a_second(ask: Ask) -> bool:
    """Offer an object that is there already; a server that takes it would overwrite in a race."""
    answer = ask("PUT", _KEY, None, {"if-none-match": "*"}, Body.of(_DATA))
    return answer.status in (409, 412)


def _keeps_locks(ask: Ask) -> bool:
    answer = ask("GET", None, {"object-lock": ""})
    if answer.status != 200:
        return False
    return s3xml.parse(answer.document).findtext(".//ObjectLockEnabled") == "Enabled"
