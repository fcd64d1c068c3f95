"""The pace of a transfer: its share of what a link, and the windows of both sites, let pass."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from movement.engine.pace import Pace
from movement.models import WORKING, Link, Site, Store, Transfer
from movement.services.contact import contact_of


class Pacer:
    """Holds the pace of one transfer to its share, which changes as others begin and end.

    Whoever beats for the transfer asks for `adjust`: so within a beat the limits hold for all of
    them together, and a window that becomes faster or slower is followed.
    """

    def __init__(self, target: Store) -> None:
        self.pace = Pace(None)
        self._target = target
        self._source: Store | None = None

    def go_from(self, source: Store) -> None:
        """Keep to the limits of the way from this source from now on."""
        self._source = source
        self.adjust()

    def adjust(self) -> None:
        if self._source is not None:
            self.pace.change(share_of(self._source.site_id, self._target.site_id))


def share_of(source: UUID, target: UUID) -> float | None:
    """Return the bytes a second that one transfer between these sites may use; None for no limit.

    A limit is shared evenly by the transfers that are under way within it.
    """
    return min(_shares(source, target), default=None)


def _shares(source: UUID, target: UUID) -> Iterator[float]:
    between = Q(source__site=source, target__site=target)
    link = Link.objects.filter(source=source, target=target).first()
    if link is not None and link.bytes_per_second is not None:
        yield link.bytes_per_second / _under_way(between)
    now = timezone.now()
    for site in Site.objects.filter(pk__in={source, target}):
        most = contact_of(site, now).bytes_per_second
        if most is not None:
            yield most / _under_way(Q(source__site=site) | Q(target__site=site))


def _under_way(within: Q) -> int:
    """Count the transfers that share a limit: one at least, which is who asks."""
    live = Transfer.objects.filter(within, state__in=WORKING, lease_until__gte=timezone.now())
    return max(1, live.order_by().count())
