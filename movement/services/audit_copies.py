"""The audit log lies in stores as well, where whoever rewrites the database does not reach it.

docs/reference/audit.md has the layout. Writing the same again is harmless, so no lease is needed.
"""

from __future__ import annotations

import hashlib
import logging

from django.utils import timezone

from core.errors import FairmeshError, IntegrityBroken, NotFound, ObjectMissing
from core.notes import open_checkpoint
from governance import audit_reading
from governance.models import AuditCheckpoint, SigningKey
from movement.engine.placement import SITE_ORDER
from movement.models import AuditCopy, SiteState, Store
from movement.opening import is_writable, open_store
from movement.stores.protocol import Store as ObjectStore

FOLDER = ".audit"
COPIES = 2
PIECE_ENTRIES = 8192
logger = logging.getLogger(__name__)


def keep_audit() -> list[AuditCopy]:
    """Bring the newest checkpoint, and what is new up to it, to up to two stores that answer.

    Two sites are better than one. A store that does not answer keeps what it has; the next round
    goes on from there. Nothing is written to a store that remembers another history.
    """
    try:
        newest = audit_reading.latest_checkpoint()
    except NotFound:
        return []
    copies = [AuditCopy.objects.get_or_create(store=store)[0] for store in _chosen()]
    return [copy for copy in copies if _keep(copy, newest)]


def _chosen() -> list[Store]:
    """Return where the log lies or is to lie: where it is already first, then core sites."""
    stores = Store.objects.filter(
        reachable=True, quarantined_at__isnull=True, site__state=SiteState.ONLINE
    )
    begun = set(AuditCopy.objects.values_list("store_id", flat=True))
    ranked = sorted(
        filter(is_writable, stores.select_related("site")),
        key=lambda store: (store.pk not in begun, SITE_ORDER[store.site.kind], store.name),
    )
    first_of_site = {store.site_id: store for store in reversed(ranked)}
    apart = [store for store in ranked if first_of_site[store.site_id] == store]
    return [*apart, *(store for store in ranked if store not in apart)][:COPIES]


def _keep(copy: AuditCopy, newest: AuditCheckpoint) -> bool:
    """Return whether the store holds the log up to `newest` now."""
    try:
        store = open_store(copy.store)
        copy.forked = _fork(store, newest)
        if copy.forked:
            logger.error("the audit log at %s: %s", copy.store.name, copy.forked)
        elif copy.size < newest.size:
            _write(store, copy.size, newest)
            copy.size, copy.written_at = newest.size, timezone.now()
    except FairmeshError as error:
        logger.warning("the audit log is not written to %s: %s", copy.store.name, error.code)
        return False
    rows = AuditCopy.objects.filter(pk=copy.pk)
    rows.update(size=copy.size, written_at=copy.written_at, forked=copy.forked)
    return not copy.forked


def _fork(store: ObjectStore, newest: AuditCheckpoint) -> str:
    """Return why what the store remembers is not our history; empty when it is."""
    try:
        note = store.read(f"{FOLDER}/checkpoint").decode(errors="replace")
    except ObjectMissing:
        return ""
    for key in SigningKey.objects.filter(prefix="/").order_by("-created_at"):
        try:
            there = open_checkpoint(note, key.public)
        except IntegrityBroken:
            continue
        if there.size > newest.size:
            return f"It holds {there.size} entries; here are {newest.size}."
        if there.root != audit_reading.root_at(there.size):
            return f"Its first {there.size} entries are not those that are here."
        return ""
    return "Its checkpoint is not signed by this mesh."


def _write(store: ObjectStore, start: int, newest: AuditCheckpoint) -> None:
    """Write the entries, then the checkpoint: a reader never finds one without the others."""
    for at in range(start, newest.size, PIECE_ENTRIES):
        end = min(at + PIECE_ENTRIES, newest.size)
        lines = b"".join(line + b"\n" for line in audit_reading.leaf_lines(at, end))
        _put(store, f"{FOLDER}/entries/{at:012d}-{end:012d}", lines, "application/jsonl")
    note = newest.note.encode()
    _put(store, f"{FOLDER}/checkpoints/{newest.size:012d}", note, "text/plain")
    _put(store, f"{FOLDER}/checkpoint", note, "text/plain")


def _put(store: ObjectStore, key: str, data: bytes, media_type: str) -> None:
    store.write(key, data, sha256=hashlib.sha256(data).hexdigest(), media_type=media_type)
