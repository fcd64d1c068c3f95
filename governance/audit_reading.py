"""Reading the audit log: who did what in clear, what proves it, and the whole of it for export."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core import merkle
from core.errors import Conflict, IntegrityBroken, NotFound
from core.tiles import WIDTH, TiledTree
from governance.engine import leaves
from governance.models import AuditCheckpoint, AuditEntry, AuditTile, ClearText

EXPORT_FORMAT = "fairmesh-audit/1"
_AT_ONCE = 2048


# -- entries in clear


def entry_of(row: AuditEntry) -> dict[str, Any]:
    """Return the fields of an entry that are hashed."""
    return {
        "at": row.at.isoformat(),
        "principal": row.principal,
        "on_behalf_of": row.on_behalf_of,
        "action": row.action,
        "name": row.name,
        "allowed": row.allowed,
        "policies": row.policies,
        "policy_set": row.policy_set,
        "detail": row.detail,
    }


def leaf_of(row: AuditEntry) -> str:
    """Return the leaf hash of an entry as its columns are now, in hexadecimal."""
    return merkle.leaf_hash(leaves.entry_bytes(entry_of(row))).hex()


def clear_texts(rows: Iterable[AuditEntry]) -> dict[str, str]:
    """Return what the commitments in some entries stand for; what was erased is not there."""
    wanted = leaves.commitments_in(entry_of(row) for row in rows)
    found = ClearText.objects.filter(commitment__in=wanted)
    return dict(found.values_list("commitment", "value"))


def in_clear(row: AuditEntry, clear: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry as people read it: clear names, and `erased` for those that are gone."""
    entry = {field: leaves.revealed(value, clear) for field, value in entry_of(row).items()}
    return {"id": row.pk, "position": row.position, **entry, "at": row.at, "leaf": row.leaf}


# -- the tree


def read_tile(level: int, number: int) -> bytes:
    tile = AuditTile.objects.filter(level=level, number=number).values_list("hashes").first()
    if tile is None:
        raise IntegrityBroken(f"The audit log has lost the tile {level}/{number} of its tree.")
    return bytes(tile[0])


def latest_checkpoint() -> AuditCheckpoint:
    """Return the newest checkpoint; raise NotFound while nothing has been sequenced."""
    found = AuditCheckpoint.objects.order_by("-size").first()
    if found is None:
        raise NotFound("The audit log has no checkpoint yet; the first act has one in seconds.")
    return found


def root_at(size: int) -> bytes:
    """Return the root that the log had when it was `size` entries long."""
    return merkle.root(size, TiledTree(read_tile).node)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an entry stands in the log of some size."""

    entry: AuditEntry
    size: int
    root: bytes
    proof: list[bytes]
    checkpoint: AuditCheckpoint


def inclusion_of(entry: AuditEntry, size: int | None = None) -> Inclusion:
    """Return the proof that `entry` stands in the log, of the newest size unless told."""
    if entry.position is None:
        raise Conflict("The entry has no place in the log yet; ask again in a few seconds.")
    checkpoint = latest_checkpoint()
    size = _within(checkpoint, checkpoint.size if size is None else size)
    node = TiledTree(read_tile).node
    proof = merkle.inclusion(entry.position, size, node)
    return Inclusion(entry, size, merkle.root(size, node), proof, checkpoint)


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the log of one size begins with the log of another."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    proof: list[bytes]
    checkpoint: AuditCheckpoint


def consistency_of(old: int, new: int | None = None) -> Consistency:
    """Return the proof that the log was only ever added to between two of its sizes."""
    checkpoint = latest_checkpoint()
    new = _within(checkpoint, checkpoint.size if new is None else new)
    node = TiledTree(read_tile).node
    proof = merkle.consistency(old, new, node)
    roots = merkle.root(old, node), merkle.root(new, node)
    return Consistency(old, new, *roots, proof, checkpoint)


def _within(checkpoint: AuditCheckpoint, size: int) -> int:
    if size > checkpoint.size:
        raise Conflict(
            f"The log has {checkpoint.size} sequenced entries, not {size}.", size=checkpoint.size
        )
    return size


def inclusion_told(found: Inclusion) -> dict[str, Any]:
    """Return a proof of inclusion as the API tells it, with what is known of the entry's people."""
    entry = entry_of(found.entry)
    known = ClearText.objects.filter(commitment__in=leaves.commitments_in([entry]))
    return {
        "entry": leaves.entry_bytes(entry).decode(),
        "position": found.entry.position,
        "size": found.size,
        "root": found.root.hex(),
        "proof": [part.hex() for part in found.proof],
        "clear": list(known.values("commitment", "salt", "value")),
        "checkpoint": found.checkpoint,
    }


def consistency_told(found: Consistency) -> dict[str, Any]:
    """Return a proof of consistency as the API tells it."""
    return {
        "old_size": found.old,
        "new_size": found.new,
        "old_root": found.old_root.hex(),
        "new_root": found.new_root.hex(),
        "proof": [part.hex() for part in found.proof],
        "checkpoint": found.checkpoint,
    }


# -- the whole log


def leaf_lines(start: int, end: int) -> Iterator[bytes]:
    """Yield what is hashed of each entry from one position to another, in order.

    Where a row is gone an empty object stands for it, so that a reader sees which.
    """
    for _, line in _placed(start, end):
        yield line


def _placed(start: int, end: int) -> Iterator[tuple[AuditEntry | None, bytes]]:
    for at in range(start, end, _AT_ONCE):
        until = min(at + _AT_ONCE, end)
        rows = AuditEntry.objects.filter(position__gte=at, position__lt=until)
        by_position = {row.position: row for row in rows}
        for position in range(at, until):
            row = by_position.get(position)
            yield row, b"{}" if row is None else leaves.entry_bytes(entry_of(row))


def export_lines(checkpoint: AuditCheckpoint) -> Iterator[bytes]:
    """Yield the export of the log up to a checkpoint, line by line; see docs/reference/audit.md.

    It is read from the columns that people are shown, so what was changed there does not hash to
    the tree. Memory stays small whatever the size.
    """
    origin = checkpoint.note.partition("\n")[0]
    yield _line({"format": EXPORT_FORMAT, "origin": origin, "size": checkpoint.size})
    mismatched = []
    for position, (row, line) in enumerate(_placed(0, checkpoint.size)):
        yield line + b"\n"
        if row is not None and row.leaf != merkle.leaf_hash(line).hex():
            mismatched.append(position)
    if mismatched:
        yield _line({"mismatched": mismatched})
    for number in range(-(-checkpoint.size // WIDTH)):
        hashes = read_tile(0, number)[: (checkpoint.size - number * WIDTH) * merkle.HASH_BYTES]
        yield _line({"tile": number, "leaves": base64.b64encode(hashes).decode()})
    for known in ClearText.objects.order_by("commitment").iterator(_AT_ONCE):
        yield _line({"commitment": known.commitment, "salt": known.salt, "value": known.value})
    yield _line({"checkpoint": checkpoint.note})


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
