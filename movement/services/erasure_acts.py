"""What an erasure does to one version and to one place, each in a step that can be repeated."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.models import Posting, Version, VersionState
from catalog.selectors import product_resource
from catalog.services.removal import bury, locked_version
from core.errors import FairmeshError, StoreUnavailable
from core.names import Name
from governance import audit
from governance.engine.entities import Action, Decision, Principal
from governance.holds import Hold, held, holds_on
from governance.models import (
    ErasureKind,
    ErasureOrder,
    ErasureReceipt,
    ReceiptState,
    Registered,
    TargetKind,
    User,
)
from governance.retention import retention_of
from governance.selectors import principal_for
from governance.services import decide
from lineage.closing import close_version
from movement.engine.erasing import Relation
from movement.models import (
    ACTIVE,
    WORKING,
    Replica,
    ReplicaOrigin,
    ReplicaState,
    SiteState,
    Store,
    TransferState,
)
from movement.opening import told
from movement.remains import remains_of, stop_work_on
from movement.services.bells import AWAY_WAIT
from movement.services.copies import give_up_copy, move_replica
from movement.services.stores import problem_of
from movement.services.transfers import FIRST_WAIT, LONGEST_WAIT
from movement.services.wiping import Wiped, sharers_of, wipe_files, wipe_prefix

ERASER = Principal("service.eraser", groups=frozenset({"services"}), kind="service")
_MOST_REFUSALS = 12
"""Attempts at a store that says no before the receipt says that it failed."""
ERASED = "erased"


class Blocked(Exception):
    """A hold came over what is being erased: the whole order stops."""

    def __init__(self, name: str, holds: tuple[Hold, ...]) -> None:
        super().__init__(name)
        self.blocks: list[dict[str, Any]] = [
            {"version": name, "kind": "hold", "name": hold.name, "reference": hold.reference}
            for hold in holds
        ]


def bury_version(order: ErasureOrder, receipt: ErasureReceipt) -> None:
    """Tombstone one version and stop all work on it, so that nothing new is read or copied.

    Then write a receipt for every place where its bytes are. Runs in the caller's transaction.
    Raises Blocked.
    """
    version = locked_version(_version_id(receipt))
    if _is_held(receipt, version.name):
        return
    authority = _authority(order, version)
    if authority is None:
        _close(receipt, ReceiptState.KEPT, "no_longer_allowed")
        return
    bury(*authority, version, order.reason)
    until = _stop_work(version)
    _note_places(order, version, receipt, until)
    digest, root = version.digest, version.root
    at = version.tombstoned_at and version.tombstoned_at.isoformat()
    evidence = {"digest": digest, "root": root, "files": version.files, "bytes": version.bytes}
    _close(receipt, ReceiptState.ERASED, evidence={**evidence, "tombstoned_at": at})


def _version_id(receipt: ErasureReceipt) -> UUID:
    assert receipt.version_id is not None  # what speaks of a version or a draft has its id
    return receipt.version_id


def _locked(version_id: UUID) -> Version | None:
    versions = Version.objects.select_for_update(of=("self",))
    return versions.select_related("product__domain__team").filter(pk=version_id).first()


def _is_held(receipt: ErasureReceipt, name: str) -> bool:
    """Keep what was derived and is held; stop the order when it is held itself."""
    holds = holds_on(name)
    if not holds:
        return False
    if receipt.details.get("relation") != Relation.DERIVED:
        raise Blocked(name, holds)
    references = ", ".join(sorted({hold.reference for hold in holds}))
    _close(receipt, ReceiptState.KEPT, "under_legal_hold", f"Held for {references}.")
    return True


def refuse_newly_held(receipt: ErasureReceipt) -> None:
    """Raise in the middle of a removal when its version is held from now on."""
    if holds := holds_on(receipt.name):
        if receipt.details.get("relation") != Relation.DERIVED:
            raise Blocked(receipt.name, holds)
        raise held(receipt.name, holds)  # its next attempt receipts what is left as kept


def _authority(order: ErasureOrder, version: Version) -> tuple[Principal, Decision] | None:
    """Return who may still have the version erased, and the decision that says so now.

    For a retention it is the policy, as long as it goes on asking for that.
    """
    if order.kind == ErasureKind.RETENTION:
        bounds = retention_of(version.product.name)
        end = bounds.ends_at(version.published_at) if version.published_at else None
        if end is None or end > timezone.now():
            return None
        return ERASER, Decision(True, bounds.at_most_by, "Its retention has ended.", "")
    resource = product_resource(version.product)
    agreed = order.asks.filter(name=version.product.name).values_list("agreed_by", flat=True)
    people = User.objects.filter(username__in=[*agreed, order.approved_by], is_active=True)
    for user in people.order_by("username"):
        principal = principal_for(user)
        decision = decide(principal, Action.ADMINISTER, resource)
        if decision.allow:
            return principal, decision
    return None


def _stop_work(version: Version) -> datetime | None:
    """End transfers and runs; return until when a worker that has not noticed may still write."""
    ends = [stop_work_on(version)]
    reason = f"{version.name} is erased."
    for row in version.transfers.select_for_update().filter(state__in=ACTIVE):
        ends.append(row.lease_until if row.state in WORKING else None)
        row.state, row.fence = TransferState.CANCELLED, row.fence + 1
        row.lease_until, row.lease_owner = None, ""
        row.reason_code, row.reason, row.finished_at = ERASED, reason, timezone.now()
        row.save()
        give_up_copy(version, row.target, ERASED, reason)
    return max((end for end in ends if end is not None), default=None)


def _note_places(
    order: ErasureOrder, version: Version, above: ErasureReceipt, until: datetime | None
) -> None:
    common = {"version_id": version.pk, "next_attempt_at": until}
    relation = above.details.get("relation", Relation.SUBJECT)
    waiting = {"reason_code": "still_writing"} if until is not None else {}

    def place(kind: str, where: str, base: str = "", **details: Any) -> ErasureReceipt:
        found, _ = ErasureReceipt.objects.get_or_create(
            order=order,
            kind=kind,
            name=version.name,
            place=where,
            base=base,
            defaults={**common, **waiting, "details": {"relation": relation, **details}},
        )
        return found

    lying = version.replicas.exclude(state=ReplicaState.DELETED)
    for replica in lying.select_related("store__site"):
        about = {"replica": str(replica.pk), "site": replica.store.site.name}
        place(TargetKind.REPLICA, replica.store.name, replica.base, **about)
    for each in remains_of(version):
        place(each.kind, each.store, each.base, about=each.about)
    place(TargetKind.LINEAGE, "lineage")
    _close_at_once(place(TargetKind.INDEX, "catalog"), version)
    _close_at_once(place(TargetKind.PREVIEW, "catalog"), version)


def _close_at_once(receipt: ErasureReceipt, version: Version) -> None:
    """Receipt what ended with the tombstone itself, in the same transaction."""
    rows = Posting.objects.filter(product=version.product_id).count()
    index = {"rows_left_of_its_product": rows}
    found = index if receipt.kind == TargetKind.INDEX else {"stored": 0}
    _close(receipt, ReceiptState.ERASED, evidence={**found, "absent_at": _now()})


def settle(order: ErasureOrder, receipt: ErasureReceipt, check: Callable[[], None]) -> None:
    """Erase one place and write what became of it, or when it is tried again. Raises Blocked."""
    if _is_held(receipt, receipt.name):
        return
    if receipt.kind == TargetKind.LINEAGE:
        _settle_lineage(receipt)
    elif receipt.details.get("draft"):
        _settle_draft(order, receipt, check)
    else:
        _settle_bytes(order, receipt, check)


def _settle_lineage(receipt: ErasureReceipt) -> None:
    standing = Version.objects.filter(
        product__name=str(Name.parse(receipt.name).product_name), state=VersionState.PUBLISHED
    )
    closed = close_version(receipt.name, last=not standing.exists())
    _close(receipt, ReceiptState.ERASED, evidence={"closed_edges": closed, "absent_at": _now()})


def _settle_draft(order: ErasureOrder, receipt: ErasureReceipt, check: Callable[[], None]) -> None:
    """Give up a draft, then remove what was uploaded; registered objects stay."""
    with transaction.atomic():
        draft = _locked(_version_id(receipt))
        if draft is not None and draft.state != VersionState.DRAFT:
            _close(receipt, ReceiptState.KEPT, "published_meanwhile")
            return
        if draft is not None:
            authority = _authority(order, draft)
            if authority is None:
                _close(receipt, ReceiptState.KEPT, "no_longer_allowed")
                return
            audit.record(authority[0], "abort-draft", draft.name, authority[1])
            draft.delete()
    if receipt.place == "catalog":
        _close(receipt, ReceiptState.ERASED, evidence={"objects": 0, "absent_at": _now()})
    elif receipt.details["origin"] == ReplicaOrigin.REGISTERED:
        _close(receipt, ReceiptState.KEPT, "registered_in_place")
    else:
        _wipe(receipt, None, check)


def _settle_bytes(order: ErasureOrder, receipt: ErasureReceipt, check: Callable[[], None]) -> None:
    replica = (
        Replica.objects.select_related("version__product", "store__site")
        .filter(pk=receipt.details.get("replica"))
        .first()
    )
    registered = replica is not None and replica.origin == ReplicaOrigin.REGISTERED
    if registered and order.registered == Registered.KEEP:
        assert replica is not None
        evidence = {"digest": replica.version.digest, "files": replica.version.files}
        reason = "Its objects lie where their owner put them."
        _close(receipt, ReceiptState.KEPT, "registered_in_place", reason, evidence=evidence)
        return
    _wipe(receipt, replica, check)


def _wipe(receipt: ErasureReceipt, replica: Replica | None, check: Callable[[], None]) -> None:
    store = Store.objects.select_related("site").filter(name=receipt.place).first()
    if store is None:
        _close(receipt, ReceiptState.FAILED, "store_gone", "The store is not known any more.")
    elif store.site.state == SiteState.LOST:
        reason = f"The site {store.site.name} is lost; nobody can tell what is there."
        _close(receipt, ReceiptState.FAILED, "site_lost", reason)
    elif store.site.state == SiteState.OFFLINE:
        reason = f"The site {store.site.name} is off-line; it goes on when it is back."
        _wait(receipt, "site_offline", reason, AWAY_WAIT)
    else:
        try:
            wiped = _wiped(store, receipt, replica, check)
        except FairmeshError as error:
            _try_again(store, receipt, error)
        else:
            _receipt_bytes(receipt, replica, wiped)


def _wiped(
    store: Store, receipt: ErasureReceipt, replica: Replica | None, check: Callable[[], None]
) -> Wiped:
    base = receipt.base
    registered = replica is not None and replica.origin == ReplicaOrigin.REGISTERED
    others = sharers_of(None if replica is None else replica.pk, store, base, own=not registered)
    if registered:
        assert replica is not None
        return wipe_files(store, base, replica.version, others, check)
    return wipe_prefix(store, base, others, check)


def _try_again(store: Store, receipt: ErasureReceipt, error: FairmeshError) -> None:
    away = isinstance(error, StoreUnavailable)
    problem = problem_of(store) if away else None
    reason = problem or told(store, error.detail)
    if not away and receipt.attempt >= _MOST_REFUSALS:
        _close(receipt, ReceiptState.FAILED, error.code, reason)
        return
    pause = min(FIRST_WAIT * 2 ** min(receipt.attempt, 12), LONGEST_WAIT)
    _wait(receipt, error.code, reason, pause * random.uniform(0.8, 1.2), burns=True)


def _wait(
    receipt: ErasureReceipt, code: str, reason: str, pause: timedelta, *, burns: bool = False
) -> None:
    receipt.attempt += 1 if burns else 0
    receipt.reason_code, receipt.reason = code, reason
    receipt.next_attempt_at = timezone.now() + pause
    receipt.save(update_fields=["attempt", "reason_code", "reason", "next_attempt_at"])


@transaction.atomic
def _receipt_bytes(receipt: ErasureReceipt, replica: Replica | None, wiped: Wiped) -> None:
    evidence = {**wiped.as_json(), "absent_at": _now()}
    if replica is not None:
        evidence |= {"digest": replica.version.digest, "root": replica.version.root}
    code = "object_locked" if wiped.locked else "shared" if wiped.shared else ""
    if code:
        del evidence["absent_at"]
        _close(receipt, ReceiptState.KEPT, code, _WHY[code], evidence=evidence)
    else:
        _close(receipt, ReceiptState.ERASED, evidence=evidence)
    if replica is None:
        return
    row = Replica.objects.filter(pk=replica.pk)
    if code:
        row.update(reason_code=code, reason=_WHY[code], since=timezone.now())
    elif not move_replica(row.exclude(state=ReplicaState.DELETED), ReplicaState.DELETED, ERASED):
        row.update(reason_code=ERASED, reason="", since=timezone.now())


_WHY = {
    "object_locked": "The store keeps some of its objects from everyone until their lock ends.",
    "shared": "Another version that stands refers to some of its objects.",
}


def _close(
    receipt: ErasureReceipt,
    state: ReceiptState,
    code: str = "",
    reason: str = "",
    evidence: dict[str, Any] | None = None,
) -> None:
    """Make a pending receipt final; a final one stays as it is."""
    ErasureReceipt.objects.filter(pk=receipt.pk, state=ReceiptState.PENDING).update(
        state=state,
        reason_code=code,
        reason=reason,
        evidence=evidence or {},
        settled_at=timezone.now(),
        next_attempt_at=None,
    )


def _now() -> str:
    return timezone.now().isoformat()
