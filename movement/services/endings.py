"""The end of a transfer: its replica, lineage and audit, and what was sent in vain taken back."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction
from django.utils import timezone

from catalog.selectors import product_resource
from core.errors import FairmeshError
from core.names import Name
from governance import audit
from governance.engine.entities import RECONCILER, Action
from governance.services import decide
from lineage import openlineage
from lineage.services import record
from movement import doorbell
from movement.models import ReplicaState, StoreKind, Transfer, TransferState
from movement.services.carry import NEEDS_HOP
from movement.services.copies import complete_copy, give_up_copy
from movement.services.ingest import situation_of
from movement.services.wiping import sharers_of, wipe_prefix

logger = logging.getLogger(__name__)


def end_transfer(row: Transfer) -> None:
    """Write what the end of a transfer means for its replica, for lineage and for the audit log.

    In the caller's transaction. Transfers of the version that wait for a stop on their way go on.
    """
    version, target = row.version, row.target
    if row.state == TransferState.DONE:
        complete_copy(version, target)
        record(_as_lineage(row))
        _go_on(row)
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


def _go_on(row: Transfer) -> None:
    """Have the transfers that waited for bytes to come nearer looked at now."""
    waiting = Transfer.objects.filter(
        version=row.version_id, state=TransferState.WAITING, reason_code=NEEDS_HOP
    )
    ids = list(waiting.values_list("pk", flat=True))
    Transfer.objects.filter(pk__in=ids).update(next_attempt_at=timezone.now())
    for transfer_id in ids:
        transaction.on_commit(partial(doorbell.ring_transfer, transfer_id))


def take_back(transfer: Transfer) -> None:
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
