"""Quarantine: a store that lies is neither read nor written until an operator trusts it again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Decision, Principal
from governance.models import AuditEntry
from governance.services import require
from movement.engine.scrub import is_lying
from movement.models import Replica, ReplicaOrigin, Scrub, ScrubState, Store

SCRUBBER = Principal("service.scrubber", groups=frozenset({"services"}), kind="service")
_TRUST = "trust-store"
_ROUND_DAYS = 90
"""How far back scrubs speak of a store where no round of scrubbing is set."""
logger = logging.getLogger(__name__)


def judge_store(store: Store) -> bool:
    """Put a store in quarantine when too many of its replicas were found broken lately.

    Objects that were registered where they lie do not speak against it: their owners may change
    them.
    """
    percent = settings.FAIRMESH.scrub_quarantine_percent
    ended = Scrub.objects.filter(
        replica__store=store,
        state__in=[ScrubState.GOOD, ScrubState.BROKEN],
        finished_at__gte=_since(store),
    ).exclude(replica__origin=ReplicaOrigin.REGISTERED)
    scrubbed = ended.values("replica").distinct().count()
    broken = ended.filter(state=ScrubState.BROKEN).values("replica").distinct().count()
    if not is_lying(scrubbed, broken, percent):
        return False
    reason = f"{broken} of {scrubbed} replicas that were scrubbed lately had broken files."
    return quarantine_store(store, reason)


def _since(store: Store) -> datetime:
    """Return since when findings speak against a store: a round ago, or when it was trusted."""
    round_days = settings.FAIRMESH.scrub_days or _ROUND_DAYS
    trusted = AuditEntry.objects.on(store.name).filter(action=_TRUST).order_by("-id").first()
    began = timezone.now() - timedelta(days=round_days)
    return began if trusted is None else max(began, trusted.at)


@transaction.atomic
def quarantine_store(store: Store, reason: str) -> bool:
    """Trust a store no more; False when it is in quarantine already.

    Its replicas count no longer, so the event has others made elsewhere.
    """
    now = timezone.now()
    trusted = Store.objects.filter(pk=store.pk, quarantined_at__isnull=True)
    if not trusted.update(quarantined_at=now, quarantine_reason=reason):
        return False
    store.quarantined_at, store.quarantine_reason = now, reason
    logger.error("the store %s is in quarantine: %s", store.name, reason)
    audit.record(SCRUBBER, "quarantine-store", store.name, Decision(True, (), reason, ""))
    outbox.emit("store.quarantined", {"store": store.name})
    return True


@transaction.atomic
def trust_store(actor: Principal, name: str) -> Store:
    """Lift a quarantine; what lies in the store is read again first of all."""
    decision = require(actor, Action.ADMINISTER, MESH)
    store = Store.objects.select_for_update().filter(name=name).first()
    if store is None:
        raise NotFound(f"There is no store {name!r}.")
    if store.quarantined_at is None:
        return store
    Store.objects.filter(pk=store.pk).update(quarantined_at=None, quarantine_reason="")
    Replica.objects.filter(store=store).update(verified_at=None)
    store.quarantined_at, store.quarantine_reason = None, ""
    audit.record(actor, _TRUST, name, decision)
    return store
