"""Reads of policies: drafts are for who administers their scope, the rest for members."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.errors import FairmeshError, NotFound
from governance import resources
from governance.engine import policy_diff
from governance.engine.entities import MESH, Action, Principal
from governance.engine.lifecycle import State, moves
from governance.models import Policy, PolicySetRecord, PolicyState
from governance.selectors import access_policies, visible_policies
from governance.services.decisions import decide, require
from governance.services.policies import needs_review
from governance.services.policy_sets import versions_in_force

_SHOWN = (PolicyState.ACTIVE, PolicyState.RETIRED)


def readable(principal: Principal) -> QuerySet[Policy]:
    """Return the policies that the principal may read."""
    require(principal, Action.DISCOVER, MESH)
    drafts = Policy.objects.exclude(state__in=_SHOWN)
    prefixes = set(drafts.values_list("prefix", flat=True))
    own = [prefix for prefix in prefixes if _administers(principal, prefix)]
    seen = Q(state__in=_SHOWN) | Q(activated_at__isnull=False) | Q(prefix__in=own)
    return Policy.objects.select_related("owner").filter(visible_policies(principal) & seen)


def _administers(principal: Principal, prefix: str) -> bool:
    try:
        resource = MESH if prefix == "/" else resources.load(prefix)
    except FairmeshError:
        return False  # the domain or product of the draft is no more
    return decide(principal, Action.ADMINISTER, resource).allow


def policy_for(principal: Principal, policy_id: UUID) -> Policy:
    """Return one policy; raise NotFound for one that the principal may not read."""
    found = readable(principal).filter(pk=policy_id).first()
    if found is None:
        raise resources.absent(str(policy_id))
    return found


def next_moves(policy: Policy) -> list[str]:
    """Return what may be asked of a policy now."""
    allowed = set(moves(State(policy.state)))
    allowed -= {"enact"} if needs_review() else set()
    return sorted(allowed - ({"edit", "delete"} if policy.activated_at is not None else set()))


def policy_diff_of(principal: Principal, policy_id: UUID, other_id: UUID) -> dict[str, Any]:
    """Return what changes from the other version to this one."""
    after, before = policy_for(principal, policy_id), policy_for(principal, other_id)
    return {
        "before": str(before),
        "after": str(after),
        "text": policy_diff.lines(before.text, after.text, (str(before), str(after))),
        "changes": [
            asdict(change) for change in policy_diff.changes(_document(before), _document(after))
        ],
    }


def _document(policy: Policy) -> dict[str, Any]:
    return {
        "kind": policy.kind,
        "id": policy.slug,
        "owner": policy.owner.slug if policy.owner else None,
        "scope": {"prefix": policy.prefix, "labels": policy.labels},
        "spec": policy.spec,
        "tests": policy.tests,
    }


def policy_set_of(principal: Principal, digest: str) -> dict[str, Any]:
    """Return which access policies a digest stands for; raise NotFound for an unknown one."""
    require(principal, Action.DISCOVER, MESH)
    current = access_policies().digest
    record = PolicySetRecord.objects.filter(digest=digest).first()
    if record is None and digest != current:
        raise NotFound(f"No policy set {digest} was ever in force here.", digest=digest)
    listed = versions_in_force() if record is None else record.policies
    hidden = _hidden(principal, listed)
    return {
        "digest": digest,
        "current": digest == current,
        "policies": [each for each in listed if each not in hidden],
        "hidden": len(hidden),
        "since": None if record is None else record.since,
    }


def _hidden(principal: Principal, listed: list[str]) -> set[str]:
    """Return the versions in a set that name a product which the principal may not know of."""
    stored = [each for each in listed if not each.startswith("default@")]
    slugs = {each.rpartition("@")[0] for each in stored}
    rows = Policy.objects.filter(visible_policies(principal), slug__in=slugs)
    known = {str(policy) for policy in rows.only("slug", "version")}
    return set(stored) - known
