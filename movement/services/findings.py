"""What follows from a scrub that found something: verdict, audit, lineage, repair, alarm."""

from __future__ import annotations

import logging
from collections import Counter

from django.utils import timezone

from catalog.selectors import product_resource
from core.errors import IntegrityBroken, ObjectMissing
from governance import audit
from governance.engine.entities import RECONCILER, Action, Decision
from governance.services import decide
from lineage import openlineage
from lineage.services import record
from movement.models import FindingKind, Replica, ReplicaState, Scrub
from movement.opening import is_writable
from movement.services.copies import condemn
from movement.services.ingest import situation_of
from movement.services.quarantine import SCRUBBER
from movement.services.repair import NO_GOOD_COPY, good_copies
from movement.services.transfers import new_transfer

_REPAIR_PRIORITY = 7
"""A copy that was lost goes before those that nobody has had yet."""
logger = logging.getLogger(__name__)


def condemn_by(scrub: Scrub) -> None:
    """Take a replica out of service for what a scrub found, and have it repaired where one can.

    In the caller's transaction; the audit entry and the fact in lineage are written with it.
    """
    replica = Replica.objects.select_related("version__product__domain__team", "store__site").get(
        pk=scrub.replica_id
    )
    version = replica.version
    found = Counter(scrub.findings.values_list("kind", flat=True))
    del found[FindingKind.EXTRA]
    first = scrub.findings.exclude(kind=FindingKind.EXTRA).order_by("path").first()
    said = f"{found.total()} of {version.files} files are not as the manifest says"
    detail = f"; the first is {first.path!r}: {first.detail}" if first is not None else "."
    gone = set(found) == {FindingKind.MISSING}
    state = ReplicaState.MISSING if gone else ReplicaState.CORRUPT
    code = ObjectMissing.code if gone else IntegrityBroken.code
    alone = not good_copies(version).exclude(pk=replica.pk).exists()
    if alone:
        code = NO_GOOD_COPY
        said = f"No store holds a whole copy of {version.name} any more: {said}"
        logger.error("%s at %s: %s", version.name, replica.store.name, said)
    if not condemn(replica, state, code, said + detail):
        Replica.objects.filter(pk=replica.pk).update(reason_code=code, reason=said + detail)
    audit.record(
        SCRUBBER,
        "scrub",
        version.name,
        Decision(True, (), said, ""),
        store=replica.store.name,
        deep=scrub.deep,
        state=str(state),
        found={str(kind): count for kind, count in sorted(found.items())},
    )
    run = openlineage.RunRef(str(scrub.pk), f"scrub-at-{replica.store.name}")
    record(openlineage.failed(run, timezone.now(), [openlineage.DatasetUse(version.name)], said))
    if not alone:
        _queue_repair(replica)


def _queue_repair(replica: Replica) -> None:
    """Send a good copy to where the broken one lies, unless it is not wanted there."""
    store = replica.store
    if replica.remove_after is not None or store.quarantined_at is not None:
        return
    if not is_writable(store):
        return  # somebody else serves it; the reconciler makes a copy elsewhere
    resource = product_resource(replica.version.product)
    if not decide(RECONCILER, Action.REPLICATE, resource, situation_of(store)).allow:
        return
    new_transfer(
        replica.version,
        store,
        asked_by=replica.asked_by or RECONCILER.id,
        priority=_REPAIR_PRIORITY,
        reason="A scrub found broken files there.",
    )
