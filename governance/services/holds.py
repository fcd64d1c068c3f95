"""Legal holds: placed by one person, lifted by two."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid
from core.names import Name, is_under
from governance import audit, resources
from governance.engine.entities import MESH_NAME, Action, Decision, Principal
from governance.models import ErasureAsk, ErasureOrder, LegalHold
from governance.services.decisions import require


def person_of(actor: Principal) -> str:
    """Return who is behind an act: an agent is the person for whom it acts, never a second one."""
    return (actor.on_behalf_of or actor).id


@transaction.atomic
def place_hold(actor: Principal, *, name: str, reference: str, reason: str) -> LegalHold:
    """Hold everything at or below `name` from this commit on."""
    resource = resources.load(name)
    decision = require(actor, Action.ADMINISTER, resource)
    if not reference.strip() or not reason.strip():
        raise Invalid("Give the reference of the case, and say why; both are kept.")
    where = _today(name, resource.name)
    try:
        with transaction.atomic():
            hold = LegalHold.objects.create(
                name=where, reference=reference, reason=reason, placed_by=person_of(actor)
            )
    except IntegrityError as error:
        raise Conflict(f"{where} is held for {reference} already.", name=where) from error
    audit.record(actor, "place-hold", where, decision, hold=str(hold.pk), reference=reference)
    outbox.emit("hold.changed", {"name": where, "hold": str(hold.pk), "standing": True})
    return hold


def _today(asked: str, current: str) -> str:
    """Return what was asked for under the name that its product has now."""
    if asked == MESH_NAME:
        return MESH_NAME
    name = Name.parse(asked)
    if name.path is not None:
        raise Invalid("A hold is on a domain, a product or a whole version.", name=asked)
    return current if name.version is None else f"{current}/v={name.version}"


@transaction.atomic
def lift_hold(actor: Principal, hold_id: UUID, *, reason: str) -> LegalHold:
    """Ask for a hold to be lifted, or, as a second person, lift it.

    The hold stands until somebody else than who asked first confirms.
    """
    hold = LegalHold.objects.select_for_update().filter(pk=hold_id).first()
    if hold is None:
        raise resources.absent(str(hold_id))
    resource = resources.load(hold.name, asked=str(hold_id))
    decision = require(actor, Action.ADMINISTER, resource)
    if hold.lifted_at is not None:
        raise Conflict(f"{hold.reference} on {hold.name} was lifted already.")
    if not hold.lift_asked_by:
        return _ask(actor, hold, reason, decision)
    if hold.lift_asked_by == person_of(actor):
        raise Conflict(
            f"You asked for this; a second person who administers {hold.name} has to confirm.",
            name=hold.name,
        )
    hold.lifted_by, hold.lifted_at = person_of(actor), timezone.now()
    hold.save(update_fields=["lifted_by", "lifted_at"])
    audit.record(actor, "lift-hold", hold.name, decision, hold=str(hold.pk))
    outbox.emit("hold.changed", {"name": hold.name, "hold": str(hold.pk), "standing": False})
    return hold


def _ask(actor: Principal, hold: LegalHold, reason: str, decision: Decision) -> LegalHold:
    if not reason.strip():
        raise Invalid("Say why the hold can be lifted: who confirms reads it.")
    hold.lift_asked_by, hold.lift_reason = person_of(actor), reason
    hold.save(update_fields=["lift_asked_by", "lift_reason"])
    audit.record(actor, "ask-lift-hold", hold.name, decision, hold=str(hold.pk), reason=reason)
    return hold


def follow(old: str, new: str) -> None:
    """Let the holds on a product that moves from `old` to `new` bind it there.

    Those placed on it or on its versions move along. One placed on a domain stays there, and when
    it does not cover the new name a copy binds the product, so that no move leads out of a hold.
    """
    standing = LegalHold.objects.filter(lifted_at__isnull=True)
    for hold in standing.select_for_update():
        if is_under(hold.name, old):
            hold.name = new + hold.name.removeprefix(old)
            hold.save(update_fields=["name"])
        elif is_under(old, hold.name) and not is_under(new, hold.name):
            LegalHold.objects.get_or_create(
                name=new,
                reference=hold.reference,
                lifted_at=None,
                defaults={"reason": hold.reason, "placed_by": hold.placed_by},
            )


def follow_orders(old: str, new: str) -> None:
    """Let orders to erase, and what they ask of owners, speak of a product by its new name."""
    ErasureAsk.objects.filter(name=old).update(name=new)
    for order in ErasureOrder.objects.filter(Q(name=old) | Q(name__startswith=f"{old}/v=")):
        order.name = new + order.name.removeprefix(old)
        order.save(update_fields=["name"])
