"""Scrubs: a replica is read again and compared with its manifest, under a lease, at a rate.

See docs/explanation/algorithms/scrub.md.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.models import VersionState
from catalog.selectors import product_resource
from core.errors import Conflict, FairmeshError, StoreRefused, StoreUnavailable
from core.lease import Lease
from governance import audit
from governance.engine.entities import Action, Principal
from governance.resources import absent
from governance.services import require
from movement import doorbell
from movement.engine.spans import CopyStopped
from movement.models import FindingKind, Replica, ReplicaOrigin, ReplicaState, Scrub, ScrubState
from movement.opening import told
from movement.selectors import visible_replicas
from movement.services.contact import contact_of
from movement.services.copies import make_whole
from movement.services.findings import condemn_by
from movement.services.heartbeat import Heartbeat
from movement.services.quarantine import judge_store, quarantine_store
from movement.services.repair import close_findings
from movement.services.scrubbing import Walk, not_itself
from movement.services.site_states import trust_again
from movement.services.stores import problem_of

SCRUBBED = frozenset(
    {
        ReplicaState.COMPLETE,
        ReplicaState.SUSPECT,
        ReplicaState.CORRUPT,
        ReplicaState.MISSING,
    }
)
"""A broken one may be read again as well: its disk may be back."""
_BELL = timedelta(minutes=1)
"""How long the bell of a new scrub may take."""
_SWEPT = 20
"""Rung for in one sweep: one that only waits its turn is rung for again, so these are few."""
logger = logging.getLogger(__name__)


def request_scrub(actor: Principal, replica_id: UUID, *, deep: bool) -> Scrub:
    """Have a replica read again by hand, also in a store that is in quarantine."""
    replica = visible_replicas(actor).filter(pk=replica_id).first()
    if replica is None:
        raise absent(str(replica_id))
    version = replica.version
    decision = require(actor, Action.ADMINISTER, product_resource(version.product))
    if (why := why_not(replica)) is not None:
        raise Conflict(why)
    with transaction.atomic():
        scrub = start_scrub(replica, deep=deep, asked_by=actor.id)
        if scrub is None:
            raise Conflict(f"The replica of {version.name} is being read already.")
        audit.record(actor, "scrub", version.name, decision, store=replica.store.name, deep=deep)
    return scrub


def start_scrub(replica: Replica, *, deep: bool, asked_by: str) -> Scrub | None:
    """Begin a scrub and ring for it; None while the replica is being read already."""
    try:
        with transaction.atomic():
            scrub = Scrub.objects.create(replica=replica, deep=deep, asked_by=asked_by)
            transaction.on_commit(lambda: doorbell.ring_scrub(scrub.pk))
    except IntegrityError:
        return None  # the constraint lets one through
    return scrub


def why_not(replica: Replica) -> str | None:
    """Return why a replica cannot be read now; None when it can. It is nobody's fault."""
    store = replica.store
    if replica.version.state != VersionState.PUBLISHED:
        return f"{replica.version.name} is {replica.version.state}."
    if replica.state not in SCRUBBED:
        return f"The replica at {store.name} is {replica.state}; only what lies still is read."
    contact = contact_of(store.site, timezone.now())
    if not contact.open:
        return f"The site {store.site.name} is out of contact."
    if not store.reachable:
        return f"{store.name} does not answer."
    return None


def waiting_scrubs() -> QuerySet[Scrub]:
    """Return the scrubs that wait for a worker: nobody's, or left by one that died."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    return Scrub.objects.filter(free, state=ScrubState.RUNNING)


@dataclass(frozen=True)
class _End:
    state: ScrubState
    reason: str = ""


def run_scrub(scrub_id: UUID) -> ScrubState | None:
    """Go on with a scrub for a slice of time; None when another has it or it has ended.

    RUNNING when there is more to read. A store that fails cuts it, and condemns nothing.
    """
    lease = Lease.take(waiting_scrubs().filter(pk=scrub_id))
    if lease is None:
        return None
    scrub = Scrub.objects.select_related(
        "replica__version__product__domain__team", "replica__store__site"
    ).get(pk=scrub_id)
    end = _ended(scrub, lease)
    return _pause(lease) if end is None else _settle(scrub, lease, end)


def _ended(scrub: Scrub, lease: Lease[Scrub]) -> _End | None:
    """Walk, and return how that ended; whatever goes wrong becomes an end with its reason."""
    store = scrub.replica.store
    try:
        return _walk(scrub, lease)
    except (StoreUnavailable, StoreRefused) as error:
        problem_of(store)
        return _End(ScrubState.CUT, told(store, error.detail))
    except FairmeshError as error:
        return _End(ScrubState.CUT, told(store, error.detail))
    except Exception as error:
        logger.exception("scrub %s met an unforeseen error", scrub.pk)
        return _End(ScrubState.CUT, f"An unforeseen {type(error).__name__} is in the worker's log.")


def _walk(scrub: Scrub, lease: Lease[Scrub]) -> _End | None:
    if (why := _stopped_by(scrub)) is not None:
        return _End(ScrubState.CUT, why)
    walk = Walk(scrub, lease)
    with Heartbeat(lease, walk.now, lambda: _stopped_by(scrub) is None) as beat:
        try:
            ended = walk.go(beat.lost)
        except CopyStopped:
            return _End(ScrubState.CUT, _stopped_by(scrub) or "Another worker has it.")
    if not lease.write(**walk.now()):
        return None
    replica = scrub.replica
    if walk.lies and replica.origin != ReplicaOrigin.REGISTERED:
        quarantine_store(replica.store, "It gave other bytes for one object at the second time.")
    return _verdict(scrub) if ended else None


def _verdict(scrub: Scrub) -> _End:
    broken = scrub.findings.exclude(kind=FindingKind.EXTRA)
    if not broken.exists():
        extra = scrub.findings.count()
        reason = f"{extra} objects lie there that no manifest names." if extra else ""
        return _End(ScrubState.GOOD, reason)
    if (why := not_itself(scrub.replica.store)) is not None:
        return _End(ScrubState.CUT, why)
    return _End(ScrubState.BROKEN)


def _stopped_by(scrub: Scrub) -> str | None:
    """Return why a scrub may not go on; reads the replica anew. None when it may."""
    replica = (
        Replica.objects.select_related("version__product", "store__site")
        .filter(pk=scrub.replica_id, since__lte=scrub.started_at)
        .first()
    )
    if replica is None:
        return "The replica was changed or taken away meanwhile."
    return why_not(replica)


def _pause(lease: Lease[Scrub]) -> ScrubState | None:
    """Let go of a scrub that has more to read, behind what waits by now."""
    row = lease.rows.first()
    if row is None or not lease.rows.update(lease_until=None, lease_owner=""):
        return None
    doorbell.ring_scrub(row.pk)
    return ScrubState.RUNNING


def _settle(scrub: Scrub, lease: Lease[Scrub], end: _End) -> ScrubState | None:
    """Write how it ended, if the lease still holds; the replica's state goes with it."""
    with transaction.atomic():
        row = lease.locked()
        if row is None:
            return None
        replica = Replica.objects.select_for_update().get(pk=scrub.replica_id)
        if end.state != ScrubState.CUT and (why := _stopped_by(scrub)) is not None:
            end = _End(ScrubState.CUT, why)
        row.state, row.reason, row.finished_at = end.state, end.reason, timezone.now()
        row.lease_until, row.lease_owner = None, ""
        row.save()
        if end.state == ScrubState.GOOD and row.deep:
            _prove(replica, row.started_at)
        elif end.state == ScrubState.GOOD:
            trust_again(replica)
        elif end.state == ScrubState.BROKEN:
            condemn_by(row)
        elif row.findings.exclude(kind=FindingKind.EXTRA).exists():
            Replica.objects.filter(pk=replica.pk).update(verified_at=None)  # read again soon
    if end.state == ScrubState.BROKEN:
        judge_store(scrub.replica.store)
    if end.state == ScrubState.GOOD:
        _forget_older(row)
    return end.state


def _prove(replica: Replica, at: datetime) -> None:
    """Note that every byte was as it should be; a replica that was taken for broken is back."""
    if replica.state != ReplicaState.COMPLETE:
        make_whole(replica, at)
    else:
        close_findings(replica)
        Replica.objects.filter(pk=replica.pk).update(verified_at=at)


def _forget_older(scrub: Scrub) -> None:
    """Drop earlier listings in which nothing was found: one a day and replica is a lot of rows."""
    Scrub.objects.filter(
        replica=scrub.replica_id,
        deep=False,
        state=ScrubState.GOOD,
        findings__isnull=True,
        finished_at__lt=scrub.finished_at,
    ).delete()


def sweep_scrubs() -> int:
    """Ring for scrubs that a worker left or whose bell was lost, some a round; return how many."""
    rung = Q(lease_until__isnull=True, started_at__gt=timezone.now() - _BELL)
    waiting = waiting_scrubs().exclude(rung).order_by("started_at")
    ids = list(waiting.values_list("id", flat=True)[:_SWEPT])
    for scrub_id in ids:
        doorbell.ring_scrub(scrub_id)
    return len(ids)
