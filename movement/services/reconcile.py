"""The reconciler: compares what is asked for with what is, and queues the difference.

It runs at any time, in several processes, as often as one likes: with nothing to do it does
nothing. See docs/explanation/algorithms/reconciler.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.models import Version, VersionState
from core.lease import Lease
from governance import audit
from governance.engine.entities import RECONCILER, Decision
from movement import doorbell
from movement.engine.placement import Item, Plan, Step
from movement.models import AppliedPlan, Leadership, Store, Transfer, TransferState
from movement.planning import Outlook, VersionPlan, published
from movement.restless import Lookout
from movement.services.leading import leading
from movement.services.removal import mark_surplus
from movement.services.transfers import new_transfer
from movement.wishes import Wishes

_WHOLE_MESH = "reconcile"
_AT_ONCE = 200
"""Versions that are planned together: what is known of the mesh is read anew for each so many."""


def reconcile_version(version_id: UUID, outlook: Outlook | None = None) -> VersionPlan | None:
    """Make the plan of a version true as far as queueing goes; safe to run at any time, twice.

    With an outlook it is one of many: whoever plans them all rings once, and turns decide.
    """
    alone = outlook is None
    version = published([version_id]).first()
    if version is None:
        return None
    if outlook is None:
        outlook = Outlook(wishes=Wishes(timezone.now(), [version_id]))
    planned = outlook.plan(version)
    carry_out(planned, asked_by=RECONCILER.id, ring=alone)
    return planned


def carry_out(
    planned: VersionPlan,
    *,
    asked_by: str,
    applied: AppliedPlan | None = None,
    within: Set[str] | None = None,
    ring: bool = False,
) -> list[Transfer]:
    """Queue the copies of a plan, note its refusals, and mark what may go; return what is new.

    Without `ring` they wait for the next sweep, which rings in their turn.

    With `within` only what concerns these stores is done, and nothing is marked or taken back.
    """
    version, queued, refused_still = planned.version, [], set()
    for item in planned.plan.items:
        if within is not None and item.store not in within:
            continue
        if item.step is Step.COPY:
            queued.append(_queue(planned, item, asked_by, applied, ring))
        elif item.step is Step.REFUSE:
            refused_still.add(item.store)
            _note_refusal(version, item)
    if within is None:
        _lift_refusals(version, refused_still, planned.plan)
        mark_surplus(planned)
    return [transfer for transfer in queued if transfer is not None]


def _queue(
    planned: VersionPlan, item: Item, asked_by: str, applied: AppliedPlan | None, ring: bool
) -> Transfer | None:
    return new_transfer(
        planned.version,
        Store.objects.get(name=item.store),
        asked_by=asked_by,
        policies=item.policies,
        reason=item.reason,
        priority=5 if item.priority is None else item.priority,
        due_at=_due_at(planned),
        plan=applied,
        ring=ring,
    )


def _due_at(planned: VersionPlan) -> datetime | None:
    """Return by when a copy should stand: after the publication, or from now for a later one.

    A repair of an old version, or what a new policy asks for, is not overdue from the beginning:
    it would go before everything that is new.
    """
    published, minutes = planned.version.published_at, planned.due_minutes
    if minutes is None or published is None:
        return None
    allowed, now = timedelta(minutes=minutes), timezone.now()
    return published + allowed if published + allowed > now else now + allowed


def _note_refusal(version: Version, item: Item) -> None:
    """Keep one standing refusal per version and store, with the policies that refuse."""
    target = Store.objects.get(name=item.store)
    try:
        with transaction.atomic():
            now = timezone.now()
            Transfer.objects.create(
                version=version,
                target=target,
                state=TransferState.REFUSED,
                reason_code="policy_denied",
                reason=item.reason,
                policies=list(item.policies),
                asked_by=RECONCILER.id,
                tenant=version.product.domain.team.slug,
                next_attempt_at=now,
                finished_at=now,
                files_total=version.files,
                bytes_total=version.bytes,
            )
            decision = Decision(False, item.policies, item.reason, "")
            audit.record(RECONCILER, "replicate", version.name, decision, target=item.store)
    except IntegrityError:
        return  # it stands already


def _lift_refusals(version: Version, refused_still: set[str], plan: Plan) -> None:
    """Forget refusals of stores that the plan now copies to."""
    chosen = {item.store for item in plan.of(Step.COPY)} - refused_still
    version.transfers.filter(state=TransferState.REFUSED, target__name__in=chosen).delete()


def reconcile_all(names: Iterable[str] | None = None) -> int:
    """Reconcile every published version, or those at or below the names; return how many.

    Versions at rest are told from the others in bulk; only the others are planned one by one.
    """
    versions = Version.objects.filter(state=VersionState.PUBLISHED)
    if names is not None:
        versions = versions.filter(_below(names))
    outlook, count = Outlook(), 0
    for count, version_id in enumerate(list(Lookout(outlook).restless(versions)), start=1):
        reconcile_version(version_id, outlook)
        if count % _AT_ONCE == 0:
            outlook = Outlook()  # what was queued so far fills stores, and policies change
    if count:
        transaction.on_commit(doorbell.ring_sweep)
    return versions.count()


def reconcile_mesh() -> int | None:
    """Reconcile everything, unless another process is at it: then None. The beat calls this."""
    with leading(_WHOLE_MESH) as lease:
        return None if lease is None else _led(lease)


def _led(lease: Lease[Leadership]) -> int:
    outlook, done = Outlook(), 0
    versions = Version.objects.filter(state=VersionState.PUBLISHED)
    for done, version_id in enumerate(list(Lookout(outlook).restless(versions)), start=1):
        reconcile_version(version_id, outlook)
        if done % _AT_ONCE == 0:
            if not lease.write():
                return done
            outlook = Outlook()
    if done:
        doorbell.ring_sweep()
    return done


def _below(names: Iterable[str]) -> Q:
    below = Q(pk__in=[])
    for name in names:
        prefix = name.rstrip("/")
        below |= Q(product__name=prefix) | Q(product__name__startswith=f"{prefix}/")
    return below
