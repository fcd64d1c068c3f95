"""Declassification: a steward signs that an inherited label goes no further than this."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import outbox, seal
from core.errors import Conflict, Invalid
from core.names import Name
from governance import audit, resources
from governance.engine.entities import Action, Principal
from governance.engine.labels import NARROWING, family_of
from governance.models import Declassification, Label, LabelOrigin, Scan
from governance.services.decisions import require
from governance.services.holds import person_of
from governance.services.keys import signer_for
from governance.services.labels import check_label

STATEMENT_TYPE = "application/vnd.fairmesh.declassification.v1+json"


@transaction.atomic
def declassify(
    actor: Principal, *, name: str, label: str, reason: str, column: str = ""
) -> Declassification:
    """Sign that an inherited label does not come to this place, nor through it.

    `label` may be `family:*`. Takes the right to administer; where policies are reviewed by a
    second person it is one other than who published. The label is closed at once here, and
    downstream as soon as lineage has followed.
    """
    resource = resources.load(name)
    decision = require(actor, Action.ADMINISTER, resource)
    _check(resource.name, column, label, reason)
    _second_person(actor, resource.name)
    rows = _inherited(resource.name, column, label)
    statement = _signed(actor, resource.name, column, label, reason)
    try:
        with transaction.atomic():
            made = Declassification.objects.create(
                name=resource.name,
                column=column,
                label=label,
                reason=reason,
                statement=statement,
                created_by=actor.id,
            )
    except IntegrityError as error:
        raise Conflict(f"{label} is declassified there already.") from error
    for row in rows:
        row.removed_at, row.removed_by = timezone.now(), str(made.pk)
        row.save(update_fields=["removed_at", "removed_by"])
    audit.record(
        actor, "declassify", resource.name, decision,
        label=label, column=column, reason=reason, declassification=str(made.pk),
    )  # fmt: skip
    outbox.emit("label.changed", {"name": resource.name})
    return made


def _check(name: str, column: str, label: str, reason: str) -> None:
    family = family_of(label)
    if label != f"{family}:*":
        check_label(label)
        if family in NARROWING:
            raise Invalid(f"What {family} allows is one set; declassify {family}:* as a whole.")
    if not reason.strip():
        raise Invalid("Say why; the reason is signed with the statement.")
    if not _inherited(name, column, label):
        where = f"the column {column!r} of {name}" if column else f"{name} as a whole"
        raise Conflict(f"{label} does not come to {where} by lineage.")


def _inherited(name: str, column: str, label: str) -> list[Label]:
    rows = Label.objects.select_for_update().filter(
        name=name, column=column, origin=LabelOrigin.INHERITED, removed_at=None
    )
    if label.endswith(":*"):
        return list(rows.filter(label__startswith=label[:-1]))
    return list(rows.filter(label=label))


def _second_person(actor: Principal, name: str) -> None:
    if not settings.FAIRMESH.policy_review:
        return
    newest = Scan.objects.filter(name=name).order_by("-version", "-id").first()
    if newest is not None and newest.published_by == person_of(actor):
        raise Conflict(
            "Who published a version does not declassify what it carries; ask a second steward."
        )


def _signed(actor: Principal, name: str, column: str, label: str, reason: str) -> dict[str, Any]:
    signer = signer_for(Name.parse(name))
    told = {
        "type": "fairmesh.declassification",
        "name": name,
        "column": column,
        "label": label,
        "reason": reason,
        "by": person_of(actor),
        "at": timezone.now().astimezone(UTC).isoformat(),
    }
    return seal.sign(signer, STATEMENT_TYPE, told)


@transaction.atomic
def revoke_declassification(actor: Principal, declassification_id: UUID) -> Declassification:
    """Take a declassification back: what it had closed here stands again in this transaction."""
    rows = Declassification.objects.select_for_update()
    made = rows.filter(pk=declassification_id, revoked_at=None).first()
    if made is None:
        raise resources.absent(str(declassification_id))
    resource = resources.load(made.name, asked=str(declassification_id))
    decision = require(actor, Action.ADMINISTER, resource)
    made.revoked_at, made.revoked_by = timezone.now(), actor.id
    made.save(update_fields=["revoked_at", "revoked_by"])
    for row in Label.objects.filter(name=made.name, removed_by=str(made.pk)):
        Label.objects.get_or_create(
            name=row.name,
            column=row.column,
            label=row.label,
            origin=LabelOrigin.INHERITED,
            removed_at=None,
            defaults={"evidence": row.evidence, "created_by": row.created_by},
        )
    audit.record(
        actor, "revoke-declassification", made.name, decision,
        label=made.label, column=made.column, declassification=str(made.pk),
    )  # fmt: skip
    outbox.emit("label.changed", {"name": made.name})
    return made
