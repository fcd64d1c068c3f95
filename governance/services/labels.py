"""Labels: every decision from the next one on sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid
from governance import audit, resources
from governance.engine.entities import Action, Principal
from governance.models import Label, LabelOrigin
from governance.services import naming
from governance.services.decisions import require

_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,30}:[a-z0-9][a-z0-9._-]{0,60}")
Evidence = dict[str, Any]
Wanted = Mapping[tuple[str, str], Evidence]
"""The labels that an origin says, by (column, label), each with why."""

_WAY_FORWARD = {
    LabelOrigin.INHERITED: "It comes by lineage: declassify it here (POST "
    "/api/v1/labels/declassifications), or take it off where it comes from.",
    LabelOrigin.SCAN: "A scan found it: reject the finding (POST /api/v1/scans/<id>/verdicts).",
    LabelOrigin.CONTRACT: "The contract says it: set a contract that does not.",
}


def is_label(text: str) -> bool:
    return _LABEL.fullmatch(text) is not None


def check_label(label: str) -> str:
    if not is_label(label):
        raise Invalid(f"{label!r} is not a label; write family:value, as in pii:email.")
    return label


@transaction.atomic
def add_label(actor: Principal, *, name: str, label: str, column: str = "") -> Label:
    """Put `label` (`family:value`) on a product or one of its columns."""
    resource = resources.load(name)
    decision = require(actor, Action.WRITE, resource)
    naming.check_label(resource.name, check_label(label))
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
    evidence: Evidence | None = None,
) -> Label:
    """Make sure a label stands, on behalf of a person, a scan or a contract. Idempotent."""
    row, created = Label.objects.get_or_create(
        name=name,
        column=column,
        label=label,
        origin=origin,
        removed_at=None,
        defaults={"created_by": by, "evidence": evidence or {}},
    )
    if created:
        outbox.emit("label.changed", {"name": name})
    return row


@transaction.atomic
def remove_label(actor: Principal, label_id: UUID) -> None:
    """Take off a label that a person put there. The row stays, closed, with who removed it.

    Raises Conflict, with the way forward, for one that a scan, a contract or lineage says.
    """
    row = Label.objects.select_for_update().filter(pk=label_id, removed_at__isnull=True).first()
    if row is None:
        raise resources.absent(str(label_id))
    resource = resources.load(row.name, asked=str(label_id))
    decision = require(actor, Action.ADMINISTER, resource)
    if row.origin != LabelOrigin.MANUAL:
        raise Conflict(
            f"{row.label} is not taken off by hand. {_WAY_FORWARD[LabelOrigin(row.origin)]}",
            origin=row.origin,
        )
    _close([row], by=actor.id)
    audit.record(actor, "remove-label", row.name, decision, label=row.label, column=row.column)
    outbox.emit("label.changed", {"name": row.name})


@transaction.atomic
def say(name: str, origin: LabelOrigin, wanted: Wanted, *, by: str) -> bool:
    """Have what `origin` says of a product be exactly `wanted`; return whether a label changed.

    Idempotent: labels that stand keep their rows, and only their evidence is brought up to date.
    """
    live = {(row.column, row.label): row for row in _said(name, origin)}
    gone = [row for key, row in live.items() if key not in wanted]
    _close(gone, by=by)
    held = set() if origin == LabelOrigin.INHERITED else _drop_overruled(name, origin, wanted)
    for (column, label), evidence in sorted(wanted.items()):
        row = live.get((column, label))
        if row is not None:
            if row.evidence != evidence:
                row.evidence = evidence
                row.save(update_fields=["evidence"])
        elif (column, label) not in held:
            Label.objects.get_or_create(
                name=name,
                column=column,
                label=label,
                origin=origin,
                removed_at=None,
                defaults={"evidence": evidence, "created_by": by},
            )
    return bool(gone) or any(key not in live and key not in held for key in wanted)


def _said(name: str, origin: LabelOrigin) -> list[Label]:
    rows = Label.objects.select_for_update().filter(name=name, origin=origin)
    return list(rows.filter(removed_at__isnull=True))


def _drop_overruled(name: str, origin: LabelOrigin, wanted: Wanted) -> set[tuple[str, str]]:
    """Return what is still said but overruled; of what is said no more nothing is to come back."""
    rows = Label.objects.filter(name=name, origin=origin, overruled=True)
    for row in rows:
        if (row.column, row.label) not in wanted:
            row.overruled = False
            row.save(update_fields=["overruled"])
    return {(row.column, row.label) for row in rows if row.overruled}


def _close(rows: Iterable[Label], *, by: str) -> None:
    now = timezone.now()
    for row in rows:
        row.removed_at, row.removed_by = now, by
        row.save(update_fields=["removed_at", "removed_by"])


def overrule(name: str, overruled: set[tuple[str, str]], *, by: str) -> bool:
    """Close the product's own labels that allow too much, reopen those that do no more.

    Call it in the transaction that says what is inherited. Returns whether a label changed.
    """
    changed = False
    for row in Label.objects.select_for_update().own().filter(name=name):
        allows_too_much = (row.column, row.label) in overruled
        if allows_too_much == row.overruled:
            continue
        changed = True
        row.overruled = allows_too_much
        row.removed_at = timezone.now() if allows_too_much else None
        row.removed_by = by if allows_too_much else ""
        row.save(update_fields=["overruled", "removed_at", "removed_by"])
    return changed
