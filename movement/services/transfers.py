"""Transfers: asked for, claimed under a lease, carried, taken up again when a worker dies.

See docs/explanation/algorithms/leases.md.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.models import Product, Version
from catalog.selectors import named_version, product_resource
from core.errors import Conflict, FairmeshError, NotFound
from core.lease import Lease
from core.names import Name
from governance import audit
from governance.engine.entities import RECONCILER, Action, Principal
from governance.resources import absent
from governance.services import decide, require
from movement import doorbell
from movement.engine.mesh import Mesh
from movement.models import (
    TRANSFER_MOVES,
    AppliedPlan,
    ReplicaState,
    Store,
    Transfer,
    TransferState,
)
from movement.opening import need_writable
from movement.services import bells
from movement.services.carry import (
    NEEDS_HOP,
    NO_ROUTE,
    Outcome,
    carry,
    out_of_contact,
    outcome_of,
)
from movement.services.claims import Claim, claim
from movement.services.contact import OUTSIDE_WINDOW, SITE_OFFLINE, cut_off
from movement.services.copies import give_up_copy
from movement.services.endings import end_transfer, take_back
from movement.services.ingest import situation_of
from movement.services.links import price_of

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
_BURNS_NOTHING = frozenset({SITE_OFFLINE, OUTSIDE_WINDOW, NEEDS_HOP, NO_ROUTE})
"""Reasons that are no failure: waiting for them is not an attempt."""
logger = logging.getLogger(__name__)


def request_transfer(actor: Principal, *, version: str, target: str) -> Transfer:
    """Ask for one copy by hand. A policy that forbids it is told at once, and nothing moves."""
    found = named_version(actor, Action.DISCOVER, Name.parse(version))
    store = Store.objects.select_related("site").filter(name=target).first()
    if store is None:
        raise NotFound(f"There is no store {target!r}.")
    resource = product_resource(found.product)
    decision = require(actor, Action.REPLICATE, resource, situation_of(store))
    need_writable(store)
    if found.replicas.filter(store=store, state=ReplicaState.COMPLETE).exists():
        raise Conflict(f"{found.name} is at {target} already.")
    with transaction.atomic():
        transfer = new_transfer(found, store, asked_by=actor.id)
        if transfer is None:
            raise Conflict(f"{found.name} is on its way to {target} already.")
        audit.record(actor, "replicate", found.name, decision, target=target)
    return transfer


def new_transfer(  # noqa: PLR0913  one row of a table, column by column
    version: Version,
    target: Store,
    *,
    asked_by: str,
    policies: Sequence[str] = (),
    reason: str = "",
    priority: int = 5,
    due_at: datetime | None = None,
    plan: AppliedPlan | None = None,
    hop_for: Store | None = None,
    ring: bool = True,
) -> Transfer | None:
    """Queue one copy unless one is under way; return it, or None. Asks nobody whether it may be.

    A refusal that stood for the same copy is forgotten: whoever queues it has decided anew. A bell
    is rung while there is room ahead of the workers; else, and without `ring`, the turn of the
    transfer will come.
    """
    until = bells.bell_counts_until() if ring and bells.room() > 0 else None
    try:
        with transaction.atomic():
            version.transfers.filter(state=TransferState.REFUSED, target=target).delete()
            transfer = Transfer.objects.create(
                version=version,
                target=target,
                asked_by=asked_by,
                policies=list(policies),
                reason=reason,
                priority=priority,
                due_at=due_at,
                plan=plan,
                hop_for=hop_for,
                tenant=version.product.domain.team.slug,
                next_attempt_at=timezone.now(),
                lease_until=until,
                files_total=version.files,
                bytes_total=version.bytes,
            )
            if until is not None:
                transaction.on_commit(lambda: doorbell.ring_transfer(transfer.pk))
    except IntegrityError:
        return None  # the constraint lets one through
    return transfer


def run_transfer(transfer_id: UUID) -> TransferState | None:
    """Claim a transfer and carry it, and ring for the next; None when it is done, held by another,
    not due, or has to wait its turn."""
    taken = claim(transfer_id)
    if taken is None:
        return None
    transfer = taken.transfer
    outcome = _refusal(transfer) or _carried(taken)
    state = _settle(taken.lease, outcome, taken.mesh)
    if state == TransferState.REFUSED:
        take_back(transfer)
    bells.ring_next()
    return state


def _refusal(transfer: Transfer) -> Outcome | None:
    """Return the end of a transfer that policies forbid by now; None when it may go on.

    The product is read anew: it, its labels and the policies change while a transfer waits or runs.
    """
    product = Product.objects.select_related("domain__team").get(pk=transfer.version.product_id)
    answer = decide(
        RECONCILER, Action.REPLICATE, product_resource(product), situation_of(transfer.target)
    )
    if answer.allow:
        return None
    return Outcome(TransferState.REFUSED, "policy_denied", answer.reason, answer.policies)


def _may_go_on(transfer: Transfer) -> bool:
    return _refusal(transfer) is None and cut_off(transfer.pk) is None


def _carried(taken: Claim) -> Outcome:
    """Carry it; whatever goes wrong becomes a state with its reason, so that nothing is stuck."""
    transfer = taken.transfer
    try:
        return carry(taken, lambda: _may_go_on(transfer))
    except FairmeshError as error:
        return outcome_of(error)
    except Exception as error:
        logger.exception("transfer %s met an unforeseen error", transfer.pk)
        reason = f"An unforeseen {type(error).__name__} is in the worker's log; it is tried again."
        return Outcome(TransferState.WAITING, "unforeseen", reason)


def _settle(lease: Lease[Transfer], outcome: Outcome, mesh: Mesh) -> TransferState | None:
    """Write how it ended, if the lease still holds; replica, lineage and audit go with it."""
    with transaction.atomic():
        row = lease.locked()
        if row is None:
            return None
        outcome = _refusal(row) or _cut_off(row, outcome) or outcome
        if outcome.state not in TRANSFER_MOVES[row.state]:
            raise Conflict(f"A transfer that is {row.state} cannot become {outcome.state}.")
        row.state, row.reason_code, row.reason = outcome.state, outcome.code, outcome.reason
        row.lease_until, row.lease_owner = None, ""
        if outcome.policies:
            row.policies = list(outcome.policies)
        if outcome.state == TransferState.WAITING:
            _postpone(row, outcome.not_before)
        else:
            row.finished_at = timezone.now()
        if outcome.state == TransferState.DONE:
            # a heartbeat that waited for the database may have written what was true before
            row.files_done, row.bytes_done = row.files_total, row.bytes_total
            row.cost = price_of(row, mesh)
            row.bytes_per_second = _rate_of(row)
        if outcome.state == TransferState.REFUSED:
            Transfer.objects.filter(
                version=row.version_id, target=row.target_id, state=TransferState.REFUSED
            ).delete()
        row.save()
        if outcome.state != TransferState.WAITING:
            end_transfer(row)
        elif outcome.hop:
            _queue_hop(row, outcome.hop)
    return outcome.state


def _rate_of(row: Transfer) -> float | None:
    """Return bytes a second over the attempt that ended it, what lay at the target included."""
    if row.started_at is None or row.finished_at is None:
        return None
    seconds = (row.finished_at - row.started_at).total_seconds()
    return row.bytes_done / seconds if seconds > 0 else None


def _queue_hop(row: Transfer, hop: str) -> None:
    """Send the bytes to the store on the way; whatever brings them there has the row go on."""
    new_transfer(
        row.version,
        Store.objects.get(name=hop),
        asked_by=row.asked_by,
        policies=row.policies,
        reason=f"It is on the way to {row.target.name}.",
        priority=row.priority,
        due_at=row.due_at,
        plan=row.plan,
        hop_for=row.target,
    )


def _cut_off(row: Transfer, outcome: Outcome) -> Outcome | None:
    """Return why an attempt failed that lost contact with a site; None for another reason."""
    if outcome.state != TransferState.WAITING or outcome.code in _BURNS_NOTHING:
        return None
    contact = cut_off(row.pk)
    return None if contact is None else out_of_contact(contact)


def _postpone(row: Transfer, not_before: datetime | None) -> None:
    now = timezone.now()
    if row.reason_code in _BURNS_NOTHING:
        row.attempt -= 1
        row.next_attempt_at = now + bells.AWAY_WAIT
        if row.reason_code == OUTSIDE_WINDOW and not_before is not None:
            row.next_attempt_at = not_before
    else:
        row.next_attempt_at = now + _wait(row.attempt)


def _wait(attempt: int) -> timedelta:
    """Return the pause before the next attempt: doubling, bounded, with jitter."""
    pause = min(FIRST_WAIT * 2 ** max(0, min(attempt - 1, 12)), LONGEST_WAIT)
    return timedelta(seconds=pause.total_seconds() * random.uniform(0.8, 1.2))


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
        raise absent(str(transfer_id))
    resource = replace(product_resource(row.version.product), asked=str(transfer_id))
    decision = require(actor, Action.REPLICATE, resource, situation_of(row.target))
    if state not in TRANSFER_MOVES[row.state]:
        raise Conflict(f"A transfer that is {row.state} cannot become {state}.")
    row.state, row.fence = state, row.fence + 1
    row.lease_until, row.lease_owner = None, ""
    row.reason_code = "by_hand"
    row.reason = f"{actor.id} asked for it."
    if state == TransferState.QUEUED:
        row.attempt = 0
    row.next_attempt_at = timezone.now()
    row.finished_at = timezone.now() if state == TransferState.CANCELLED else None
    row.save()
    if state == TransferState.CANCELLED:
        give_up_copy(row.version, row.target, row.reason_code, row.reason)
    else:
        transaction.on_commit(lambda: doorbell.ring_transfer(row.pk))
    audit.record(actor, f"transfer-{state}", row.version.name, decision, target=row.target.name)
    return row
