"""Object lock: a copy that policies want locked is kept from everyone by the store itself.

Placement chooses only stores that can do so; here the lock is set, when the copy is whole. A time
that stands is never shortened, so this may run again; and a store that keeps an object keeps it
from us as well.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.models import Version
from catalog.selectors import manifest_entries, product_resource
from governance.selectors import protection_of
from movement.models import Store
from movement.opening import open_store


def locked_until(version: Version) -> datetime | None:
    """Return until when policies want each copy of a version locked; None when none does."""
    resource = product_resource(version.product)
    days = protection_of(resource.name, resource.labels).object_lock_days
    if not days or version.published_at is None:
        return None
    return version.published_at + timedelta(days=days)


def lock_copy(version: Version, store: Store, base: str) -> None:
    """Lock each file of a whole copy for as long as policies want.

    Nothing is done in a store that cannot lock: no plan puts such a copy there. Raises what the
    store raises.
    """
    until = locked_until(version)
    if until is None or not store.capabilities.get("object_lock"):
        return
    opened = open_store(store)
    for entry in manifest_entries(version):
        opened.lock(base + entry.path, until, hold=False)
