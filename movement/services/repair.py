"""What a scrub found broken in a replica: which files are sent again, and when they are whole."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import Version
from movement.models import (
    FindingKind,
    Replica,
    ReplicaState,
    Scrub,
    ScrubFinding,
    ScrubState,
    SiteState,
)

FINDINGS_MAX = 1_000
"""Broken files that one scrub writes down; a replica with more is sent again whole."""
NO_GOOD_COPY = "no_good_copy"
"""The reason of a broken replica whose version lies whole nowhere else."""


def broken_paths(replica: Replica) -> frozenset[str] | None:
    """Return the files that a repair must replace; None when nobody knows that of the others.

    Known it is when the last scrub of the replica went to its end and found some: then the others
    were as their manifest says.
    """
    scrub = _last_scrub(replica)
    if scrub is None or scrub.state != ScrubState.BROKEN:
        return None
    paths = list(_open(scrub.findings.all()).values_list("path", flat=True)[:FINDINGS_MAX])
    return frozenset(paths) if 0 < len(paths) < FINDINGS_MAX else None


def proved_at(replica: Replica) -> datetime | None:
    """Return since when all bytes of a replica are proved, once its broken files are replaced.

    That is when the others were read. A listing reads none: then it stays what it was.
    """
    scrub = _last_scrub(replica)
    return scrub.started_at if scrub is not None and scrub.deep else replica.verified_at


def close_findings(replica: Replica) -> int:
    """Note that what was broken in a replica has been replaced; return how many files."""
    found = ScrubFinding.objects.filter(scrub__replica=replica)
    return _open(found).update(repaired_at=timezone.now())


def good_copies(version: Version) -> QuerySet[Replica]:
    """Return the replicas that count: whole, in a store that is trusted, at a site not lost."""
    return version.replicas.filter(
        state=ReplicaState.COMPLETE, store__quarantined_at__isnull=True
    ).exclude(store__site__state=SiteState.LOST)


def _last_scrub(replica: Replica) -> Scrub | None:
    ended = replica.scrubs.exclude(state=ScrubState.RUNNING)
    return ended.order_by("-finished_at").first()


def _open(findings: QuerySet[ScrubFinding]) -> QuerySet[ScrubFinding]:
    return findings.filter(~Q(kind=FindingKind.EXTRA), repaired_at__isnull=True)
