"""Reading a version: where its files are to be had, its first rows, its bytes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import islice
from typing import Self
from uuid import UUID

from catalog.models import Version
from catalog.selectors import manifest_entries, manifest_entry, product_for, version_of
from core.errors import IntegrityBroken
from core.manifest import FileEntry
from core.names import Name
from governance.engine.entities import Action, Principal
from movement.addresses import address_of, check_key
from movement.engine.distance import Distance, Place, distance
from movement.engine.preview import NOTHING, TABULAR, Preview, preview
from movement.models import Replica, ReplicaState
from movement.objects import buffered
from movement.opening import open_store, told
from movement.selectors import (
    UNREACHABLE_SITES,
    place_of,
    preference,
    published_version,
    readable_version,
    replica_at,
    situation_at,
)

PIECE_BYTES = 256 * 1024
_LOOKED_AT = 10_000
"""Files among which the first tabular one is looked for."""


@dataclass(frozen=True)
class Asked:
    """What is read, for what, from where."""

    name: str
    purpose: str = ""
    site: str = ""


@dataclass(frozen=True)
class FoundReplica:
    """A replica that may be read, and how far it is."""

    replica: Replica
    distance: Distance


@dataclass(frozen=True)
class FoundFile:
    """A file and its addresses, the best first."""

    entry: FileEntry
    urls: list[str]


@dataclass(frozen=True)
class Resolved:
    """One page of the answer of resolve."""

    version: Version
    replicas: list[FoundReplica]
    files: list[FoundFile]
    next_cursor: str | None


def resolve(principal: Principal, asked: Asked, *, after: str = "", count: int = 500) -> Resolved:
    """Return where the files of a product's latest version, a version or a file are to be had.

    The best replica comes first: one that answers, then the same site, then the same jurisdiction.
    Sites that are away are told of and give no addresses. Raises NotFound when the name is hidden
    or absent, PolicyDenied without the right to read for this purpose at this site, Gone.
    """
    name, situation = Name.parse(asked.name), situation_at(asked.purpose, asked.site)
    version = version_of(product_for(principal, Action.READ, name, situation), name.version)
    here = Place(situation.site, tuple(sorted(situation.jurisdictions)))
    replicas = _ordered(version, here)
    if name.path is not None:
        page, more = [manifest_entry(version, name.path)], None
    else:
        page = list(islice(manifest_entries(version, after=after), count + 1))
        more = page[count - 1].path if len(page) > count else None
    readable = [r for r in replicas if r.store.site.state not in UNREACHABLE_SITES]
    return Resolved(
        version,
        [FoundReplica(r, distance(here, place_of(r.store.site))) for r in replicas],
        [
            FoundFile(entry, [address_of(replica, entry.path) for replica in readable])
            for entry in page[:count]
        ],
        more,
    )


def _ordered(version: Version, here: Place) -> list[Replica]:
    replicas = version.replicas.filter(state=ReplicaState.COMPLETE).select_related("store__site")
    return sorted(replicas, key=lambda replica: preference(replica, here))


def preview_version(
    principal: Principal, version_id: UUID, asked: Asked, rows: int
) -> tuple[Preview, str]:
    """Return the first rows of a version's first tabular file, and its path; rows need READ."""
    situation = situation_at(asked.purpose, asked.site)
    version = readable_version(principal, version_id, situation)
    entries = islice(manifest_entries(version), _LOOKED_AT)
    entry = next((entry for entry in entries if entry.media_type in TABULAR), None)
    if entry is None:
        return NOTHING, ""
    replica = replica_at(version)
    store, key = open_store(replica.store), replica.base + entry.path
    opened = buffered(store, key, entry.bytes)
    return preview(entry.media_type, entry.bytes, lambda: opened, rows), entry.path


@dataclass(frozen=True)
class Content:
    """One file of a replica, checked to be readable by whoever asked."""

    entry: FileEntry
    replica: Replica

    def open(self, offset: int, length: int) -> Pieces:
        """Open a range. Raises what the store raises, before the first byte is given away."""
        return Pieces(self, offset, length)


def content_by_key(version_id: UUID, store: str, path: str, key: str) -> Content:
    """Return a file for who holds the signed address that resolve gave out."""
    check_key(key, version_id, store, path)
    version = published_version(version_id)
    return Content(manifest_entry(version, path), replica_at(version, store))


def content_for(
    principal: Principal, version_id: UUID, path: str, store: str, asked: Asked
) -> Content:
    """Return a file for who may read its product."""
    situation = situation_at(asked.purpose, asked.site)
    version = readable_version(principal, version_id, situation)
    return Content(manifest_entry(version, path), replica_at(version, store))


class Pieces:
    """The bytes of a range, piece by piece; closes the store's connection at its end."""

    def __init__(self, content: Content, offset: int, length: int) -> None:
        replica, entry = content.replica, content.entry
        self._buffer = bytearray(PIECE_BYTES)
        with contextlib.ExitStack() as opened:
            store = open_store(replica.store)
            self._reader = opened.enter_context(
                store.open(replica.base + entry.path, offset, length)
            )
            if self._reader.object_bytes != entry.bytes:
                raise IntegrityBroken(
                    told(replica.store, f"{entry.path!r} is not whole at {replica.store.name}."),
                    path=entry.path,
                )
            self._opened = opened.pop_all()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        count = self._reader.readinto(self._buffer)
        if not count:
            self.close()
            raise StopIteration
        return bytes(memoryview(self._buffer)[:count])

    def close(self) -> None:
        self._opened.close()
