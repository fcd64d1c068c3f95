"""Object lock: a copy that policies want locked is kept from everyone by the store itself.

Placement counts only stores that can do so. A copy is locked when it is whole, and one that stood
before a policy asked for it, or for longer, is locked by the rounds. A time that stands is never
shortened, so all of this may run again; and a store that keeps an object keeps it from us as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.models import Version, VersionState
from catalog.selectors import manifest_entries, product_resource
from core.errors import FairmeshError, StoreRefused, StoreUnavailable
from core.manifest import FileEntry
from governance import audit
from governance.engine.entities import RECONCILER, Decision
from governance.models import Label
from governance.selectors import protection_of
from governance.standing import Standing, in_force
from movement import doorbell
from movement.models import Replica, ReplicaLock, ReplicaState, Store
from movement.opening import open_store, told
from movement.services.contact import contact_of
from movement.services.heartbeat import Heartbeat
from movement.services.leading import leading
from movement.services.stores import problem_of

STEP_FILES = 512
"""Files locked in one step: two requests each, and then others have their turn."""
_THREADS = 8
_AGAIN_AFTER = timedelta(minutes=10)
"""How long a copy is let be that could not be locked."""
_LEAD = "lock"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Wanted:
    until: datetime
    by: tuple[str, ...]
    """The policies that ask for it."""


def wanted_lock(version: Version) -> _Wanted | None:
    """Return until when policies want each copy of a version locked; None when none does now."""
    resource = product_resource(version.product)
    asked = protection_of(resource.name, resource.labels)
    if not asked.object_lock_days or version.published_at is None:
        return None
    until = version.published_at + timedelta(days=asked.object_lock_days)
    return _Wanted(until, asked.object_lock_by) if until > timezone.now() else None


def lock_copy(copy: Replica) -> None:
    """Lock each file of a whole copy for as long as policies want.

    Nothing is done in a store that cannot lock: no plan puts such a copy there. Raises what the
    store raises.
    """
    wanted = wanted_lock(copy.version)
    if wanted is None or not copy.store.capabilities.get("object_lock"):
        return
    row = ReplicaLock(replica=copy, until=wanted.until)
    while _lock_files(row, STEP_FILES) == STEP_FILES:
        pass
    _note_locked(row, wanted)


def keep_locks() -> int | None:
    """Lock what stands already and policies want locked by now, or for longer than it is.

    Takes one step of STEP_FILES and rings for the next; returns how many files it locked, None
    while another process is at it. Safe to run at any time, twice.
    """
    with leading(_LEAD) as lease:
        if lease is None:
            return None
        with Heartbeat(lease, dict) as beat:
            locked = _step(beat.lost)
    if locked >= STEP_FILES:
        doorbell.ring_locks()
    return locked


def _step(should_stop: Callable[[], bool]) -> int:
    policies = [each for each in in_force("protection") if each.spec.get("object_lock_days")]
    left = STEP_FILES
    for store in _lockable() if policies else ():
        for copy in _lacking(store, policies):
            if left <= 0 or should_stop():
                return STEP_FILES - left
            try:
                left -= _lock_more(copy, left)
            except (StoreUnavailable, StoreRefused) as error:
                problem_of(store)
                _postpone(copy, error)
                break  # the next of its copies would wait as long
            except FairmeshError as error:
                _postpone(copy, error)
    return STEP_FILES - left


def _lockable() -> Iterator[Store]:
    """Yield the stores that can lock and may be spoken to now."""
    now = timezone.now()
    stores = Store.objects.filter(reachable=True, quarantined_at__isnull=True)
    for store in stores.select_related("site").order_by("name"):
        if store.capabilities.get("object_lock") and contact_of(store.site, now).open:
            yield store


def _lacking(store: Store, policies: Iterable[Standing]) -> Iterator[Replica]:
    """Yield the whole copies in a store that some policy wants locked for longer than they are."""
    for policy in policies:
        found = _bound_by(policy).filter(store=store).select_related("version__product", "store")
        yield from found.order_by("pk")[:STEP_FILES]


def _bound_by(policy: Standing) -> QuerySet[Replica]:
    now, days = timezone.now(), timedelta(days=policy.spec["object_lock_days"])
    below = policy.prefix.rstrip("/") + "/"
    too_short = Q(lock=None) | Q(lock__locked_at=None)
    too_short |= Q(lock__until__lt=F("version__published_at") + days)
    found = Replica.objects.filter(
        Q(version__product__name=policy.prefix) | Q(version__product__name__startswith=below),
        too_short,
        Q(lock=None) | Q(lock__next_attempt_at=None) | Q(lock__next_attempt_at__lte=now),
        state=ReplicaState.COMPLETE,
        version__state=VersionState.PUBLISHED,
        version__published_at__gt=now - days,
    )
    for label in policy.labels:
        carried = Label.objects.filter(
            name=OuterRef("version__product__name"), label=label, removed_at__isnull=True
        )
        found = found.filter(Exists(carried))
    return found


def _lock_more(copy: Replica, limit: int) -> int:
    """Lock up to so many files more of a copy, on from where it was left; return how many."""
    wanted = wanted_lock(copy.version)
    if wanted is None:
        return 0
    row, _ = ReplicaLock.objects.get_or_create(replica=copy, defaults={"until": wanted.until})
    row.replica = copy
    if row.until < wanted.until:
        row.after, row.locked_at = "", None
    elif row.locked_at is not None:
        return 0
    row.until, row.reason, row.next_attempt_at = wanted.until, "", None
    count = _lock_files(row, limit)
    if count < limit:
        _note_locked(row, wanted)
    else:
        row.save()
    return count


def _lock_files(row: ReplicaLock, limit: int) -> int:
    """Lock the next files of a copy and move `row.after`; the row is not saved."""
    copy = row.replica
    opened = open_store(copy.store)
    entries = list(islice(manifest_entries(copy.version, after=row.after), limit))

    def lock(entry: FileEntry) -> None:
        opened.lock(copy.base + entry.path, row.until)

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(lock, entries):
            pass
    if entries:
        row.after = entries[-1].path
    return len(entries)


@transaction.atomic
def _note_locked(row: ReplicaLock, wanted: _Wanted) -> None:
    """Write that every file of a copy is locked, into the audit log as well."""
    copy, now = row.replica, timezone.now()
    noted = {"until": row.until, "after": "", "locked_at": now, "reason": ""}
    ReplicaLock.objects.update_or_create(replica=copy, defaults={**noted, "next_attempt_at": None})
    decision = Decision(True, wanted.by, "They want each copy locked.", "")
    detail = {"store": copy.store.name, "until": row.until.isoformat(), "files": copy.version.files}
    audit.record(RECONCILER, "lock", copy.version.name, decision, **detail)


def _postpone(copy: Replica, error: FairmeshError) -> None:
    """Note why a copy could not be locked, and when it is tried again."""
    reason = told(copy.store, error.detail)
    logger.warning("%s at %s is not locked: %s", copy.version.name, copy.store.name, reason)
    again = timezone.now() + _AGAIN_AFTER
    ReplicaLock.objects.filter(replica=copy).update(reason=reason, next_attempt_at=again)
