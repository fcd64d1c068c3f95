"""Transfers: asked for, claimed under a lease, carried, taken up again when a worker dies.

See docs/explanation/algorithms/leases.md.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Version
from catalog.selectors import named_version, product_resource
from core.errors import Conflict, NotFound
from core.names import Name
from governance import audit
from governance.engine.entities import RECONCILER, Action, Principal
from governance.services import decide, require
from movement import doorbell
from movement.models import (
    ACTIVE,
    TRANSFER_MOVES,
    WORKING,
    Replica,
    ReplicaState,
    Store,
    Transfer,
    TransferState,
)
from movement.services.carry import Outcome, carry
from movement.services.ingest import situation_of
from core.lease import Lease

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)


def request_transfer(actor: Principal, *, version: str, target: str) -> Transfer:
    """Ask for one copy by hand. A policy that forbids it is told at once, and nothing moves."""
    found = named_version(actor, Action.DISCOVER, Name.parse(version))
    store = Store.objects.select_related("site").filter(name=target).first()
    if store is None:
        raise NotFound(f"There is no store {target!r}.")
    resource = product_resource(found.product)
    decision = require(actor, Action.REPLICATE, resource, situation_of(store))
    if found.replicas.filter(store=store, state=ReplicaState.COMPLETE).exists():
        raise Conflict(f"{found.name} is at {target} already.")
    try:
        with transaction.atomic():
            transfer = _queued(found, store, actor)
            audit.record(actor, "replicate", found.name, decision, target=target)
    except IntegrityError as error:
        raise Conflict(f"{found.name} is on its way to {target} already.") from error
    return transfer


def _queued(version: Version, target: Store, actor: Principal) -> Transfer:
    version.transfers.filter(state=TransferState.REFUSED, target=target).delete()
    transfer = Transfer.objects.create(
        version=version,
        target=target,
        asked_by=actor.id,
        next_attempt_at=timezone.now(),
        files_total=version.files,
        bytes_total=version.bytes,
    )
    transaction.on_commit(lambda: doorbell.ring_transfer(transfer.pk))
    return transfer


def run_transfer(transfer_id: UUID) -> TransferState | None:
    """Claim a transfer and carry it; None when it is done, held by another, or not due."""
    lease = _claim(transfer_id)
    if lease is None:
        return None
    transfer = Transfer.objects.select_related(
        "version__product__domain__team", "target__site"
    ).get(pk=transfer_id)
    answer = decide(
        RECONCILER,
        Action.REPLICATE,
        product_resource(transfer.version.product),
        situation_of(transfer.target),
    )
    if not answer.allow:  # a policy may have changed since it was queued
        outcome = Outcome(TransferState.REFUSED, "policy_denied", answer.reason)
        outcome = replace(outcome, policies=answer.policies)
    else:
        outcome = carry(transfer, lease)
    return _settle(transfer, lease, outcome)


def _claim(transfer_id: UUID) -> Lease | None:
    now = timezone.now()
    due = Q(state__in=[TransferState.QUEUED, TransferState.WAITING], next_attempt_at__lte=now)
    abandoned = Q(state__in=WORKING, lease_until__lt=now)
    return Lease.take(
        Transfer.objects.filter(due | abandoned, pk=transfer_id),
        state=TransferState.CLAIMED,
        attempt=F("attempt") + 1,
        started_at=now,
        reason_code="",
    )


def _settle(transfer: Transfer, lease: Lease, outcome: Outcome) -> TransferState | None:
    """Write how it ended, if the lease still holds; the replica row goes with it."""
    with transaction.atomic():
        row = lease.locked()
        if row is None:
            return None
        if outcome.state not in TRANSFER_MOVES[row.state]:
            raise Conflict(f"A transfer that is {row.state} cannot become {outcome.state}.")
        row.state, row.reason_code, row.reason = outcome.state, outcome.code, outcome.reason
        row.lease_until, row.lease_owner = None, ""
        if outcome.policies:
            row.policies = list(outcome.policies)
        if outcome.state == TransferState.WAITING:
            row.next_attempt_at = timezone.now() + _wait(row.attempt)
        else:
            row.finished_at = timezone.now()
        if outcome.state == TransferState.REFUSED:
            Transfer.objects.filter(
                version=row.version_id, target=row.target_id, state=TransferState.REFUSED
            ).delete()
        row.save()
        if outcome.state != TransferState.WAITING:
            _end_replica(row, outcome)
    return outcome.state


def _end_replica(row: Transfer, outcome: Outcome) -> None:
    mine = Replica.objects.filter(
        version=row.version_id, store=row.target_id, state=ReplicaState.COPYING
    )
    if outcome.state == TransferState.DONE:
        mine.update(
            state=ReplicaState.COMPLETE, verified_at=timezone.now(), reason="", reason_code=""
        )
    else:
        mine.update(state=ReplicaState.MISSING, reason=outcome.reason, reason_code=outcome.code)
    answer = decide(
        RECONCILER,
        Action.REPLICATE,
        product_resource(row.version.product),
        situation_of(row.target),
    )
    audit.record(
        RECONCILER,
        "transfer",
        row.version.name,
        answer,
        target=row.target.name,
        state=str(outcome.state),
        bytes=row.bytes_done,
        reason=outcome.reason,
    )


def _wait(attempt: int) -> timedelta:
    """Return the pause before the next attempt: doubling, bounded, with jitter."""
    pause = min(FIRST_WAIT * 2 ** min(attempt - 1, 12), LONGEST_WAIT)
    return pause * random.uniform(0.8, 1.2)


def cancel_transfer(actor: Principal, transfer_id: UUID) -> Transfer:
    """Stop a transfer; a worker that carries it notices at its next heartbeat."""
    return _by_hand(actor, transfer_id, TransferState.CANCELLED)


def retry_transfer(actor: Principal, transfer_id: UUID) -> Transfer:
    """Queue a transfer that ended or waits, at once."""
    return _by_hand(actor, transfer_id, TransferState.QUEUED)


@transaction.atomic
def _by_hand(actor: Principal, transfer_id: UUID, state: TransferState) -> Transfer:
    row = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("version__product__domain__team", "target__site")
        .filter(pk=transfer_id)
        .first()
    )
    if row is None:
        raise NotFound("There is no such transfer.")
    resource = product_resource(row.version.product)
    decision = require(actor, Action.REPLICATE, resource, situation_of(row.target))
    if state not in TRANSFER_MOVES[row.state]:
        raise Conflict(f"A transfer that is {row.state} cannot become {state}.")
    row.state, row.fence = state, row.fence + 1
    row.lease_until, row.lease_owner = None, ""
    row.reason_code = "by_hand"
    row.reason = f"{actor.id} asked for it."
    row.next_attempt_at = timezone.now()
    row.finished_at = timezone.now() if state == TransferState.CANCELLED else None
    row.save()
    if state == TransferState.CANCELLED:
        Replica.objects.filter(
            version=row.version, store=row.target, state=ReplicaState.COPYING
        ).update(state=ReplicaState.MISSING, reason=row.reason, reason_code=row.reason_code)
    else:
        transaction.on_commit(lambda: doorbell.ring_transfer(row.pk))
    audit.record(actor, f"transfer-{state}", row.version.name, decision, target=row.target.name)
    return row


def sweep_transfers() -> int:
    """Ring for every transfer that is due or abandoned; return how many."""
    now = timezone.now()
    lost = timedelta(seconds=settings.FAIRMESH.sweep_seconds)
    due = Q(state=TransferState.QUEUED, next_attempt_at__lte=now - lost)
    waiting = Q(state=TransferState.WAITING, next_attempt_at__lte=now)
    abandoned = Q(state__in=WORKING, lease_until__lt=now)
    ids = list(
        Transfer.objects.filter(due | waiting | abandoned, state__in=ACTIVE)
        .order_by("next_attempt_at")
        .values_list("id", flat=True)[:500]
    )
    for transfer_id in ids:
        doorbell.ring_transfer(transfer_id)
    return len(ids)
