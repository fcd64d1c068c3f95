"""The read path's part of a decision: purposes are asked for, and raw bytes are for the unmasked.

Whoever gives out rows or bytes of a product asks `require_read` here, and not `require`: reading is
allowed for certain purposes, and its answer says what the reader is to be kept to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from django.utils.crypto import salted_hmac

from core.errors import ObligationApplies, PolicyDenied, PurposeRequired
from governance import denials
from governance.engine.entities import Action, Decision, Principal, Resource, Situation
from governance.engine.obligations import Obligations
from governance.engine.rewriting import Kept
from governance.selectors import labels_of
from governance.services.decisions import decide_each, require

_SALT = "governance.masks"
_Refusal = TypeVar("_Refusal", bound=PolicyDenied)


def require_read(principal: Principal, resource: Resource, situation: Situation) -> Decision:
    """Return the decision of who may read for this purpose, with what it obliges them to.

    Raises as `require` does, and PurposeRequired with the purposes that are admitted.
    """
    decision = require(principal, Action.READ, resource, situation)
    _require_purpose(principal, resource, situation, decision)
    return decision


def _require_purpose(
    principal: Principal, resource: Resource, situation: Situation, decision: Decision
) -> None:
    if decision.obligations.admit(situation.purpose):
        return
    purposes = sorted(decision.obligations.purposes or ())
    told = f"for {situation.purpose!r}" if situation.purpose else "without a purpose"
    way = f"Say one of {', '.join(purposes)}, as in purpose={purposes[0]}." if purposes else ""
    error = PurposeRequired(
        f"You may not read {resource.name} {told}. {way}".rstrip(),
        action=str(Action.READ),
        name=resource.name,
        policies=list(decision.policies),
        purposes=purposes,
        request_access="/api/v1/access-requests",
    )
    raise _denied(error, principal, resource, decision)


def refuse_bytes(
    principal: Principal, resource: Resource, decision: Decision, what: str, **extra: Any
) -> None:
    """Raise ObligationApplies when the reader is kept to anything that bytes would not keep.

    `what` says in one sentence what to do instead.
    """
    if not decision.obligations.rewrite:
        return
    error = ObligationApplies(
        f"What you may see of {resource.name} is {in_words(decision.obligations)}. {what}",
        name=resource.name,
        policies=list(decision.policies),
        obligations=as_json(decision.obligations),
        **extra,
    )
    raise _denied(error, principal, resource, decision)


def require_unmasked(
    principal: Principal, resource: Resource, situation: Situation, what: str
) -> None:
    """Raise unless what `principal` may read of a product, or make of it, is all of it.

    For acts that would carry raw values on, to where no mask is applied to them any more. Who may
    transform without reading sees nothing, and is kept to what that decision says.
    """
    asked = (Action.TRANSFORM, Action.READ)
    for decision in decide_each(principal, asked, resource, situation).values():
        if not decision.allow:
            continue
        refuse_bytes(principal, resource, decision, what)
        _require_purpose(principal, resource, situation, decision)


def _denied(
    error: _Refusal, principal: Principal, resource: Resource, decision: Decision
) -> _Refusal:
    refused = replace(decision, allow=False, reason=error.detail)
    denials.attach(
        error, denials.Denial(principal, str(Action.READ), resource.name, refused, hidden=False)
    )
    return error


def kept_to(decision: Decision, *, name: str, product_id: UUID, purpose: str) -> Kept:
    """Return what a reader is kept to, with the labels of the product as they are now.

    Hashes are joined within one product and one purpose, and nowhere else: the key is made from
    both and from this mesh's own secret.
    """
    labels: dict[str, frozenset[str]] = {}
    for row in labels_of(name):
        labels[row.column] = labels.get(row.column, frozenset()) | {row.label}
    key = salted_hmac(_SALT, f"{product_id}\n{purpose}", algorithm="sha256").digest()
    return Kept(decision.obligations, labels, key)


def as_json(obligations: Obligations) -> dict[str, Any]:
    """Return what a reader is told of the obligations; which rows are left out is not told."""
    purposes = obligations.purposes
    return {
        "masks": {key: str(mask) for key, mask in sorted(obligations.masks.items())},
        "rows_filtered": obligations.rows is not True,
        "purposes": None if purposes is None else sorted(purposes),
        "watermarks": list(obligations.watermarks),
    }


def in_words(obligations: Obligations) -> str:
    parts = []
    if obligations.masks:
        told = ", ".join(f"{key} as {mask}" for key, mask in sorted(obligations.masks.items()))
        parts.append(f"masked ({told})")
    if obligations.rows is not True:
        parts.append("some rows alone")
    if obligations.watermarks:
        parts.append("marked as yours")
    return " and ".join(parts)
