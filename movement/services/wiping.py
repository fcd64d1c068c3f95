"""Bytes are removed from a store and looked for again; what others refer to is left.

An object is another's when a version that still stands, or that is held, has it among its files:
registered objects may lie below our own prefix, and two products may register the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Q

from catalog.models import Version, VersionState
from catalog.selectors import manifest_entries
from core.errors import ObjectLocked, StoreUnavailable
from governance.holds import holds_on
from movement.models import Replica, ReplicaOrigin, ReplicaState, Store, StoreKind
from movement.opening import open_store
from movement.services.sealing import SEAL_FOLDER
from movement.stores.protocol import Generation
from movement.stores.protocol import Store as ObjectStore

Check = Callable[[], None]
_LOOKS = 3
"""How often a prefix is gone through before what still appears there is waited for."""


@dataclass(frozen=True)
class Sharer:
    """Another version that has files at or around a prefix of the store at hand."""

    top: str
    """What stands before every key of the store at hand."""
    base: str
    """Where the other's files lie, in the same bucket or file system."""
    paths: frozenset[str]

    def has(self, key: str) -> bool:
        whole = self.top + key
        if not whole.startswith(self.base):
            return False
        path = whole.removeprefix(self.base)
        return path in self.paths or path.startswith(SEAL_FOLDER)

    def lies_at(self, base: str) -> bool:
        return self.base == self.top + base


@dataclass
class Wiped:
    """What was done below one prefix."""

    objects: int = 0
    bytes: int = 0
    uploads: int = 0
    shared: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    locked_until: str = ""

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "objects": self.objects, "bytes": self.bytes, "uploads": self.uploads,
        }  # fmt: skip
        if self.shared:
            found["shared"] = len(self.shared)
        if self.locked:
            found |= {"locked": len(self.locked), "locked_until": self.locked_until}
        return found


class Pulse:
    """Calls `renew` now and then, so that a long removal keeps its lease."""

    def __init__(self, renew: Check) -> None:
        self._renew, self._last = renew, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last > settings.FAIRMESH.lease_seconds / 4:
            self._renew()
            self._last = time.monotonic()


def wipe_prefix(row: Store, base: str, others: list[Sharer], check: Check) -> Wiped:
    """Remove all that a store keeps below `base`, unfinished uploads too, and see that it is gone.

    Raises StoreUnavailable when objects keep appearing; what the store raises otherwise.
    """
    store, wiped = open_store(row), Wiped()
    for upload in store.uploads(base):
        store.abort_upload(upload.key, upload.upload_id)
        wiped.uploads += 1
    for _ in range(_LOOKS):
        left = [each for each in store.generations(base) if not _stays(each, others, wiped)]
        if not left:
            return wiped
        for each in left:
            check()
            _erase(store, each, wiped)
    raise StoreUnavailable(f"Objects below {base!r} are still there after they were removed.")


def wipe_files(
    row: Store, base: str, version: Version, others: list[Sharer], check: Check
) -> Wiped:
    """Remove the files of a version that were registered below `base`, and no other object.

    The seal that we wrote beside them goes too, unless another version's lies there.
    """
    store, wiped = open_store(row), Wiped()
    for key in _keys(store, base, version, others):
        for _ in range(_LOOKS):
            found = [each for each in store.generations(key) if each.key == key]
            left = [each for each in found if not _stays(each, others, wiped)]
            for each in left:
                _erase(store, each, wiped)
            check()
            if not left:
                break
        else:
            raise StoreUnavailable(f"{key!r} is still there after it was removed.")
    return wiped


def _keys(store: ObjectStore, base: str, version: Version, others: list[Sharer]) -> Iterator[str]:
    for entry in manifest_entries(version):
        yield base + entry.path
    if not any(other.lies_at(base) for other in others):
        yield from {each.key for each in store.generations(base + SEAL_FOLDER)}


def _stays(generation: Generation, others: list[Sharer], wiped: Wiped) -> bool:
    key = generation.key
    if key in wiped.locked:
        return True
    if any(other.has(key) for other in others):
        wiped.shared.add(key)
        return True
    return False


def _erase(store: ObjectStore, generation: Generation, wiped: Wiped) -> None:
    try:
        store.erase(generation)
    except ObjectLocked as error:
        wiped.locked.add(generation.key)
        wiped.locked_until = max(wiped.locked_until, str(error.extra.get("until") or ""))
        return
    if not generation.mark:
        wiped.objects += 1
        wiped.bytes += generation.bytes


def sharers_of(replica_id: object, store: Store, base: str, *, own: bool) -> list[Sharer]:
    """Return the versions that stand, or are held, whose objects may lie below `base` or above it.

    The same bucket or folder may be registered as several stores: they are looked at as one. With
    `own` the prefix is a version's name, which only who registered objects there can share; else
    every replica of the bucket is looked at once.
    """
    top = _absolute(store, "")
    mine, found = top + base, []
    for other in _neighbours(store, own):
        theirs = _absolute(other.store, other.base)
        if other.pk == replica_id or not (theirs.startswith(mine) or mine.startswith(theirs)):
            continue
        if other.version.state != VersionState.TOMBSTONED or holds_on(other.version.name):
            found.append(Sharer(top, theirs, _paths(other.version)))
    return found


def _neighbours(store: Store, own: bool) -> Iterator[Replica]:
    """Yield the replicas in the same bucket, or in any folder."""
    if store.kind == StoreKind.S3:
        same = Q(store__endpoint=store.endpoint, store__bucket=store.bucket)
    else:
        same = Q(store__kind=StoreKind.DIRECTORY)
    lying = Replica.objects.exclude(state=ReplicaState.DELETED).filter(same)
    if own:
        lying = lying.filter(origin=ReplicaOrigin.REGISTERED)
    yield from lying.select_related("store", "version__product").iterator(chunk_size=500)


def _absolute(store: Store, base: str) -> str:
    """Return a key as it is in the bucket, or in the file system."""
    if store.kind == StoreKind.DIRECTORY:
        return f"{store.root.rstrip('/')}/{base}"
    prefix = store.prefix.strip("/")
    return f"{prefix}/{base}" if prefix else base


def _paths(version: Version) -> frozenset[str]:
    if version.state == VersionState.DRAFT:
        return frozenset(version.draft_files.values_list("path", flat=True))
    return frozenset(entry.path for entry in manifest_entries(version))
