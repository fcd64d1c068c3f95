"""The end of a retention: proposed in good time, approved by an owner or by the policy that asks.

Idempotent: a version has one open order of this kind at most, and its date follows the policies.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import Version, VersionState
from core.names import Name
from governance.engine.entities import Decision, Principal
from governance.models import ErasureKind, ErasureOrder, OrderState
from governance.models.erasure import ORDER_OPEN
from governance.retention import AtEnd, Retention, may_end, retention_of
from movement.services.erasure import approve_by_policy, propose_retention, withdraw

KEEPER = Principal("service.retention", groups=frozenset({"services"}), kind="service")
_UNTOUCHED = frozenset({OrderState.PROPOSED, OrderState.BLOCKED})


def end_retentions() -> int:
    """Propose what ends soon, follow policies that changed, approve what they approve themselves.

    Returns how many orders are new. Looks at those products alone that something limits.
    """
    bounds: dict[str, Retention] = {}
    _follow_policies(bounds)
    return sum(_propose(version, bounds) for version in _limited())


def _limited() -> QuerySet[Version]:
    prefixes, names = may_end()
    found = Q(product__name__in=names)
    for prefix in prefixes:
        below = prefix.rstrip("/") + "/"
        found |= Q(product__name=prefix) | Q(product__name__startswith=below)
    published = Version.objects.filter(found, state=VersionState.PUBLISHED)
    return published.select_related("product").order_by("published_at")


def _bounds(product: str, known: dict[str, Retention]) -> Retention:
    if product not in known:
        known[product] = retention_of(product)
    return known[product]


def _propose(version: Version, known: dict[str, Retention]) -> bool:
    bounds, published = _bounds(version.product.name, known), version.published_at
    end = bounds.ends_at(published) if published is not None else None
    if end is None or end - _warning() > timezone.now():
        return False
    orders = ErasureOrder.objects.filter(name=version.name, kind=ErasureKind.RETENTION)
    if orders.filter(state__in=ORDER_OPEN).exists() or _was_refused(orders, end):
        return False
    decision = Decision(True, bounds.at_most_by, "Their retention asks for it.", "")
    by = bounds.at_most_by
    order = propose_retention(version.name, basis=by, due=end, decision=decision, actor=KEEPER)
    if order is not None:
        _approve_if_due(order, bounds)
    return order is not None


def _warning() -> timedelta:
    return timedelta(days=settings.FAIRMESH.retention_warning_days)


def _was_refused(orders: QuerySet[ErasureOrder], end: datetime) -> bool:
    """Say whether an owner called off the very same end not long ago, so as not to nag."""
    called_off = orders.filter(state=OrderState.CANCELLED, due_at=end)
    return called_off.filter(finished_at__gt=timezone.now() - _warning()).exists()


def _follow_policies(known: dict[str, Retention]) -> None:
    """Move, call off or approve the open orders as the policies of today say."""
    waiting = ErasureOrder.objects.filter(kind=ErasureKind.RETENTION, state__in=_UNTOUCHED)
    for order in waiting.filter(started_at=None).order_by("id"):
        name = Name.parse(order.name)
        product = str(name.product_name)
        version = Version.objects.filter(
            product__name=product, number=name.version or 0, state=VersionState.PUBLISHED
        ).first()
        bounds = _bounds(product, known)
        published = version and version.published_at
        end = bounds.ends_at(published) if published else None
        if end != order.due_at:
            _reschedule(order.pk, end)
        else:
            _approve_if_due(order, bounds)


@transaction.atomic
def _reschedule(order_id: Any, end: datetime | None) -> None:
    order = ErasureOrder.objects.select_for_update().get(pk=order_id)
    if order.state not in _UNTOUCHED:
        return
    if end is None or end - _warning() > timezone.now():
        withdraw(order, by=KEEPER.id, why="Its retention does not end then any more.")
    else:
        order.due_at = end
        order.save(update_fields=["due_at"])


def _approve_if_due(order: ErasureOrder, bounds: Retention) -> None:
    due = order.due_at is not None and order.due_at <= timezone.now()
    if due and bounds.at_end is AtEnd.ERASE:
        decision = Decision(True, bounds.at_most_by, "The policy erases by itself.", "")
        slug = bounds.at_most_by[0]
        approve_by_policy(order.pk, slug=slug, actor=KEEPER, decision=decision)
