"""Arrivals: what keeps a draft from being sealed, or a path from being sent twice, in mid-upload.

Bytes become visible in a store before the catalog notes them. Without this a file sent while its
draft is sealed could replace bytes that the seal already speaks of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.models import DraftFile, Version, VersionState
from core.errors import Conflict
from movement.models import Arrival


class Receiving:
    """The right to bring in one file; it must be heard from within two leases."""

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._heard = time.monotonic()

    def still_here(self) -> None:
        """Tell that bytes are coming; cheap enough to be called for every piece."""
        if time.monotonic() - self._heard > settings.FAIRMESH.lease_seconds / 2:
            self._renew()

    @transaction.atomic
    def take_the_place(self) -> None:
        """Make sure of the right before the bytes become visible; raise Conflict without it.

        What the draft noted of an earlier file of this path is forgotten: its bytes go now.
        """
        lock_draft(self._arrival.version)
        self._renew()
        gone = DraftFile.objects.filter(version=self._arrival.version_id, path=self._arrival.path)
        gone.delete()

    def _renew(self) -> None:
        self._heard = time.monotonic()
        if not Arrival.objects.filter(pk=self._arrival.pk).update(until=_until()):
            raise Conflict(
                f"{self._arrival.path!r} took too long or its version is gone; nothing was kept.",
                path=self._arrival.path,
            )


@contextmanager
def arriving(version: Version, path: str) -> Iterator[Receiving]:
    """Hold the right to bring in `path`. Raises Conflict when another upload of it is under way."""
    try:
        with transaction.atomic():
            lock_draft(version)
            Arrival.objects.filter(version=version, path=path, until__lt=timezone.now()).delete()
            arrival = Arrival.objects.create(version=version, path=path, until=_until())
    except IntegrityError as error:
        raise Conflict(
            f"{path!r} of {version.name} is being sent already; wait for that upload to end.",
            path=path,
        ) from error
    try:
        yield Receiving(arrival)
    finally:
        Arrival.objects.filter(pk=arrival.pk).delete()


def lock_draft(version: Version) -> None:
    """Lock the version's row for the rest of the transaction; raise Conflict if it is sealed."""
    locked = Version.objects.select_for_update().filter(pk=version.pk).first()
    if locked is None or locked.state != VersionState.DRAFT:
        state = "gone" if locked is None else locked.state
        raise Conflict(f"{version.name} is {state}; a published version never changes.")


def refuse_while_arriving(version_id: UUID) -> None:
    """Raise Conflict when a file of the version is on its way. Call it under the row's lock."""
    live = Arrival.objects.filter(version=version_id, until__gte=timezone.now())
    paths = list(live.order_by("path").values_list("path", flat=True)[:5])
    if paths:
        raise Conflict(
            f"Files are still on their way: {', '.join(map(repr, paths))}. Publish once they are "
            "all there.",
            arriving=paths,
        )


def _until() -> datetime:
    return timezone.now() + timedelta(seconds=2 * settings.FAIRMESH.lease_seconds)
