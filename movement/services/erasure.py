"""Orders to erase: proposed with their plan, agreed to, approved by a second person, called off.

`erasing.py` carries them out. See docs/explanation/algorithms/erasure.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.selectors import visible_names
from core.errors import Conflict, Gone, Invalid, NotFound
from core.names import Name
from governance import audit, resources
from governance.engine.entities import Action, Decision, Principal
from governance.models import (
    ErasureAsk,
    ErasureKind,
    ErasureOrder,
    OrderState,
)
from governance.models.erasure import ORDER_MOVES
from governance.services import require
from governance.services.holds import person_of
from movement import doorbell
from movement.orders import visible_orders
from movement.services.erasing import close_order, due_orders
from movement.services.erasure_orders import block, replan, tell
from movement.services.erasure_plan import Asked, build_plan, digest_of, reached_products

_WAITING = frozenset({OrderState.PROPOSED, OrderState.BLOCKED})


def propose_erasure(actor: Principal, asked: Asked, *, reason: str, basis: str) -> ErasureOrder:
    """Plan an erasure and write it down for a second person; nothing else is written.

    What the actor administers is agreed to; the owners of the rest are asked.
    """
    resource = resources.load(_subject(asked.name))
    decision = require(actor, Action.ADMINISTER, resource)
    if not reason.strip() or not basis.strip():
        raise Invalid("Say why, and on which legal basis: both stand in the signed receipt.")
    asked = Asked(_today(asked.name, resource.name), asked.cascade, asked.registered)
    reached = reached_products(asked)
    agreed = visible_names(actor, Action.ADMINISTER, reached) if reached else set()
    plan = build_plan(asked, agreed)
    if not plan["versions"] and not plan["drafts"]:
        raise _nothing(asked.name)
    order = ErasureOrder(
        name=asked.name,
        kind=ErasureKind.ORDER,
        cascade=asked.cascade,
        registered=asked.registered,
        reason=reason,
        basis=basis,
        proposed_by=person_of(actor),
    )
    with transaction.atomic():
        _insert(order, plan)
        asks = _asks(order, reached, agreed)
        detail = {"order": str(order.pk), "cascade": asked.cascade, "basis": basis}
        audit.record(actor, "propose-erasure", order.name, decision, **detail)
        tell(order, asks)
    return order


def _subject(text: str) -> str:
    name = Name.parse(text)
    if name.path is not None:
        raise Invalid("Whole versions are erased, no single file of one.", name=text)
    return text


def _today(asked: str, current: str) -> str:
    name = Name.parse(asked)
    return current if name.version is None else f"{current}/v={name.version}"


def _nothing(name: str) -> Gone | NotFound:
    if Name.parse(name).version is not None:
        return Gone(f"{name} is erased already, or was never published.", name=name)
    return NotFound(f"Nothing is published below {name}.", name=name)


def _insert(order: ErasureOrder, plan: dict[str, object]) -> None:
    order.plan, order.plan_digest = plan, digest_of(plan)
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"An erasure of {order.name} is under way already.") from error


def _asks(order: ErasureOrder, reached: Iterable[str], agreed: set[str]) -> list[ErasureAsk]:
    now = timezone.now()
    return ErasureAsk.objects.bulk_create(
        ErasureAsk(
            order=order,
            name=name,
            agreed_by=order.proposed_by if name in agreed else "",
            agreed_at=now if name in agreed else None,
        )
        for name in sorted(reached)
    )


@transaction.atomic
def propose_retention(
    name: str, *, basis: Iterable[str], due: datetime, decision: Decision, actor: Principal
) -> ErasureOrder | None:
    """Write down that a version's retention ends; None when that stands already.

    The policy asks, so one owner is enough to approve.
    """
    asked = Asked(name)
    product = str(Name.parse(name).product_name)
    order = ErasureOrder(
        name=name,
        kind=ErasureKind.RETENTION,
        reason=f"Its retention ends on {due:%Y-%m-%d}.",
        basis=", ".join(basis)[:200],
        proposed_by=actor.id,
        due_at=due,
    )
    try:
        _insert(order, build_plan(asked, {product}))
    except Conflict:
        return None
    _asks(order, [product], {product})
    audit.record(actor, "propose-erasure", name, decision, order=str(order.pk), basis=order.basis)
    tell(order)
    return order


def order_of(actor: Principal, order_id: UUID) -> ErasureOrder:
    found = visible_orders(actor).filter(pk=order_id).first()
    if found is None:
        raise NotFound("There is no such erasure, or you may not know of it.")
    return found


def agree_to_erasure(actor: Principal, order_id: UUID, *, name: str) -> ErasureOrder:
    """Agree, as its owner, that what was made in another's product is erased as well."""
    order_of(actor, order_id)
    resource = resources.load(name)
    decision = require(actor, Action.ADMINISTER, resource)
    with transaction.atomic():
        order = _locked(order_id)
        ask = ErasureAsk.objects.filter(order=order, name=resource.name).first()
        if ask is None:
            raise NotFound("The erasure does not reach that product.", name=name)
        if order.state not in _WAITING:
            raise Conflict(f"The erasure is {order.state}; propose one of {name} itself.")
        if not ask.agreed_by:
            ask.agreed_by, ask.agreed_at = person_of(actor), timezone.now()
            ask.save(update_fields=["agreed_by", "agreed_at"])
            replan(order)
            order.save()
            audit.record(actor, "agree-erasure", ask.name, decision, order=str(order.pk))
    return order


def approve_erasure(actor: Principal, order_id: UUID, *, plan: str = "") -> ErasureOrder:
    """Approve an order as a second person; a worker begins at once, or when it is due.

    The plan is made anew. When it erases something else than what was read (`plan`, its digest, or
    what is stored), nothing is approved and Conflict is raised; what is held raises UnderLegalHold.
    """
    order_of(actor, order_id)
    with transaction.atomic():
        order = _locked(order_id)
        resource = resources.load(order.name, asked=str(order_id))
        decision = require(actor, Action.ADMINISTER, resource)
        _second_person(actor, order)
        problem = _judge_again(order, plan or order.plan_digest)
        if problem is None:
            order.approved_by, order.approved_at = person_of(actor), timezone.now()
            _approved(order)
        order.save()
        verb = "approve-erasure" if problem is None else "block-erasure"
        audit.record(actor, verb, order.name, decision, order=str(order.pk), why=order.why)
        tell(order)
    if problem is not None:
        raise problem
    return order


def _second_person(actor: Principal, order: ErasureOrder) -> None:
    if order.state not in _WAITING:
        raise Conflict(f"The erasure is {order.state} already.")
    if person_of(actor) == order.proposed_by:
        raise Conflict("You proposed this; a second person has to approve it.")


def _judge_again(order: ErasureOrder, seen: str) -> Conflict | None:
    """Make the plan anew; return what stands in the way, noted on the order."""
    begun = (order.plan, order.plan_digest) if order.started_at else None
    replan(order)
    blocks = order.plan["blocks"]
    if begun is not None:  # it goes on with what was approved at first
        order.plan, order.plan_digest = begun
    if blocks:
        return block(order, blocks)
    if begun is None and order.plan_digest != seen:
        return Conflict(
            "The plan has changed since it was read. Read it again, then approve it.",
            plan=order.plan_digest,
        )
    return None


def _approved(order: ErasureOrder) -> None:
    now = timezone.now()
    order.state, order.reason_code, order.why = OrderState.APPROVED, "", ""
    order.next_attempt_at = max(now, order.due_at or now)
    if order.next_attempt_at <= now:
        transaction.on_commit(lambda: doorbell.ring_erasure(order.pk))


@transaction.atomic
def approve_by_policy(order_id: UUID, *, slug: str, actor: Principal, decision: Decision) -> bool:
    """Approve a retention order because the policy that asks says so; False when it is blocked."""
    order = _locked(order_id)
    if order.state not in _WAITING:
        return False
    problem = _judge_again(order, order.plan_digest)
    if problem is not None and order.state != OrderState.BLOCKED:
        problem = None  # the subject is one version: a plan of it erases that or is blocked
    if problem is None:
        order.approved_by, order.approved_at = f"policy {slug}", timezone.now()
        _approved(order)
        audit.record(actor, "approve-erasure", order.name, decision, order=str(order.pk))
        tell(order)
    order.save()
    return problem is None


@transaction.atomic
def cancel_erasure(actor: Principal, order_id: UUID, *, reason: str) -> ErasureOrder:
    """Call off an order that has not begun, or that is blocked. What is erased stays erased."""
    order_of(actor, order_id)
    order = _locked(order_id)
    resource = resources.load(order.name, asked=str(order_id))
    decision = require(actor, Action.ADMINISTER, resource)
    if OrderState.CANCELLED not in ORDER_MOVES[order.state]:
        raise Conflict(f"An erasure that is {order.state} cannot be called off.")
    withdraw(order, by=person_of(actor), why=reason)
    audit.record(actor, "cancel-erasure", order.name, decision, order=str(order.pk), why=reason)
    return order


def withdraw(order: ErasureOrder, *, by: str, why: str) -> None:
    """Call off a locked order; what it had begun is receipted and signed."""
    order.state, order.ended_by, order.why = OrderState.CANCELLED, by, why
    order.finished_at, order.fence = timezone.now(), order.fence + 1
    order.lease_until, order.lease_owner, order.next_attempt_at = None, "", None
    close_order(order)
    order.save()
    tell(order)


def _locked(order_id: UUID) -> ErasureOrder:
    return ErasureOrder.objects.select_for_update().get(pk=order_id)


def sweep_erasures() -> int:
    """Ring for every order that is due or whose worker died; return how many."""
    ids = list(due_orders().order_by("next_attempt_at").values_list("id", flat=True)[:200])
    for order_id in ids:
        doorbell.ring_erasure(order_id)
    return len(ids)
