"""The rounds: what is read again next, so that every byte is read within so many days."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from catalog.models import VersionState
from movement.engine.scrub import LONELY, RISKY, SPREAD, Candidate, choose, readers_needed
from movement.models import FindingKind, Replica, ReplicaState, Scrub, ScrubState, Store
from movement.services.contact import contact_of
from movement.services.quarantine import SCRUBBER
from movement.services.scrub import start_scrub

_LISTED_EACH = timedelta(days=1)
_AGAIN_AFTER = timedelta(hours=1)
"""How long a replica is let be after a scrub of it was cut."""
_RISKY_FOR = timedelta(days=30)
_OLDEST = 2_000
"""Replicas that are looked at for the next deep scrubs, the longest unread first."""
_LISTINGS = 100
"""Shallow scrubs begun in one round: transfers wait behind them."""
logger = logging.getLogger(__name__)


def scrub_due() -> int:
    """Begin the scrubs that are due, as far as workers may be taken for them; return how many.

    Safe to run at any time, twice.
    """
    if not settings.FAIRMESH.scrub_days:
        return 0
    lying = _lying()
    return _begin_deep(lying) + _begin_shallow(lying)


def _lying() -> QuerySet[Replica]:
    """Return the replicas that lie still in stores that may be read now."""
    now = timezone.now()
    stores = Store.objects.filter(reachable=True, quarantined_at__isnull=True)
    open_now = [s.pk for s in stores.select_related("site") if contact_of(s.site, now).open]
    cut_lately = Scrub.objects.filter(
        replica=OuterRef("pk"), state=ScrubState.CUT, finished_at__gt=now - _AGAIN_AFTER
    )
    running = Scrub.objects.filter(replica=OuterRef("pk"), state=ScrubState.RUNNING)
    return Replica.objects.filter(
        ~Exists(running),
        ~Exists(cut_lately),
        state__in=[ReplicaState.COMPLETE, ReplicaState.SUSPECT],
        version__state=VersionState.PUBLISHED,
        store__in=open_now,
    ).select_related("store", "version")


def _begin_deep(lying: QuerySet[Replica]) -> int:
    days = settings.FAIRMESH.scrub_days
    running = Scrub.objects.filter(state=ScrubState.RUNNING, deep=True)
    busy = list(running.values_list("replica__store__name", flat=True))
    slots = _readers(lying) - len(busy)
    if slots < 1:
        return 0
    rows = {str(replica.pk): replica for replica in _oldest(lying)}
    chosen = choose(_candidates(list(rows.values())), days, slots, frozenset(busy))
    begun = [start_scrub(rows[each.replica], deep=True, asked_by=SCRUBBER.id) for each in chosen]
    return sum(scrub is not None for scrub in begun)


def _readers(lying: QuerySet[Replica]) -> int:
    """Return how many deep scrubs may run at a time: as many as it takes, half the workers."""
    env = settings.FAIRMESH
    total = lying.aggregate(total=Sum("version__bytes"))["total"] or 0
    needed = readers_needed(total, env.scrub_days, env.scrub_bytes_per_second)
    most = max(1, env.worker_processes // 2)
    if needed > most:
        logger.warning(
            "reading %s bytes within %s days takes %s readers and there are %s: give scrubs more "
            "workers, bytes a second or days",
            total, env.scrub_days, needed, most,
        )  # fmt: skip
    return min(needed, most)


def _oldest(lying: QuerySet[Replica]) -> list[Replica]:
    """Return what may be due, the longest unread first, and what lies in risky stores beside."""
    soonest = settings.FAIRMESH.scrub_days * RISKY * LONELY * (1 - SPREAD)
    due = Q(verified_at__isnull=True) | Q(verified_at__lt=timezone.now() - timedelta(days=soonest))
    ordered = lying.filter(due).order_by(F("verified_at").asc(nulls_first=True), "pk")
    risky = ordered.filter(store__in=_risky_stores())
    return [*ordered[:_OLDEST], *risky[:_OLDEST]]


def _risky_stores() -> list[UUID]:
    found = Scrub.objects.filter(
        findings__kind__in=[FindingKind.MISSING, FindingKind.TRUNCATED, FindingKind.FLIPPED],
        started_at__gt=timezone.now() - _RISKY_FOR,
    )
    return list(found.values_list("replica__store", flat=True).distinct())


def _candidates(replicas: list[Replica]) -> list[Candidate]:
    now, risky = timezone.now(), set(_risky_stores())
    counted = (
        Replica.objects.filter(
            version__in={replica.version_id for replica in replicas},
            state=ReplicaState.COMPLETE,
            store__quarantined_at__isnull=True,
        )
        .values("version")
        .annotate(copies=Count("pk"))
    )
    copies = dict(counted.values_list("version", "copies"))
    return [
        Candidate(
            str(replica.pk),
            replica.store.name,
            None
            if replica.verified_at is None
            else (now - replica.verified_at) / timedelta(days=1),
            copies.get(replica.version_id, 0),
            replica.store_id in risky,
        )
        for replica in replicas
    ]


def _begin_shallow(lying: QuerySet[Replica]) -> int:
    """Begin to list what nobody has looked at for a day."""
    day_ago = timezone.now() - _LISTED_EACH
    looked_at = Scrub.objects.filter(replica=OuterRef("pk"), finished_at__gt=day_ago).exclude(
        state=ScrubState.CUT
    )
    due = lying.filter(~Exists(looked_at), state=ReplicaState.COMPLETE)
    due = due.exclude(verified_at__gt=day_ago).order_by("pk")
    begun = [start_scrub(each, deep=False, asked_by=SCRUBBER.id) for each in due[:_LISTINGS]]
    return sum(scrub is not None for scrub in begun)
