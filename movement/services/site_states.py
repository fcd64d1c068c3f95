"""The states of sites: the one way to change them, and what a change does to what lies there.

See docs/explanation/algorithms/sites.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core import outbox
from core.errors import Conflict, NotFound
from governance import audit
from governance.engine.entities import Decision, Principal
from movement.models import SITE_MOVES, Replica, ReplicaState, Site, SiteState
from movement.services.copies import make_whole, move_replica
from movement.views import AWAY, site_view

SITE_BACK = "site_back"
"""The reason of a replica that is to be listed because its site was away."""
SHORT_ABSENCE = timedelta(hours=1)
"""A site that was away for less, within its grace, is taken at its word."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Told:
    """Who says that a site is in a state, why, and until when."""

    actor: Principal
    decision: Decision
    reason: str = ""
    expected_back: datetime | None = None


def locked_site(name: str) -> Site:
    """Return the site, locked for the rest of the transaction; raise NotFound."""
    site = Site.objects.select_for_update().filter(name=name).first()
    if site is None:
        raise NotFound(f"There is no site {name!r}.")
    return site


def move_site(site: Site, state: SiteState, told: Told) -> None:
    """Bring a locked site into a state and say so, in the caller's transaction.

    In the state already, it takes the new reason and no more. What lies at a site that comes back
    is listed before it is trusted: at once it counts only if it counted all the time.
    """
    was, now = SiteState(site.state), timezone.now()
    if was != state and state not in SITE_MOVES[was]:
        raise Conflict(f"A site that is {was} cannot become {state}.")
    back = was in AWAY and state not in AWAY
    if back:
        _list_again(site, now)
    site.state, site.state_reason, site.expected_back = state, told.reason, told.expected_back
    if was != state:
        site.state_since = now
    site.save(update_fields=["state", "state_since", "state_reason", "expected_back"])
    expected = told.expected_back.isoformat() if told.expected_back else None
    audit.record(
        told.actor,
        "site-state",
        site.name,
        told.decision,
        state=str(state),
        was=str(was),
        reason=told.reason,
        expected_back=expected,
    )
    if back:
        outbox.emit("site.back", {"site": site.name})
    elif state == SiteState.LOST and was != state:
        outbox.emit("site.lost", {"site": site.name})


def trust_again(replica: Replica) -> None:
    """Note that a listing found all of a replica: it is whole, if it was its site that was away.

    Its bytes were proved when they were last proved; the absence changed none of them.
    """
    if replica.state == ReplicaState.SUSPECT and replica.reason_code == SITE_BACK:
        make_whole(replica, replica.verified_at)


def _list_again(site: Site, now: datetime) -> None:
    """Mark what lies at a site that was away, so that `relist` has it looked at."""
    there = Replica.objects.filter(store__site=site, state=ReplicaState.COMPLETE)
    reason = f"The site {site.name} was away; what lies there is compared with its manifest."
    if site_view(site, now).counts:
        if now - site.state_since >= SHORT_ABSENCE:
            there.update(reason_code=SITE_BACK, reason=reason)
        return
    ids = list(there.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), _BATCH):
        batch = Replica.objects.filter(pk__in=ids[start : start + _BATCH])
        move_replica(batch, ReplicaState.SUSPECT, SITE_BACK, reason)
