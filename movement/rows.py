"""The rows of a version as one reader may see them: filtered, masked, marked, batch by batch.

What a reader is kept to is asked for again every few seconds while a stream goes on: a grant that
ends, a policy, a label or a removal that changes it ends the stream, which is then seen to be cut.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
from django.utils import timezone

from catalog.models import Product, Version
from catalog.selectors import manifest_entries, manifest_entry, product_resource, version_of
from core.cells import Row, rows_of
from core.errors import Invalid, ObligationUnmet, PolicyDenied
from core.manifest import FileEntry
from core.names import Name
from governance.engine.entities import Action, Decision, Principal
from governance.engine.rewriting import Kept, Rewriting
from governance.services import decide, record_read
from governance.services.obligations import in_words, kept_to
from movement.addresses import reader_of_rows
from movement.engine import tables
from movement.engine.preview import NOTHING, Preview, shown
from movement.objects import buffered, streamed
from movement.opening import open_store
from movement.selectors import (
    Readable,
    readable_named,
    readable_version,
    replica_at,
    situation_at,
)
from movement.services.demand import count_demand

RECHECK_SECONDS = 2.0
_PREVIEW_BATCHES = 8
"""Batches in which the first rows are looked for that a filter keeps."""


@dataclass(frozen=True)
class Asked:
    """What is read, for what, from where."""

    name: str
    purpose: str = ""
    site: str = ""


@dataclass(frozen=True)
class Wish:
    """What of it the reader wants: these columns in this order (all when empty), so many rows."""

    columns: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class RowStream:
    """Rows under one schema."""

    schema: pa.Schema
    """With `notes` as its metadata."""
    batches: Iterator[pa.RecordBatch]
    notes: Mapping[str, str]
    """What the reader is told of the rows: where they come from and what was done to them."""
    watermark: str


def rows_of_file(
    principal: Principal, version_id: UUID, path: str, asked: Asked, wish: Wish
) -> RowStream:
    """Return the rows of one file.

    Raises what `readable_version` raises, ObligationUnmet when the reader is kept to what cannot be
    applied to the file, Invalid when it is no table.
    """
    found = readable_version(principal, version_id, situation_at(asked.purpose, asked.site))
    return _stream(_reading(principal, found, asked), path, wish)


def rows_by_key(version_id: UUID, path: str, key: str, wish: Wish) -> RowStream:
    """Return the rows of one file for who holds the address that resolve gave; decided anew."""
    reader = reader_of_rows(key, version_id, path)
    asked = Asked("", reader.purpose, reader.site)
    return rows_of_file(reader.principal, version_id, path, asked, wish)


def rows_named(principal: Principal, asked: Asked, wish: Wish) -> RowStream:
    """Return the rows of a file, or of all tables of a version in the order of their paths.

    All of them must have the columns of the first; what is no table is passed over.
    """
    name = Name.parse(asked.name)
    found = readable_named(principal, name, situation_at(asked.purpose, asked.site))
    stream = _stream(_reading(principal, found, asked), name.path, wish)
    count_demand(found.version, asked.site)
    return stream


def preview_of_rows(
    principal: Principal, found: Readable, asked: Asked, count: int
) -> tuple[Preview, str]:
    """Return the first rows of the first table as the reader may see them, and its path."""
    reading = _reading(principal, found, asked)
    entry = next(_tabular(found.version, None), None)
    if entry is None:
        return NOTHING, ""
    schema, batches = reading.file(entry, Wish())
    record_read(principal, Action.READ, found.version.name)
    rows: list[Row] = []
    looked = 0
    for looked, batch in enumerate(batches, 1):
        rows += rows_of(batch.slice(0, count + 1 - len(rows)))
        if len(rows) > count or looked == _PREVIEW_BATCHES:
            break
    more = len(rows) > count or looked == _PREVIEW_BATCHES
    return shown(schema, rows[:count], more), entry.path


@dataclass(frozen=True)
class _Reading:
    """One principal's reading of one version, and what it is kept to from its beginning on."""

    principal: Principal
    found: Readable
    asked: Asked
    kept: Kept

    @property
    def version(self) -> Version:
        return self.found.version

    def check(self) -> None:
        """Raise unless the reader may go on and is kept to the same as at the start."""
        product = Product.objects.select_related("domain__team").get(pk=self.version.product_id)
        version_of(product, self.version.number)
        situation = situation_at(self.asked.purpose, self.asked.site)
        now = decide(self.principal, Action.READ, product_resource(product), situation)
        if not now.allow or _kept(now, product, self.asked) != self.kept:
            raise PolicyDenied(f"What you may read of {product.name} has changed; read again.")

    def file(self, entry: FileEntry, wish: Wish) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the schema and the rows of one file as they may be seen."""
        kind = tables.kind_of(entry.path)
        if kind is None:
            raise self._no_table(entry.path)
        replica = replica_at(self.version)
        store, key = open_store(replica.store), replica.base + entry.path
        source = tables.Source(
            entry.path,
            seekable=lambda: buffered(store, key, entry.bytes),
            stream=lambda: streamed(store, key, entry.bytes),
        )
        with _no_values(entry.path):
            table = tables.open_table(kind, source)
            if not table.schema.names:  # nothing is in it, so nothing has to be left out
                return table.schema, iter(())
            rewriting = Rewriting(table.schema, self.kept, wish.columns)
        return rewriting.schema, _rewritten(table, rewriting, entry.path)

    def _no_table(self, path: str) -> Exception:
        obligations = self.found.decision.obligations
        if obligations.rewrite:
            return ObligationUnmet(
                f"{path!r} is no table, so it cannot be {in_words(obligations)}: it is not shown.",
                path=path,
            )
        return Invalid(f"{path!r} is no table; read its bytes instead.", path=path)


def _reading(principal: Principal, found: Readable, asked: Asked) -> _Reading:
    kept = _kept(found.decision, found.version.product, asked)
    return _Reading(principal, found, asked, kept)


def _kept(decision: Decision, product: Product, asked: Asked) -> Kept:
    return kept_to(decision, name=product.name, product_id=product.pk, purpose=asked.purpose)


@contextlib.contextmanager
def _no_values(path: str) -> Iterator[None]:
    """Keep what pyarrow says of values from whoever reads."""
    try:
        yield
    except pa.ArrowException:
        raise ObligationUnmet(f"{path} cannot be shown as it has to be.", path=path) from None


def _rewritten(table: tables.Table, rewriting: Rewriting, path: str) -> Iterator[pa.RecordBatch]:
    for batch in table.batches(rewriting.read):
        with _no_values(path):
            seen = rewriting.apply(batch)
        if seen.num_rows:
            yield seen


def _tabular(version: Version, path: str | None) -> Iterator[FileEntry]:
    if path is not None:
        return iter([manifest_entry(version, path)])
    return (entry for entry in manifest_entries(version) if tables.kind_of(entry.path))


def _stream(reading: _Reading, path: str | None, wish: Wish) -> RowStream:
    """Open the first file and read its first rows, so that what is refused is refused at once."""
    entries = _tabular(reading.version, path)
    first = next(entries, None)
    if first is None:
        raise Invalid(f"{reading.version.name} holds no table; read its bytes instead.")
    schema, batches = reading.file(first, wish)
    at = timezone.now()
    notes = _notes(reading, schema, at)
    marked = schema.with_metadata({f"fairmesh.{key}": value for key, value in notes.items()})
    opened = next(batches, None)
    record_read(reading.principal, Action.READ, reading.version.name)
    begun = [] if opened is None else [opened]
    rows = chain(begun, batches, _others(reading, entries, wish, schema))
    whole = _limited(_checked(rows, reading.check), wish.limit)
    return RowStream(marked, whole, notes, _watermark(reading, at))


def _others(
    reading: _Reading, entries: Iterator[FileEntry], wish: Wish, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the files behind the first one."""
    for entry in entries:
        found, batches = reading.file(entry, wish)
        if found.names and found != schema:
            raise Invalid(f"{entry.path} has other columns than the files before it.")
        yield from batches


def _checked(
    batches: Iterator[pa.RecordBatch], check: Callable[[], None]
) -> Iterator[pa.RecordBatch]:
    """Yield the batches, asking again between them whether the reader may go on."""
    asked_at = time.monotonic()
    for batch in batches:
        if time.monotonic() - asked_at > RECHECK_SECONDS:
            check()
            asked_at = time.monotonic()
        yield batch


def _limited(batches: Iterator[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        if left:
            yield batch.slice(0, left)
        left -= min(left, batch.num_rows)
        if not left:
            return


def _notes(reading: _Reading, schema: pa.Schema, at: datetime) -> dict[str, str]:
    """Return what is told with the rows; none of it tells what was left out."""
    decision, version = reading.found.decision, reading.version
    masks = reading.kept.masks(schema.names)
    told = {path: str(mask) for path, mask in masks.items() if _is_in(path, schema)}
    notes = {
        "version": version.name,
        "digest": version.digest,
        "purpose": reading.asked.purpose,
        "policies": json.dumps(list(decision.policies)),
        "policy-set": decision.policy_set,
        "masks": json.dumps(told, sort_keys=True),
        "rows-filtered": json.dumps(decision.obligations.rows is not True),
    }
    if watermark := _watermark(reading, at):
        notes["watermark"] = watermark
    return notes


def _is_in(path: str, schema: pa.Schema) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in schema.names)


def _watermark(reading: _Reading, at: datetime) -> str:
    """Return who read this and when, as a header can carry it; empty when nothing asks for it."""
    marks = reading.found.decision.obligations.watermarks
    if not marks:
        return ""
    person = reading.principal.on_behalf_of
    who = reading.principal.id + (f" for {person.id}" if person else "")
    parts = {"principal": who, "at": at.isoformat(timespec="seconds"), "text": "; ".join(marks)}
    return "; ".join(f"{key}={quote(value, safe=':+ ')}" for key, value in parts.items())
