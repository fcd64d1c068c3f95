"""Where runs keep rows of a version outside any version, and how they end when it is erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.models import Version, VersionState
from governance.holds import holds_on
from governance.models import TargetKind
from movement import remains
from movement.remains import Remains
from transforms.models import RUN_ACTIVE, Run, RunInput, RunState
from transforms.services.ending import kept_of, scratch_of, stop_run

_UNPUBLISHED = frozenset({RunState.FAILED, RunState.CANCELLED})


def _runs_over(version: Version) -> QuerySet[Run]:
    runs = Run.objects.filter(_reads(version)).exclude(home="")
    return runs.select_related("target", "output_version").order_by("id")


def _reads(version: Version) -> Q:
    beside = RunInput.objects.filter(run=OuterRef("pk"), version=version)
    return Q(input_version=version) | Q(Exists(beside))


def places_of(version: Version) -> Iterator[Remains]:
    """Yield the quarantine, the scratch and the unfinished output of every run over a version."""
    for run in _runs_over(version):
        about = f"run {run.pk}"
        yield Remains(TargetKind.QUARANTINE, run.home, kept_of(run), about)
        yield Remains(TargetKind.CACHE, run.home, scratch_of(run), about)
        unfinished = run.base and run.state in RUN_ACTIVE | _UNPUBLISHED
        if unfinished and not holds_on(run.target.name):
            yield Remains(TargetKind.UPLOAD, run.home, run.base, about)


def stop_runs_over(version: Version) -> datetime | None:
    """End every run that reads the version, and give up its draft; what it wrote is receipted."""
    going_on = Run.objects.filter(_reads(version), state__in=RUN_ACTIVE)
    reason = f"{version.name}, which it reads, is erased."
    stopped = [stop_run(run.pk, RunState.CANCELLED, "gone", reason) for run in going_on]
    for run in _runs_over(version).filter(state__in=_UNPUBLISHED, output_version__isnull=False):
        draft = run.output_version
        if holds_on(run.target.name):
            continue
        Run.objects.filter(pk=run.pk).update(output_version=None)
        if draft is not None and draft.state == VersionState.DRAFT:
            draft.delete()
    if not any(stopped):
        return None
    return timezone.now() + timedelta(seconds=settings.FAIRMESH.lease_seconds)


remains.register(places_of, stop_runs_over)
