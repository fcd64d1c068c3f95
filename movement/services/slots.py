"""The slots of stores and links: how many transfers may pass now, and which do.

Held up by a slot is no failure: a transfer that may not start stays queued with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, F
from django.utils import timezone

from core.errors import StoreUnavailable
from movement.engine.mesh import Mesh
from movement.engine.turns import Limits, Places, Running, slots_after
from movement.models import WORKING, Link, Store, Transfer, TransferState

WAITS_TURN = "waits_turn"
SOURCE_UNAVAILABLE = "source_unavailable"
"""As `store_unavailable`, when it is the source that does not answer."""


def limits_in(mesh: Mesh) -> Limits:
    """Return the limits of every store and link. Costs two small queries.

    A store at which transfers have just failed, and wait to try again, has fewer slots meanwhile.
    """
    limited = Store.objects.filter(slots__isnull=False).values_list("name", "slots")
    failures, most = _failures(), dict(limited)
    slots = {name: slots_after(most.get(name), failures[name]) for name in {*most, *failures}}
    return Limits(
        site_of={name: store.site.name for name, store in mesh.stores.items()},
        store_slots={name: count for name, count in slots.items() if count is not None},
        link_slots={
            ends: link.slots for ends, link in mesh.links.items() if link.slots is not None
        },
    )


def _failures() -> Counter[str]:
    """Count by store the transfers that wait because it failed them."""
    failed = Transfer.objects.filter(
        state=TransferState.WAITING,
        next_attempt_at__gt=timezone.now(),
        reason_code__in=[StoreUnavailable.code, SOURCE_UNAVAILABLE],
    ).order_by()
    ends = failed.values_list("reason_code", "source__name", "target__name")
    found: Counter[str] = Counter()
    for code, source, target, count in ends.annotate(Count("id")):
        found[source if code == SOURCE_UNAVAILABLE else target] += count
    return found


def working(but: UUID | None = None) -> list[Running]:
    """Return the transfers whose workers live, as many as workers carry; `but` is left out.

    Those of the dead hold no slot.
    """
    rows = Transfer.objects.filter(state__in=WORKING, lease_until__gte=timezone.now()).order_by()
    rows = rows if but is None else rows.exclude(pk=but)
    return [
        Running(tenant, target, source)
        for tenant, target, source in rows.values_list("tenant", "target__name", "source__name")
    ]


def places_of(limits: Limits, running: Iterable[Running]) -> Places:
    places = Places(limits)
    for row in running:
        places.take(row.source, row.target)
    return places


def load_of(running: Iterable[Running]) -> Counter[str]:
    """Count by store the transfers that read from it."""
    return Counter(row.source for row in running if row.source is not None)


def lock_places(limits: Limits, stores: Iterable[str]) -> None:
    """Have whoever counts the slots of these stores, or of links between them, wait for its turn.

    Until the transaction ends. Locks nothing where nothing is limited. SQLite needs none of it: its
    writers are one after the other.
    """
    names = set(stores)
    limited = sorted(names & limits.store_slots.keys())
    sites = {limits.site_of[name] for name in names}
    if limited:
        list(Store.objects.filter(name__in=limited).order_by("pk").select_for_update(no_key=True))
    if any(one in sites and other in sites for one, other in limits.link_slots):
        between = Link.objects.filter(source__name__in=sites, target__name__in=sites)
        rows = between.order_by("pk").select_for_update(of=("self",), no_key=True)
        list(rows.values_list("pk", F("slots")))
