"""The audit log for those who may read it: an operator the whole, everyone what they did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from governance import audit, audit_reading, resources
from governance.audit_reading import Consistency, Inclusion
from governance.engine.entities import ANONYMOUS, MESH, Action, Principal
from governance.models import AuditCheckpoint, AuditEntry
from governance.models.audit import Entries
from governance.narrowing import within
from governance.services.decisions import decide, require


def readable_entries(principal: Principal) -> Entries:
    """Return the entries that the principal may read: all, or those of what they did themselves.

    And of what agents did for them; an agent reads what it did for the person for whom it asks.
    But not that they were refused what they may not know of: it would tell them that it exists.
    """
    require(principal, Action.DISCOVER, MESH)
    if decide(principal, Action.ADMINISTER, MESH).allow:
        return AuditEntry.objects.all()
    if principal.id == ANONYMOUS.id:
        return AuditEntry.objects.none()
    if (person := principal.on_behalf_of) is not None:
        own = AuditEntry.objects.by(principal.id) & AuditEntry.objects.for_(person.id)
    else:
        own = AuditEntry.objects.by(principal.id) | AuditEntry.objects.for_(principal.id)
    own = own.filter(detail__hidden__isnull=True)
    return own.filter(within(principal, own))


def filtered(
    rows: Entries,
    *,
    name: str = "",
    principal: str = "",
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Entries:
    """Narrow entries to a name, a principal (by its clear name), an action, a time."""
    rows = rows.on(name) if name else rows
    rows = rows.by(principal) if principal else rows
    rows = rows.filter(action=action) if action else rows
    rows = rows.filter(at__gte=since) if since is not None else rows
    return rows.filter(at__lt=until) if until is not None else rows


def newest_checkpoint(principal: Principal) -> AuditCheckpoint:
    """Return what the log says of itself now; it names nobody and nothing."""
    require(principal, Action.DISCOVER, MESH)
    return audit_reading.latest_checkpoint()


def prove_inclusion(principal: Principal, entry_id: int, size: int | None = None) -> Inclusion:
    """Return the proof that an entry which the principal may read stands in the log."""
    entry = readable_entries(principal).filter(pk=entry_id).first()
    if entry is None:
        raise resources.absent(f"entry {entry_id}")
    return audit_reading.inclusion_of(entry, size)


def prove_consistency(principal: Principal, old: int, new: int | None = None) -> Consistency:
    """Return the proof that the log of one size begins with the log of another."""
    require(principal, Action.DISCOVER, MESH)
    return audit_reading.consistency_of(old, new)


@transaction.atomic
def export_log(actor: Principal) -> tuple[AuditCheckpoint, Iterator[bytes]]:
    """Return the newest checkpoint and, line by line, the log up to it with what is not erased.

    Operators only. The export is an act like another: it is the next entry.
    """
    decision = require(actor, Action.ADMINISTER, MESH)
    checkpoint = audit_reading.latest_checkpoint()
    audit.record(actor, "export-audit", MESH.name, decision, size=checkpoint.size)
    return checkpoint, audit_reading.export_lines(checkpoint)
