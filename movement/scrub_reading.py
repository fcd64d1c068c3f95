"""Reads of scrubs: one is seen only by who may discover the product of its replica."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.errors import NotFound
from governance.engine.entities import Principal
from movement.models import FindingKind, Replica, ReplicaState, Scrub, ScrubFinding
from movement.selectors import visible_replicas

FINDINGS_SHOWN = 2_000
_BROKEN = ~Q(findings__kind=FindingKind.EXTRA) & Q(findings__isnull=False)


def visible_scrubs(principal: Principal) -> QuerySet[Scrub]:
    """Return the scrubs, each with `broken`, `repaired`, `extra` and `no_good_copy`."""
    good = Replica.objects.filter(
        version=OuterRef("replica__version"),
        state=ReplicaState.COMPLETE,
        store__quarantined_at__isnull=True,
    )
    seen = visible_replicas(principal).order_by().values("pk")
    return (
        Scrub.objects.filter(replica__in=seen)
        .select_related("replica__version__product", "replica__store")
        .annotate(
            broken=Count("findings", filter=_BROKEN),
            repaired=Count("findings", filter=_BROKEN & Q(findings__repaired_at__isnull=False)),
            extra=Count("findings", filter=Q(findings__kind=FindingKind.EXTRA)),
            no_good_copy=~Exists(good),
        )
    )


def scrub_by_id(principal: Principal, scrub_id: UUID) -> Scrub:
    scrub = visible_scrubs(principal).filter(pk=scrub_id).first()
    if scrub is None:
        raise NotFound("There is no such scrub, or you may not know of it.")
    return scrub


def findings_of(scrub: Scrub) -> list[ScrubFinding]:
    """Return what was found, broken files before extra objects."""
    rows = scrub.findings.order_by("path")
    broken = rows.exclude(kind=FindingKind.EXTRA)
    return [*broken[:FINDINGS_SHOWN], *rows.filter(kind=FindingKind.EXTRA)[:FINDINGS_SHOWN]]
