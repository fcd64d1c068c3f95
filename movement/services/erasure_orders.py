"""The row of an order: its plan made anew, what blocks it, how it is told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core import outbox
from core.errors import Conflict, UnderLegalHold
from governance.models import ErasureAsk, ErasureOrder, OrderState
from movement.services.erasure_plan import Asked, build_plan, digest_of


def replan(order: ErasureOrder) -> None:
    """Put today's plan on a locked order; the caller saves it."""
    asked = Asked(order.name, order.cascade, order.registered)
    agreed = set(order.asks.exclude(agreed_by="").values_list("name", flat=True))
    order.plan = build_plan(asked, agreed)
    order.plan_digest = digest_of(order.plan)


def block(order: ErasureOrder, blocks: Iterable[Mapping[str, Any]]) -> Conflict:
    """Note on a locked order what stands in its way; return that as the error to raise."""
    order.state = OrderState.BLOCKED
    order.lease_until, order.lease_owner, order.next_attempt_at = None, "", None
    held = [each for each in blocks if each["kind"] == "hold"]
    if held:
        order.reason_code = UnderLegalHold.code
        references = sorted({each["reference"] for each in held})
        order.why = f"Under legal hold: {', '.join(references)}."
        shown = [{"name": each["name"], "reference": each["reference"]} for each in held]
        return UnderLegalHold(f"{order.name}: {order.why}", name=order.name, holds=shown)
    order.reason_code = "retention_minimum"
    order.why = f"It must be kept until {max(each['until'] for each in blocks)}."
    return Conflict(f"{order.name}: {order.why}", name=order.name)


def tell(order: ErasureOrder, asks: Iterable[ErasureAsk] = ()) -> None:
    """Emit what became of an order, and ask the owners who have not agreed."""
    payload = {"order": str(order.pk), "name": order.name, "state": str(order.state)}
    due = order.due_at and order.due_at.isoformat()
    outbox.emit("erasure.changed", {**payload, "kind": order.kind, "due": due})
    for ask in asks:
        if not ask.agreed_by:
            outbox.emit("erasure.asked", {"order": str(order.pk), "name": ask.name})
