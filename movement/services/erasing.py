"""The worker of an erasure: claims an order, does it place by place, signs what became of each.

Every step may be repeated and cut off at any instruction. See
docs/explanation/algorithms/erasure.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from catalog.models import Version
from core.lease import Lease
from governance import audit
from governance.engine.entities import Decision
from governance.models import (
    ErasureOrder,
    ErasureReceipt,
    OrderState,
    ReceiptState,
    TargetKind,
)
from governance.models.erasure import ORDER_AT_WORK
from movement.engine.erasing import Does, Relation
from movement.services.erasure_acts import (
    ERASER,
    Blocked,
    bury_version,
    refuse_newly_held,
    settle,
)
from movement.services.erasure_orders import block, replan, tell
from movement.services.erasure_statement import sign_order
from movement.services.wiping import Pulse

logger = logging.getLogger(__name__)
_UNFORESEEN_WAIT = timedelta(minutes=5)
_LATER = timedelta(seconds=5)


class LeaseGone(Exception):
    """Another worker has the order, or it was called off."""


def act_on_erasure(order_id: UUID) -> OrderState | None:
    """Claim an order and do all that can be done now; None when it is not due or another's."""
    lease = _claim(order_id)
    if lease is None:
        return None
    try:
        return _work(order_id, lease)
    except LeaseGone:
        return None
    except Exception as error:
        logger.exception("erasure %s met an unforeseen error", order_id)
        told = f"An unforeseen {type(error).__name__} is in the worker's log; it is tried again."
        lease.write(reason_code="unforeseen", why=told)
        _let_go(lease, timezone.now() + _UNFORESEEN_WAIT)
        return OrderState.ACTING


def _claim(order_id: UUID) -> Lease[ErasureOrder] | None:
    return Lease.take(due_orders().filter(pk=order_id))


def due_orders() -> Any:
    """Return the orders that wait for a worker now: due, or left by one that died."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    return ErasureOrder.objects.filter(free, state__in=ORDER_AT_WORK, next_attempt_at__lte=now)


def _work(order_id: UUID, lease: Lease[ErasureOrder]) -> OrderState:
    if ErasureOrder.objects.get(pk=order_id).state == OrderState.APPROVED and not _begin(lease):
        return OrderState.BLOCKED
    order = ErasureOrder.objects.get(pk=order_id)
    try:
        for receipt in _versions(order):
            with transaction.atomic():
                bury_version(_held(lease), receipt)
        for receipt in _places(order):
            _renew(lease)
            settle(order, receipt, Pulse(partial(_go_on, lease, receipt)))
    except Blocked as stop:
        return _stop(lease, stop.blocks)
    return _finish(lease)


def _versions(order: ErasureOrder) -> list[ErasureReceipt]:
    pending = order.receipts.filter(state=ReceiptState.PENDING, kind=TargetKind.VERSION)
    return list(pending.order_by("id"))


def _places(order: ErasureOrder) -> list[ErasureReceipt]:
    """Return what is left and due: lineage last, since it depends on what stands of a product."""
    due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=timezone.now())
    pending = order.receipts.filter(due, state=ReceiptState.PENDING)
    rows = pending.exclude(kind=TargetKind.VERSION).order_by("id")
    return sorted(rows, key=lambda row: row.kind == TargetKind.LINEAGE)


def _held(lease: Lease[ErasureOrder]) -> ErasureOrder:
    order = lease.locked()
    if order is None:
        raise LeaseGone
    return order


def _renew(lease: Lease[ErasureOrder]) -> None:
    if not lease.write():
        raise LeaseGone


def _go_on(lease: Lease[ErasureOrder], receipt: ErasureReceipt) -> None:
    """Called now and then within a long removal: a hold stops it as soon as it stands."""
    _renew(lease)
    refuse_newly_held(receipt)


def _let_go(lease: Lease[ErasureOrder], again: Any) -> None:
    lease.rows.update(next_attempt_at=again, lease_until=None, lease_owner="")


@transaction.atomic
def _begin(lease: Lease[ErasureOrder]) -> bool:
    """Look once more, then write a receipt for every version; False when something blocks.

    What came since the approval is not erased: nobody has approved that.
    """
    order = _held(lease)
    approved = _chosen(order.plan)
    before = order.plan, order.plan_digest
    replan(order)
    if order.plan["blocks"]:
        block(order, order.plan["blocks"])
        order.save()
        _note(order, "block-erasure")
        return False
    plan = order.plan
    if order.started_at is not None:
        order.plan, order.plan_digest = before
    for row in plan["versions"]:
        _receipt_of(order, row, approved)
    for row in plan["drafts"]:
        _receipts_of_draft(order, row, approved)
    order.state, order.reason_code, order.why = OrderState.ACTING, "", ""
    order.started_at = order.started_at or timezone.now()
    order.save()
    _note(order, "begin-erasure")
    return True


def _chosen(plan: Mapping[str, Any]) -> set[str]:
    rows: Iterable[Mapping[str, Any]] = [*plan["versions"], *plan["drafts"]]
    return {row["version_id"] for row in rows if row["does"] == Does.ERASE}


def _receipt_of(order: ErasureOrder, row: Mapping[str, Any], approved: set[str]) -> None:
    erased = row["does"] == Does.ERASE and row["version_id"] in approved
    kept = {
        "state": ReceiptState.KEPT,
        "reason_code": row["reason_code"] or "not_approved",
        "settled_at": timezone.now(),
        "evidence": {"digest": row["digest"]},
    }
    derived = row["relation"] == Relation.DERIVED
    ErasureReceipt.objects.get_or_create(
        order=order,
        kind=TargetKind.DERIVED if derived and not erased else TargetKind.VERSION,
        name=row["version"],
        place="catalog",
        base="",
        defaults={
            "version_id": row["version_id"],
            "details": {"relation": row["relation"]},
            **({} if erased else kept),
        },
    )


def _receipts_of_draft(order: ErasureOrder, row: Mapping[str, Any], approved: set[str]) -> None:
    if row["does"] != Does.ERASE or row["version_id"] not in approved:
        return
    draft = Version.objects.filter(pk=row["version_id"]).first()
    homes = [] if draft is None else list(draft.replicas.select_related("store"))
    places = [(home.store.name, home.base, home.origin) for home in homes]
    for store, base, origin in places or [("catalog", "", "")]:
        ErasureReceipt.objects.get_or_create(
            order=order,
            kind=TargetKind.UPLOAD,
            name=row["version"],
            place=store,
            base=base,
            defaults={
                "version_id": row["version_id"],
                "details": {"draft": True, "origin": origin, "relation": Relation.SUBJECT},
            },
        )


@transaction.atomic
def _stop(lease: Lease[ErasureOrder], blocks: list[dict[str, Any]]) -> OrderState:
    """Stop in the middle: what is erased is receipted, the rest waits for a new approval."""
    order = _held(lease)
    block(order, blocks)
    order.save()
    _note(order, "block-erasure")
    return OrderState.BLOCKED


@transaction.atomic
def _finish(lease: Lease[ErasureOrder]) -> OrderState:
    """Sign and end the order when every receipt is final; else say when to look again."""
    order = _held(lease)
    left = order.receipts.filter(state=ReceiptState.PENDING)
    if left.exists():
        soonest = left.aggregate(next=Min("next_attempt_at"))["next"]
        order.next_attempt_at = soonest or timezone.now() + _LATER
        order.lease_until, order.lease_owner = None, ""
        order.save()
        return OrderState.ACTING
    order.state, order.next_attempt_at = OrderState.DONE, None
    order.lease_until, order.lease_owner = None, ""
    sign_order(order)
    order.save()
    _note(order, "finish-erasure")
    return OrderState.DONE


def _note(order: ErasureOrder, verb: str) -> None:
    counts: dict[str, int] = {}
    for state in order.receipts.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    why = f"{order.approved_by} approved what {order.proposed_by} proposed."
    decision = Decision(order.state != OrderState.BLOCKED, (), order.why or why, "")
    audit.record(ERASER, verb, order.name, decision, order=str(order.pk), receipts=counts)
    tell(order)


def close_order(order: ErasureOrder) -> None:
    """Settle what a cancelled order had left, and sign it if it had begun."""
    pending = order.receipts.filter(state=ReceiptState.PENDING)
    pending.update(
        state=ReceiptState.KEPT,
        reason_code="cancelled",
        reason="The order was called off.",
        settled_at=timezone.now(),
    )
    if order.receipts.exists():
        sign_order(order)


@transaction.atomic
def site_came_back(site: str) -> None:
    """Have every order that waits for a store of the site looked at now."""
    now = timezone.now()
    stores = ErasureReceipt.objects.filter(
        state=ReceiptState.PENDING, details__site=site, order__state=OrderState.ACTING
    )
    orders = set(stores.values_list("order", flat=True))
    stores.update(next_attempt_at=now)
    ErasureOrder.objects.filter(pk__in=orders).update(next_attempt_at=now)
