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

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
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
from lineage import openlineage
from lineage.services import record
from movement import doorbell
from movement.models import (
    ACTIVE,
    TRANSFER_MOVES,
    WORKING,
    AppliedPlan,
    ReplicaState,
    Store,
    StoreKind,
    Transfer,
    TransferState,
)
from movement.services.carry import Outcome, carry, out_of_contact, outcome_of
from movement.services.contact import OUTSIDE_WINDOW, SITE_OFFLINE, cut_off
from movement.services.copies import complete_copy, give_up_copy
from movement.services.ingest import situation_of
from movement.services.wiping import sharers_of, wipe_prefix

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
AWAY_WAIT = timedelta(minutes=1)
"""Between two looks at a site that is away; its return queues what waits for it at once."""
_BURNS_NOTHING = frozenset({SITE_OFFLINE, OUTSIDE_WINDOW})
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
) -> Transfer | None:
    """Queue one copy unless one is under way; return it, or None. Asks nobody whether it may be.

    A refusal that stood for the same copy is forgotten: whoever queues it has decided anew.
    """
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
                files_total=version.files,
                bytes_total=version.bytes,
            )
            transaction.on_commit(lambda: doorbell.ring_transfer(transfer.pk))
    except IntegrityError:
        return None  # the constraint lets one through
    return transfer


def run_transfer(transfer_id: UUID) -> TransferState | None:
    """Claim a transfer and carry it; None when it is done, held by another, or not due."""
    lease = _claim(transfer_id)
    if lease is None:
        return None
    transfer = Transfer.objects.select_related(
        "version__product__domain__team", "target__site"
    ).get(pk=transfer_id)
    outcome = _refusal(transfer) or _carried(transfer, lease)
    state = _settle(lease, outcome)
    if state == TransferState.REFUSED:
        _take_back(transfer)
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


def _carried(transfer: Transfer, lease: Lease[Transfer]) -> Outcome:
    """Carry it; whatever goes wrong becomes a state with its reason, so that nothing is stuck."""
    try:
        return carry(transfer, lease, lambda: _may_go_on(transfer))
    except FairmeshError as error:
        return outcome_of(error)
    except Exception as error:
        logger.exception("transfer %s met an unforeseen error", transfer.pk)
        reason = f"An unforeseen {type(error).__name__} is in the worker's log; it is tried again."
        return Outcome(TransferState.WAITING, "unforeseen", reason)


def _claim(transfer_id: UUID) -> Lease[Transfer] | None:
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


def _settle(lease: Lease[Transfer], outcome: Outcome) -> TransferState | None:
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
        if outcome.state == TransferState.REFUSED:
            Transfer.objects.filter(
                version=row.version_id, target=row.target_id, state=TransferState.REFUSED
            ).delete()
        row.save()
        if outcome.state != TransferState.WAITING:
            _end(row)
    return outcome.state


def _take_back(transfer: Transfer) -> None:
    """Remove what a transfer had sent before it was forbidden; a store that is away keeps it.

    A copy that was whole before, or objects that were registered there, are not the transfer's.
    """
    replica = transfer.version.replicas.filter(store=transfer.target).first()
    own = Name.parse(transfer.version.name).to_object_key() + "/"
    if replica is None or replica.state == ReplicaState.COMPLETE or replica.base != own:
        return
    others = sharers_of(replica.pk, transfer.target, own, own=True)
    try:
        wipe_prefix(transfer.target, own, others, lambda: None)
    except FairmeshError as error:
        logger.warning("what transfer %s had sent is left: %s", transfer.pk, error.detail)


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
        row.next_attempt_at = now + AWAY_WAIT
        if row.reason_code == OUTSIDE_WINDOW and not_before is not None:
            row.next_attempt_at = not_before
    else:
        row.next_attempt_at = now + _wait(row.attempt)


def _end(row: Transfer) -> None:
    version, target = row.version, row.target
    if row.state == TransferState.DONE:
        complete_copy(version, target)
        record(_as_lineage(row))
    else:
        give_up_copy(version, target, row.reason_code, row.reason)
    answer = decide(
        RECONCILER, Action.REPLICATE, product_resource(version.product), situation_of(target)
    )
    audit.record(
        RECONCILER,
        "transfer",
        version.name,
        answer,
        target=target.name,
        state=str(row.state),
        bytes=row.bytes_done,
        reason=row.reason,
    )


def _as_lineage(row: Transfer) -> openlineage.Event:
    """Return the copy as an OpenLineage event, by its naming rules.

    A directory stands under the name of its store, as under a host's: where it lies on that host
    is the operators' alone.
    """
    target = row.target
    base = row.version.replicas.get(store=target).base.rstrip("/")
    if target.kind == StoreKind.S3:
        prefix = target.prefix.strip("/")
        place = openlineage.DatasetUse(
            f"{prefix}/{base}" if prefix else base, namespace=f"s3://{target.bucket}"
        )
    else:
        place = openlineage.DatasetUse(f"/{base}", namespace=f"file://{target.name}")
    run = openlineage.RunRef(str(row.pk), f"replicate-to-{target.name}")
    return openlineage.replicated(run, row.finished_at or timezone.now(), row.version.name, place)


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
