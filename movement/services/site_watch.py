"""Watching sites: who fell silent, whose grace is over, and what waits for those who are back.

See docs/explanation/algorithms/sites.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from governance.engine.entities import Decision, Principal
from movement.engine.calendar import open_at, read_calendar
from movement.models import (
    Replica,
    ReplicaState,
    Scrub,
    ScrubState,
    Site,
    SiteState,
)
from movement.services.bells import look_again
from movement.services.contact import OUTSIDE_WINDOW, SITE_OFFLINE
from movement.services.scrub import start_scrub, why_not
from movement.services.site_states import SITE_BACK, Told, move_site
from movement.views import grace_ends

WATCHER = Principal("service.sites", groups=frozenset({"services"}), kind="service")
AT_ONCE = 500
LIST_PAUSE = timedelta(minutes=5)
SILENCE = timedelta(minutes=15)
"""After which a site that used to say that it lives is taken to be off-line."""

_LISTED = (ReplicaState.COMPLETE, ReplicaState.SUSPECT)


def watch_sites() -> int:
    """Find the sites that fell silent off-line and those whose grace is over lost; return how many.

    Safe to run anywhere, twice at once: each site is looked at again under its lock. What waits to
    be listed is asked for as well.
    """
    list_again()
    now = timezone.now()
    speaks = Q(state=SiteState.ONLINE, last_seen__isnull=False)
    asked = Site.objects.filter(speaks | Q(state=SiteState.OFFLINE))
    return sum(_watch(pk, now) for pk in asked.order_by("id").values_list("pk", flat=True))


@transaction.atomic
def _watch(pk: UUID, now: datetime) -> bool:
    site = Site.objects.select_for_update().get(pk=pk)
    if site.state == SiteState.OFFLINE and now >= grace_ends(site):
        away = f"It was off-line for longer than its {site.grace_hours} hours of grace."
        move_site(site, SiteState.LOST, _told(away, site.state_reason))
    elif site.state == SiteState.ONLINE and (since := _silent_since(site, now)) is not None:
        move_site(site, SiteState.OFFLINE, _told(f"It has been silent since {since:%H:%M} UTC."))
    else:
        return False
    return True


def _told(*reasons: str) -> Told:
    reason = " ".join(filter(None, reasons))
    return Told(WATCHER, Decision(True, (), reason, ""), reason)


def _silent_since(site: Site, now: datetime) -> datetime | None:
    """Return since when a site says nothing though it could; None when that is not for long.

    One that never said a word is not expected to, and none is outside of its windows.
    """
    opening = open_at(read_calendar(site.windows), now)
    if opening is None or site.last_seen is None:
        return None
    heard = max(site.last_seen, site.state_since, opening.begin or site.last_seen)
    return site.last_seen if now - heard >= SILENCE else None


def list_again() -> int:
    """Have replicas listed whose site was away, some hundred a round; return how many.

    One that counts all the while is done with when it is asked for, one under suspicion when its
    listing ends; a listing that was cut is begun again.
    """
    now = timezone.now()
    lately = Scrub.objects.filter(
        Q(state=ScrubState.RUNNING) | Q(started_at__gt=now - LIST_PAUSE), replica=OuterRef("pk")
    )
    rows = Replica.objects.select_related("version", "store__site").filter(
        ~Exists(lately), reason_code=SITE_BACK, state__in=_LISTED, store__reachable=True
    )
    waiting = [row for row in rows.order_by("id")[:AT_ONCE] if why_not(row) is None]
    return sum(_list(row) for row in waiting)


@transaction.atomic
def _list(replica: Replica) -> bool:
    trusted = Replica.objects.filter(
        pk=replica.pk, state=ReplicaState.COMPLETE, reason_code=SITE_BACK
    )
    trusted.update(reason_code="", reason="")
    return start_scrub(replica, deep=False, asked_by=WATCHER.id) is not None


def site_came_back(name: str) -> int:
    """Have every transfer that waits for a site looked at now; return how many."""
    return look_again(
        Q(target__site__name=name)
        | Q(source__site__name=name)
        | Q(reason_code__in=[SITE_OFFLINE, OUTSIDE_WINDOW])
    )
