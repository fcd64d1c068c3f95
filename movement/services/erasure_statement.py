"""The signed receipt: one DSSE statement by the key of the domain, verified off-line.

Source: docs/reference/erasure-receipt.md, core/seal.py.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.utils import timezone

from catalog.models import Domain, Product
from core import seal
from core.errors import Conflict, NamingRefused, NotFound
from core.names import Name
from governance.engine.entities import Principal, Visibility
from governance.models import ErasureOrder, ErasureReceipt
from governance.services import delegations_for, signer_for
from governance.services.keys import anchor_signer
from movement.orders import Sight, product_of


def sign_order(order: ErasureOrder) -> None:
    """Put the signed statement on a locked order that has ended; the caller saves it."""
    signer = _signer(order)  # before the clock is read: it may be new
    order.finished_at = timezone.now()
    rows = list(order.receipts.order_by("id"))
    named = _told(order, rows)
    order.statement = seal.sign(
        signer,
        seal.ERASURE_TYPE,
        {
            "type": "fairmesh.erasure",
            "order": str(order.pk),
            "name": order.name,
            "kind": order.kind,
            "cascade": order.cascade,
            "registered": order.registered,
            "reason": order.reason,
            "basis": order.basis,
            "state": str(order.state),
            "proposed": {"by": order.proposed_by, "at": _time(order.proposed_at)},
            "approved": {"by": order.approved_by, "at": _time(order.approved_at)},
            "finished": _time(order.finished_at),
            "receipts": [_as_json(row) for row in rows if product_of(row.name) in named],
            "unnamed": dict(
                Counter(str(row.state) for row in rows if product_of(row.name) not in named)
            ),
        },
    )


def _signer(order: ErasureOrder) -> seal.Signer:
    """Return the key of the domain, or the anchor's own where no other may sign for the name."""
    try:
        return signer_for(Name.parse(order.name))
    except NamingRefused:
        return anchor_signer()


def _told(order: ErasureOrder, rows: list[ErasureReceipt]) -> set[str]:
    """Return the products that the statement names: it travels to all who own the subject.

    What is private to another team is counted only, as a seal cites it by digest only.
    """
    products = Product.objects.filter(name__in={product_of(row.name) for row in rows})
    team = _team_of(order.name)
    return {
        product.name
        for product in products.select_related("domain")
        if product.visibility != Visibility.TEAM or product.domain.team_id == team
    }


def _team_of(name: str) -> object:
    product = product_of(name)
    if product is None:
        return Domain.objects.filter(name=name).values_list("team", flat=True).first()
    return Product.objects.filter(name=product).values_list("domain__team", flat=True).first()


def _as_json(row: ErasureReceipt) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "name": row.name,
        "place": row.place,
        "state": str(row.state),
        "reason_code": row.reason_code,
        "evidence": row.evidence,
        "settled": _time(row.settled_at),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def signed_receipt(principal: Principal, order: ErasureOrder) -> dict[str, Any]:
    """Return the statement with all it takes to verify it, for who administers its subject."""
    sight = Sight(principal, [order])
    if not sight.owns(order):
        raise NotFound("There is no such erasure, or you may not know of it.")
    if order.statement is None:
        raise Conflict(f"The erasure is {order.state}; it is signed once every receipt is final.")
    said = json.loads(base64.b64decode(order.statement["payload"]))
    places = {row["name"] for row in said["receipts"]}
    rows = order.receipts.filter(name__in=places)
    if not sight.known.issuperset(map(sight.product_of_receipt, rows)):
        raise Conflict("It names products that you may not know of; ask who proposed it.")
    # its name as it was when it was signed
    return {"envelope": order.statement, "delegations": delegations_for(said["name"])}
