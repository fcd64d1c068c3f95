"""Removal: a replica that nothing asks for any more goes last, late, and never on trust.

It is marked when a plan says that it may go, and unmarked when a later plan wants it after all.
Once the delay is over it is planned anew, every copy that is to stay is looked at in its store, and
only then the bytes are removed. See docs/explanation/algorithms/reconciler.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import Version
from catalog.selectors import manifest_entries, product_resource
from core import outbox
from core.errors import FairmeshError
from governance import audit
from governance.engine.entities import RECONCILER, Action
from governance.holds import holds_on
from governance.services import decide
from movement.engine.placement import Standing
from movement.engine.scrub import Fault, compare
from movement.models import ACTIVE, Replica, ReplicaState, ScrubState
from movement.opening import open_store, told
from movement.planning import Outlook, VersionPlan, held_of, published
from movement.services.copies import move_replica
from movement.services.ingest import situation_of
from movement.services.sealing import SEAL_FOLDER
from movement.services.wiping import Wiped, sharers_of, wipe_prefix
from movement.wishes import Wishes

LATER = timedelta(hours=1)
"""Between two looks at a replica that may not go just now."""
_AT_ONCE = 100
logger = logging.getLogger(__name__)


def mark_surplus(planned: VersionPlan) -> None:
    """Mark the replicas that the plan lets go, to be removed after the delay; unmark the others."""
    going = {item.store: item.reason for item in planned.removals}
    after = timezone.now() + timedelta(hours=settings.FAIRMESH.removal_hours)
    for replica in planned.version.replicas.all():
        reason = going.get(replica.store.name)
        row = Replica.objects.filter(pk=replica.pk).exclude(state=ReplicaState.DELETING)
        if reason is not None and replica.remove_after is None:
            row.update(remove_after=after, remove_reason=reason)
        elif reason is None and replica.remove_after is not None:
            row.update(remove_after=None, remove_reason="")


def remove_due() -> int:
    """Remove the marked replicas whose delay is over; return how many went."""
    due = Replica.objects.filter(remove_after__lte=timezone.now()).exclude(
        state=ReplicaState.DELETED
    )
    ids = list(due.order_by("remove_after").values_list("pk", flat=True)[:_AT_ONCE])
    return sum(remove_replica(pk) for pk in ids)


def remove_replica(replica_id: UUID) -> bool:
    """Remove one marked replica if it may still go; say whether it went.

    Safe to be cut at any point and to run twice: a replica that is DELETING is gone on with.
    """
    replica = Replica.objects.select_related("store__site", "version").get(pk=replica_id)
    if replica.state != ReplicaState.DELETING:
        planned = _planned(replica.version_id)
        if planned is None or replica.store.name not in {i.store for i in planned.removals}:
            Replica.objects.filter(pk=replica.pk).update(remove_after=None, remove_reason="")
            return False
        if not _prove_others(replica, planned) or not _begin(replica.pk):
            return False
    return _wipe(replica)


def _planned(version_id: UUID) -> VersionPlan | None:
    version = published([version_id]).first()
    outlook = Outlook(wishes=Wishes(timezone.now(), [version_id]))
    return None if version is None else outlook.plan(version)


def _prove_others(replica: Replica, planned: VersionPlan) -> bool:
    """Look at each copy that is to stay, in its store; a doubt about one keeps this one."""
    going = {item.store for item in planned.removals}
    staying = [
        other
        for other in planned.version.replicas.select_related("store__site", "version")
        if other.state == ReplicaState.COMPLETE and other.store.name not in going
    ]
    for other in staying:
        try:
            doubt = _doubt(other)
        except FairmeshError as error:
            doubt = told(other.store, error.detail)
        if doubt is not None:
            _postpone(replica, f"The copy in {other.store.name} is in doubt: {doubt}")
            return False
    return bool(staying)


def _doubt(replica: Replica) -> str | None:
    """Return what a listing of its store lacks of a replica; None when all of it is there."""
    for finding in compare(_listed(replica), manifest_entries(replica.version)):
        if finding.fault is not Fault.EXTRA:
            return f"{finding.path}: {finding.detail}"
    return None


def _listed(replica: Replica) -> Iterable[tuple[str, int]]:
    for info in open_store(replica.store).list(replica.base):
        path = info.key.removeprefix(replica.base)
        if not path.startswith(SEAL_FOLDER):
            yield path, info.bytes


@transaction.atomic
def _begin(replica_id: UUID) -> bool:
    """Take the replica out of service, unless something binds it at this moment."""
    Version.objects.select_for_update().get(replicas=replica_id)
    replica = (
        Replica.objects.select_for_update(of=("self",))
        .select_related("version__product__domain__team", "store__site")
        .get(pk=replica_id)
    )
    if (why := _why_not(replica)) is not None:
        _postpone(replica, why)
        return False
    answer = decide(
        RECONCILER, Action.REPLICATE, product_resource(replica.version.product),
        situation_of(replica.store),
    )  # fmt: skip
    move_replica(replica, ReplicaState.DELETING, "surplus", replica.remove_reason)
    audit.record(
        RECONCILER, "remove-replica", replica.version.name, answer,
        store=replica.store.name, reason=replica.remove_reason,
    )  # fmt: skip
    return True


def _why_not(replica: Replica) -> str | None:
    """Say what keeps a replica from being removed now; None when nothing does."""
    version = replica.version
    if holds := holds_on(version.name):
        references = ", ".join(sorted({hold.reference for hold in holds}))
        return f"{version.name} is under legal hold ({references})."
    if version.transfers.filter(state__in=ACTIVE).exists():
        return "A copy of this version is under way and may read from here."
    if replica.scrubs.filter(state=ScrubState.RUNNING).exists():
        return "It is being read by a scrub."
    others = [name for name, held in held_of(version).items() if held.standing is Standing.GOOD]
    if not set(others) - {replica.store.name}:
        return "It is the only good copy."
    return None


def _postpone(replica: Replica, why: str) -> None:
    Replica.objects.filter(pk=replica.pk).update(
        remove_after=timezone.now() + LATER, reason_code="stays", reason=why
    )


def _wipe(replica: Replica) -> bool:
    """Remove the bytes and say so; a store that fails is asked again later."""
    store, base = replica.store, replica.base
    try:
        others = sharers_of(replica.pk, store, base, own=True)
        wiped = wipe_prefix(store, base, others, lambda: None)
    except FairmeshError as error:
        logger.warning("removing %s is tried again: %s", replica, error.detail)
        _postpone(replica, told(store, error.detail))
        return False
    if wiped.locked:
        _postpone(replica, f"The store keeps its objects until {wiped.locked_until or 'later'}.")
        return False
    _close(replica, wiped)
    return True


@transaction.atomic
def _close(replica: Replica, wiped: Wiped) -> None:
    gone = Replica.objects.filter(pk=replica.pk, state=ReplicaState.DELETING)
    changes = {"remove_after": None, "remove_reason": "", "verified_at": None}
    if not move_replica(gone, ReplicaState.DELETED, "surplus", replica.remove_reason, **changes):
        return
    outbox.emit(
        "replica.removed",
        {
            "version": replica.version.name,
            "version_id": str(replica.version_id),
            "store": replica.store.name,
            "objects": wiped.objects,
            "bytes": wiped.bytes,
        },
    )
