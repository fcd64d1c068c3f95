"""Contact with a site: whether bytes may pass now, until when, how fast, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone

from movement.engine.calendar import next_opening, open_at, read_calendar
from movement.models import Site, SiteState, Transfer
from movement.views import AWAY

SITE_OFFLINE = "site_offline"
OUTSIDE_WINDOW = "outside_window"
_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Contact:
    """What `contact_of` found."""

    open: bool
    until: datetime | None = None
    """When an open contact ends; None when its end is not known."""
    next: datetime | None = None
    """When a closed contact opens; None when nobody said."""
    bytes_per_second: int | None = None
    """The most that may pass; None for no limit."""
    reason_code: str = ""
    reason: str = ""


def contact_of(site: Site, now: datetime) -> Contact:
    """Return the contact with a site at a moment, by its state and by its calendar."""
    if site.state in AWAY:
        back = site.expected_back
        expected = f", expected back at {back:%Y-%m-%d %H:%M} UTC" if back else ""
        reason = (
            f"The site {site.name} is {SiteState(site.state).label.lower()}{expected}; the copy "
            "goes on when it is back."
        )
        return Contact(False, next=back, reason_code=SITE_OFFLINE, reason=reason)
    calendar = read_calendar(site.windows)
    opening = open_at(calendar, now)
    if opening is not None:
        return Contact(True, until=opening.until, bytes_per_second=opening.bytes_per_second)
    begin = next_opening(calendar, now)
    reason = f"The site {site.name} is out of contact until {begin:%Y-%m-%d %H:%M} UTC."
    return Contact(False, next=begin, reason_code=OUTSIDE_WINDOW, reason=reason)


def first_contact(sites: Iterable[Site], now: datetime) -> Contact:
    """Return an open contact with one of some sites, else the closed one that opens first.

    One of which nobody said when it opens comes last. There must be a site.
    """
    contacts = [contact_of(site, now) for site in sites]
    return min(
        contacts, key=lambda contact: (not contact.open, contact.next or _FAR, contact.reason)
    )


def cut_off(transfer_id: UUID) -> Contact | None:
    """Return the closed contact that a transfer cannot go on without; None while both are open.

    Reads both sites anew. With the source away another one may be there: it says no `next`.
    """
    row = Transfer.objects.select_related("target__site", "source__site").get(pk=transfer_id)
    now = timezone.now()
    there = contact_of(row.target.site, now)
    if not there.open:
        return there
    here = contact_of(row.source.site, now) if row.source is not None else there
    return None if here.open else replace(here, next=None)
