"""Contact with a site: whether bytes may pass now, until when, how fast, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from movement.engine.calendar import next_opening, open_at, read_calendar
from movement.models import Site, SiteState
from movement.views import AWAY

SITE_OFFLINE = "site_offline"
OUTSIDE_WINDOW = "outside_window"


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
