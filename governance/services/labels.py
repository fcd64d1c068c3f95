"""Labels: every decision from the next one on sees them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Invalid
from governance import audit, resources
from governance.engine.entities import Action, Principal
from governance.models import Label, LabelOrigin
from governance.services.decisions import require

_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,30}:[a-z0-9][a-z0-9._-]{0,60}")


@transaction.atomic
def add_label(actor: Principal, *, name: str, label: str, column: str = "") -> Label:
    """Put `label` (`family:value`) on a product or one of its columns."""
    resource = resources.load(name)
    decision = require(actor, Action.WRITE, resource)
    if not _LABEL.fullmatch(label):
        raise Invalid(f"{label!r} is not a label; write family:value, as in pii:email.")
    audit.record(actor, "add-label", resource.name, decision, label=label, column=column)
    return attach(resource.name, label, column=column, origin=LabelOrigin.MANUAL, by=actor.id)


@transaction.atomic
def attach(
    name: str,
    label: str,
    *,
    column: str,
    origin: LabelOrigin,
    by: str,
    evidence: dict[str, Any] | None = None,
) -> Label:
    """Make sure a label stands, on behalf of a scan, a contract or lineage. Idempotent."""
    row, created = Label.objects.get_or_create(
        name=name,
        column=column,
        label=label,
        removed_at=None,
        defaults={"origin": origin, "created_by": by, "evidence": evidence or {}},
    )
    if created:
        outbox.emit("label.changed", {"name": name})
    return row


@transaction.atomic
def remove_label(actor: Principal, label_id: UUID) -> None:
    """Take off a label. The row stays, closed, with who removed it in the audit log."""
    row = Label.objects.select_for_update().filter(pk=label_id, removed_at__isnull=True).first()
    if row is None:
        raise resources.absent(str(label_id))
    resource = resources.load(row.name, asked=str(label_id))
    decision = require(actor, Action.ADMINISTER, resource)
    row.removed_at = timezone.now()
    row.save(update_fields=["removed_at"])
    audit.record(actor, "remove-label", row.name, decision, label=row.label, column=row.column)
    outbox.emit("label.changed", {"name": row.name})
