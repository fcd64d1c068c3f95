"""Pins and subscriptions: a copy that a person wants somewhere, beside what policies ask.

A wish never beats a rule: the same decision is asked as for every copy, when it is made and again
by each worker. What ends a wish lets its copy go as any other surplus: late, and never the last.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.selectors import find_product, named_version, product_resource, visible_versions
from core.errors import Conflict, Invalid, NotFound
from core.names import Name
from governance import audit
from governance.engine.entities import Action, Principal, Situation
from governance.resources import absent
from governance.services import decide, require
from movement.models import Pin, Site, Store, Subscription
from movement.services.ingest import situation_of
from movement.services.reconcile import reconcile_all, reconcile_version


def pin_version(
    actor: Principal, *, version: str, store: str, reason: str, until: datetime | None = None
) -> Pin:
    """Keep a version in a store until a day, or until the pin is lifted."""
    found = named_version(actor, Action.DISCOVER, Name.parse(version))
    target = Store.objects.select_related("site").filter(name=store).first()
    if target is None:
        raise NotFound(f"There is no store {store!r}.")
    if until is not None and until <= timezone.now():
        raise Invalid("A pin ends in the future.", until=until.isoformat())
    decision = require(
        actor, Action.REPLICATE, product_resource(found.product), situation_of(target)
    )
    try:
        with transaction.atomic():
            pin = Pin.objects.create(
                version=found, store=target, reason=reason, until=until, asked_by=actor.id
            )
            audit.record(actor, "pin", found.name, decision, store=store, reason=reason)
    except IntegrityError as error:
        raise Conflict(f"{found.name} is pinned in {store} already.") from error
    reconcile_version(found.pk)
    return pin


def lift_pin(actor: Principal, pin_id: UUID) -> Pin:
    """End a pin: by whoever made it, or who may have the product copied there."""
    pin = visible_pins(actor).filter(pk=pin_id, ended_at__isnull=True).first()
    if pin is None:
        raise absent(str(pin_id))
    resource, situation = product_resource(pin.version.product), situation_of(pin.store)
    ask = decide if pin.asked_by == actor.id else require
    with transaction.atomic():
        decision = ask(actor, Action.REPLICATE, resource, situation)
        pin.ended_at = timezone.now()
        pin.save(update_fields=["ended_at"])
        audit.record(actor, "lift-pin", pin.version.name, decision, store=pin.store.name)
    reconcile_version(pin.version_id)
    return pin


def visible_pins(actor: Principal) -> QuerySet[Pin]:
    return Pin.objects.filter(version__in=visible_versions(actor)).select_related(
        "version__product__domain__team", "store__site"
    )


def subscribe_site(
    actor: Principal, *, product: str, site: str, latest: int = 1, priority: int = 5
) -> Subscription:
    """Keep the latest versions of a product at a site, from now on and as they come."""
    found = find_product(Name.parse(product))
    target = Site.objects.filter(name=site).first()
    if found is None:
        raise absent(product)
    if target is None:
        raise NotFound(f"There is no site {site!r}.")
    situation = Situation(site=target.name, jurisdictions=frozenset(target.jurisdictions))
    decision = require(actor, Action.REPLICATE, product_resource(found), situation)
    try:
        with transaction.atomic():
            row = Subscription.objects.create(
                product=found, site=target, latest=latest, priority=priority, asked_by=actor.id
            )
            audit.record(actor, "subscribe-site", found.name, decision, site=site, latest=latest)
    except IntegrityError as error:
        raise Conflict(f"{site} is subscribed to {found.name} already.") from error
    reconcile_all([found.name])
    return row


def end_subscription(actor: Principal, subscription_id: UUID) -> Subscription:
    """End a subscription: by whoever made it, or who may have the product copied there."""
    row = visible_subscriptions(actor).filter(pk=subscription_id, ended_at__isnull=True).first()
    if row is None:
        raise absent(str(subscription_id))
    situation = Situation(site=row.site.name, jurisdictions=frozenset(row.site.jurisdictions))
    ask = decide if row.asked_by == actor.id else require
    with transaction.atomic():
        decision = ask(actor, Action.REPLICATE, product_resource(row.product), situation)
        row.ended_at = timezone.now()
        row.save(update_fields=["ended_at"])
        audit.record(actor, "end-subscription", row.product.name, decision, site=row.site.name)
    reconcile_all([row.product.name])
    return row


def visible_subscriptions(actor: Principal) -> QuerySet[Subscription]:
    products = visible_versions(actor).values("product")
    return Subscription.objects.filter(product__in=products).select_related(
        "product__domain__team", "site"
    )
