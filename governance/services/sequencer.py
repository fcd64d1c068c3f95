"""The sequencer gives what was logged its order, hashes it into the tree and signs the result.

Acts insert their entries and wait for nobody. Here one process at a time takes those without a
place, however late their transactions committed, in one transaction that either does the whole
step or nothing. docs/explanation/algorithms/audit-log.md tells why this cannot lose an entry.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from core import merkle, outbox
from core.notes import Checkpoint, sign_checkpoint
from core.tiles import TiledTree, extended
from governance.audit_reading import read_tile
from governance.models import AuditCheckpoint, AuditEntry, AuditTile, AuditTree
from governance.services.keys import anchor_signer

STEP_ENTRIES = 4096
"""How many entries one transaction takes: on SQLite others wait for its end."""
STATEMENT_ROWS = 512


def sequence() -> int:
    """Give every committed entry its place and sign a checkpoint; return how many there were.

    Safe to run in several processes: while one is at work the others return at once.
    """
    AuditTree.objects.get_or_create(pk=1)
    total = 0
    while AuditEntry.objects.filter(position__isnull=True).exists():
        taken = _step()
        total += taken
        if taken < STEP_ENTRIES:
            break
    return total


@transaction.atomic
def _step() -> int:
    tree = _held_tree()
    if tree is None:
        return 0
    waiting = AuditEntry.objects.filter(position__isnull=True).order_by("id")
    rows = list(waiting.values_list("id", "leaf")[:STEP_ENTRIES])
    if rows:
        _place(tree.size, [entry_id for entry_id, _ in rows])
        _grow(tree, [bytes.fromhex(leaf) for _, leaf in rows])
        _sign(tree.size)
    return len(rows)


def _held_tree() -> AuditTree | None:
    """Return the tree, held until the transaction ends; None while another holds it."""
    can_skip = connection.features.has_select_for_update_skip_locked
    return AuditTree.objects.select_for_update(skip_locked=can_skip).filter(pk=1).first()


def _place(start: int, entry_ids: Sequence[int]) -> None:
    """Write the places in a few statements: one for each entry would be a journey for each."""
    table = AuditEntry._meta.db_table
    placed = [(entry_id, place) for place, entry_id in enumerate(entry_ids, start)]
    with connection.cursor() as cursor:
        for at in range(0, len(placed), STATEMENT_ROWS):
            some = placed[at : at + STATEMENT_ROWS]
            rows = ", ".join(["(%s, %s)"] * len(some))
            cursor.execute(
                f"UPDATE {table} SET position = placed.column2 FROM (VALUES {rows}) AS placed"
                f" WHERE {table}.id = placed.column1 AND position IS NULL",
                [value for row in some for value in row],
            )


def _grow(tree: AuditTree, leaves: Sequence[bytes]) -> None:
    changed = extended(tree.size, leaves, read_tile)
    AuditTile.objects.bulk_create(
        (AuditTile(level=level, number=number, hashes=h) for (level, number), h in changed.items()),
        update_conflicts=True,
        unique_fields=["level", "number"],
        update_fields=["hashes"],
    )
    tree.size += len(leaves)
    tree.save(update_fields=["size"])


def _sign(size: int) -> None:
    signer = anchor_signer()
    root = merkle.root(size, TiledTree(read_tile).node)
    checkpoint = Checkpoint(origin(), size, root)
    AuditCheckpoint.objects.create(
        size=size,
        root=root.hex(),
        key_id=signer.key_id,
        note=sign_checkpoint(signer, checkpoint),
        at=timezone.now(),
    )
    outbox.emit("audit.checkpoint", {"size": size})


def origin() -> str:
    """Return the name of the mesh's log, as its checkpoints bear it."""
    return f"fairmesh/{settings.FAIRMESH.mesh}/audit"
