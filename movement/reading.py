"""Reading a version: where its files are to be had, its first rows, its bytes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import islice
from typing import Self
from uuid import UUID

from catalog.models import Version
from catalog.selectors import manifest_entries, manifest_entry
from core.errors import IntegrityBroken
from core.manifest import FileEntry
from core.names import Name
from governance.engine.entities import Action, Principal
from governance.engine.obligations import Obligations
from governance.services import record_read
from governance.services.obligations import refuse_bytes
from movement.addresses import Reader, address_of, reader_of_content, rows_address
from movement.engine.distance import Place
from movement.engine.preview import NOTHING, TABULAR, Preview, preview
from movement.engine.tables import kind_of
from movement.models import Replica
from movement.objects import buffered
from movement.opening import open_store, told
from movement.rows import Asked, preview_of_rows
from movement.selectors import readable_named, readable_version, replica_at, situation_at
from movement.services.demand import count_demand
from movement.serving import Offer, offers_of

PIECE_BYTES = 256 * 1024
_LOOKED_AT = 10_000
"""Files among which the first tabular one is looked for."""


@dataclass(frozen=True)
class FoundFile:
    """A file and its addresses, the best first; or, where bytes are not to be had, of its rows."""

    entry: FileEntry
    urls: list[str]
    rows_url: str | None = None


@dataclass(frozen=True)
class Resolved:
    """One page of the answer of resolve."""

    version: Version
    replicas: list[Offer]
    files: list[FoundFile]
    next_cursor: str | None
    obligations: Obligations
    file: FileEntry | None = None
    """The one file that was asked for by its name."""


def resolve(principal: Principal, asked: Asked, *, after: str = "", count: int = 500) -> Resolved:
    """Return where the files of a product's latest version, a version or a file are to be had.

    The best replica comes first, as `offers_of` orders them; one that gives no address says why.
    Where an obligation applies, no bytes
    are to be had, and each tabular file has the address of its rows instead. Raises NotFound when
    the name is hidden or absent, PolicyDenied without the right to read for this purpose at this
    site, Gone.
    """
    name, situation = Name.parse(asked.name), situation_at(asked.purpose, asked.site)
    found = readable_named(principal, name, situation)
    version, obligations = found.version, found.decision.obligations
    here = Place(situation.site, tuple(sorted(situation.jurisdictions)))
    offers = offers_of(version, found.resource, here)
    file = None
    if name.path is not None:
        file = manifest_entry(version, name.path)
        page, more = [file], None
    else:
        page = list(islice(manifest_entries(version, after=after), count + 1))
        more = page[count - 1].path if len(page) > count else None
    serving = [offer.replica for offer in offers if offer.serves]
    reader = Reader(principal, asked.purpose, asked.site)
    if not after:
        record_read(principal, Action.READ, version.name)
        count_demand(version, situation.site)
    if obligations.rewrite:
        files = [FoundFile(e, [], _rows_url(version, e.path, reader)) for e in page[:count]]
    else:
        files = [
            FoundFile(entry, [address_of(replica, entry.path, reader) for replica in serving])
            for entry in page[:count]
        ]
    return Resolved(version, offers, files, more, obligations, file)


def _rows_url(version: Version, path: str, reader: Reader) -> str | None:
    return rows_address(version.pk, path, reader) if kind_of(path) else None


@dataclass(frozen=True)
class Previewed:
    """The first rows of one file, as the reader may see them."""

    preview: Preview
    path: str
    obligations: Obligations

    @property
    def columns(self) -> list[dict[str, str]]:
        return [{"name": name, "type": kind} for name, kind in self.preview.columns]


def preview_version(principal: Principal, version_id: UUID, asked: Asked, rows: int) -> Previewed:
    """Return the first rows of a version's first tabular file; rows need READ."""
    situation = situation_at(asked.purpose, asked.site)
    found = readable_version(principal, version_id, situation)
    version, obligations = found.version, found.decision.obligations
    if obligations.rewrite:
        return Previewed(*preview_of_rows(principal, found, asked, rows), obligations)
    entries = islice(manifest_entries(version), _LOOKED_AT)
    entry = next((entry for entry in entries if entry.media_type in TABULAR), None)
    if entry is None:
        return Previewed(NOTHING, "", obligations)
    replica = replica_at(version)
    store, key = open_store(replica.store), replica.base + entry.path
    opened = buffered(store, key, entry.bytes)
    record_read(principal, Action.READ, version.name)
    first = preview(entry.media_type, entry.bytes, lambda: opened, rows)
    return Previewed(first, entry.path, obligations)


@dataclass(frozen=True)
class Content:
    """One file of a replica, checked to be readable by whoever asked."""

    entry: FileEntry
    replica: Replica
    reader: Reader
    offers: list[Offer]

    def duplicates(self) -> list[str]:
        """Return where else the same bytes are to be had, the best first."""
        return [
            address_of(offer.replica, self.entry.path, self.reader)
            for offer in self.offers
            if offer.serves and offer.replica.pk != self.replica.pk
        ]

    def open(self, offset: int, length: int) -> Pieces:
        """Open a range. Raises what the store raises, before the first byte is given away.

        A file that is read in parts counts as one read.
        """
        if offset == 0:
            record_read(self.reader.principal, Action.READ, self.replica.version.product.name)
        return Pieces(self, offset, length)


def content_by_key(version_id: UUID, store: str, path: str, key: str) -> Content:
    """Return a file for who holds the signed address that resolve gave out; decided anew."""
    reader = reader_of_content(key, version_id, store, path)
    return _content(reader, version_id, path, store)


def content_for(
    principal: Principal, version_id: UUID, path: str, store: str, asked: Asked
) -> Content:
    """Return a file for who may read its product, and all of it: raises ObligationApplies."""
    content = _content(Reader(principal, asked.purpose, asked.site), version_id, path, store)
    count_demand(content.replica.version, asked.site)  # what resolve gave out is counted there
    return content


def _content(reader: Reader, version_id: UUID, path: str, store: str) -> Content:
    situation = situation_at(reader.purpose, reader.site)
    found = readable_version(reader.principal, version_id, situation)
    entry = manifest_entry(found.version, path)
    refuse_bytes(
        reader.principal,
        found.resource,
        found.decision,
        "Read its rows, at `rows_url` for a table, instead of its bytes.",
        rows_url=_rows_url(found.version, path, reader),
    )
    here = Place(situation.site, tuple(sorted(situation.jurisdictions)))
    offers = offers_of(found.version, found.resource, here)
    serving = [offer.replica for offer in offers if offer.serves]
    named = [replica for replica in serving if store in ("", replica.store.name)]
    replica = named[0] if named else replica_at(found.version, store)
    return Content(entry, replica, reader, offers)


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
