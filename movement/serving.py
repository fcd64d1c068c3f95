"""Which replicas of a version a reader is offered, in which order, and what is wrong with the rest.

See docs/explanation/algorithms/resolve.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils import timezone

from catalog.models import Version
from governance.engine.entities import RECONCILER, Action, Resource, Situation
from governance.services import decide
from movement.engine import calendar
from movement.engine.distance import Distance, Place, distance, rank
from movement.engine.placement import SITE_ORDER
from movement.models import Link, Replica, ReplicaState, Site, SiteState
from movement.selectors import UNREACHABLE_SITES, place_of

TOLD = frozenset(
    {ReplicaState.COMPLETE, ReplicaState.SUSPECT, ReplicaState.CORRUPT, ReplicaState.MISSING}
)
"""States a reader is told of; what is being made or taken away is no replica to them."""
_HEALTH_STEPS = 10
"""A link's failures count by tenths, so that replicas do not change places with every attempt."""


@dataclass(frozen=True)
class Offer:
    """A replica, whether it is offered, and what speaks against it."""

    replica: Replica
    distance: Distance
    serves: bool = True
    """False: no address is given, and `reason` says why."""
    code: str = ""
    """Empty when nothing is wrong; else it comes after those where nothing is."""
    reason: str = ""


def offers_of(version: Version, resource: Resource, here: Place) -> list[Offer]:
    """Return every replica a reader at `here` is told of, the best first.

    First come those that lie where policies let them, then those that are well, then by distance,
    by what the way costs, by how often it failed; at the end those that give no address.
    """
    replicas = version.replicas.filter(state__in=TOLD).select_related("store__site")
    offers = [_offer(replica, here) for replica in replicas]
    links = _links_to(here)
    astray = _astray(resource, (offer.replica.store.site for offer in offers))

    def key(offer: Offer) -> tuple[object, ...]:
        store = offer.replica.store
        link = links.get(store.site.name)
        return (
            not offer.serves,
            store.site.name in astray,
            offer.code != "",
            store.site.state != SiteState.ONLINE,
            rank(here, place_of(store.site)),
            (link.cost_per_gb if link else 0, store.cost_1000_gets),
            round(link.failure_rate * _HEALTH_STEPS) if link else 0,
            SITE_ORDER[store.site.kind],
            store.name,
        )

    return [_told(offer, astray) for offer in sorted(offers, key=key)]


def _offer(replica: Replica, here: Place) -> Offer:
    store, site = replica.store, replica.store.site
    far = distance(here, place_of(site))
    if replica.state in (ReplicaState.CORRUPT, ReplicaState.MISSING):
        what = "has wrong bytes" if replica.state == ReplicaState.CORRUPT else "is not there"
        why = f"The replica at {store.name} {what} and waits for repair."
        return Offer(replica, far, False, f"replica_{replica.state}", why)
    if store.quarantined_at is not None:
        return Offer(replica, far, False, "quarantined", f"{store.name} is in quarantine.")
    if site.state in UNREACHABLE_SITES:
        return Offer(replica, far, False, f"site_{site.state}", _away(site))
    if calendar.open_at(calendar.read_calendar(site.windows), timezone.now()) is None:
        why = f"The site {site.name} is not in contact at this hour."
        return Offer(replica, far, True, "site_out_of_contact", why)
    if not store.reachable:
        at = "" if store.checked_at is None else f" at {store.checked_at:%Y-%m-%d %H:%M} UTC"
        why = f"{store.name} did not answer when it was last asked{at}."
        return Offer(replica, far, True, "store_unavailable", why)
    if replica.state == ReplicaState.SUSPECT:
        why = f"The replica at {store.name} is to be looked at; verify what it gives."
        return Offer(replica, far, True, "replica_suspect", why)
    return Offer(replica, far)


def _away(site: Site) -> str:
    back = site.expected_back
    until = "" if back is None else f" and is expected back at {back:%Y-%m-%d %H:%M} UTC"
    return f"The site {site.name} is {SiteState(site.state).label.lower()}{until}."


def _links_to(here: Place) -> Mapping[str, Link]:
    """Return the declared ways to the reader's site, by the site they come from."""
    if not here.site:
        return {}
    rows = Link.objects.filter(target__name=here.site).select_related("source")
    return {row.source.name: row for row in rows}


def _astray(resource: Resource, sites: Iterable[Site]) -> set[str]:
    """Return at which of the sites policies would not let the product be placed today."""
    return {
        site.name
        for site in {site.name: site for site in sites}.values()
        if not decide(RECONCILER, Action.REPLICATE, resource, _placed_at(site)).allow
    }


def _placed_at(site: Site) -> Situation:
    return Situation(site=site.name, jurisdictions=frozenset(site.jurisdictions))


def _told(offer: Offer, astray: set[str]) -> Offer:
    site = offer.replica.store.site.name
    if offer.code or site not in astray:
        return offer
    why = f"Policies would not place a copy at {site} today; it is the last resort."
    return Offer(offer.replica, offer.distance, offer.serves, "place_forbidden", why)
