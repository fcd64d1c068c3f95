"""What movement hears: whatever changes what should lie where has the difference queued at once.

The beat reconciles everything as well, so a lost event costs a minute and never a copy. A removed
version needs no handler: its name answers 410, and a copy that is under way ends by itself.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from core import outbox
from governance import simulations, sites
from governance.models import Policy
from movement import doorbell, services
from movement.services import erasing, foresight


def version_changed(payload: dict[str, Any]) -> None:
    """A version is published, or one of its replicas is whole or broken."""
    services.reconcile_version(UUID(payload["version_id"]))
    _lock_what_stands()


def policy_changed(payload: dict[str, Any]) -> None:
    """Every version of the policy binds what lies below its prefix: its end matters as well."""
    prefixes = set(Policy.objects.filter(slug=payload["slug"]).values_list("prefix", flat=True))
    services.reconcile_all(prefixes)
    _lock_what_stands()


def label_changed(payload: dict[str, Any]) -> None:
    services.reconcile_all([payload["name"]])
    _lock_what_stands()


def site_back(payload: dict[str, Any]) -> None:
    services.list_again()
    services.site_came_back(payload["site"])
    erasing.site_came_back(payload["site"])
    services.reconcile_all()


def site_lost(payload: dict[str, Any]) -> None:
    """What lies there does not count any more: others are made elsewhere."""
    del payload
    services.reconcile_all()


def store_back(payload: dict[str, Any]) -> None:
    services.store_came_back(payload["store"])


def store_quarantined(payload: dict[str, Any]) -> None:
    """The replicas of a store count no longer: others are made of what lay there."""
    del payload
    services.reconcile_all()


def audit_checkpoint(payload: dict[str, Any]) -> None:
    """Stores are slow: a task writes to them, outside of any transaction."""
    del payload
    transaction.on_commit(doorbell.ring_audit)


def _lock_what_stands() -> None:
    """Stores are slow: a task locks, outside of any transaction."""
    transaction.on_commit(doorbell.ring_locks)


outbox.subscribe("audit.checkpoint", audit_checkpoint)
outbox.subscribe("version.published", version_changed)
outbox.subscribe("replica.broken", version_changed)
outbox.subscribe("policy.changed", policy_changed)
outbox.subscribe("label.changed", label_changed)
outbox.subscribe("site.back", site_back)
outbox.subscribe("store.back", store_back)
outbox.subscribe("store.quarantined", store_quarantined)
outbox.subscribe("site.lost", site_lost)
sites.register(foresight.places)
simulations.register("transfers", foresight.transfers)
simulations.register("replicas", foresight.replicas)
simulations.register_planner(foresight.copies)
