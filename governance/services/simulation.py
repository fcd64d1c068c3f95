"""What a version of a policy would change: computed without a lock, kept with the version."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, NotFound
from governance import audit, resources
from governance.engine.entities import Action, Principal
from governance.engine.lifecycle import OPEN, Move, State, after
from governance.models import Policy, PolicyKind, PolicySimulation
from governance.selectors import access_policies
from governance.services.policies import locked
from governance.services.policy_checks import check, require_scope
from governance.services.simulation_access import access_changes
from governance.services.simulation_documents import document_changes


def simulate_policy(
    actor: Principal,
    policy_id: UUID,
    *,
    no_new_access: bool = False,
    days: int = 90,
    names: int = 50,
) -> PolicySimulation:
    """Return what the version would change, and move it on when nothing speaks against it.

    With `no_new_access` it passes only if nobody could do what they cannot do now. Nothing is
    locked while it is computed: an edit meanwhile is a conflict.
    """
    policy = _readable(actor, policy_id)
    after(State(policy.state), Move.SIMULATE)
    check(actor, policy)
    began = time.perf_counter()
    digest = access_policies().digest
    result = _changes(actor, policy, days, names)
    result["seconds"] = round(time.perf_counter() - began, 2)
    passed = not (no_new_access and result.get("new_access", False))
    kept = PolicySimulation(
        policy=policy,
        digest=policy.digest,
        policy_set=digest,
        no_new_access=no_new_access,
        passed=passed,
        result=result,
        created_by=actor.id,
    )
    return _keep(actor, kept)


def _changes(actor: Principal, policy: Policy, days: int, names: int) -> dict[str, Any]:
    if policy.kind == PolicyKind.ACCESS:
        return access_changes(actor, policy, names=names, days=days)
    return document_changes(actor, policy, names=names)


@transaction.atomic
def _keep(actor: Principal, simulation: PolicySimulation) -> PolicySimulation:
    policy, decision = locked(actor, simulation.policy_id)
    if policy.digest != simulation.digest:
        raise Conflict(f"{policy} was edited while it was simulated; simulate it again.")
    target = after(State(policy.state), Move.SIMULATE)
    if not simulation.passed and policy.state == State.SIMULATED:
        target = after(State(policy.state), Move.VALIDATE)
    if simulation.passed or policy.state == State.SIMULATED:
        policy.state = target
        policy.save(update_fields=["state"])
    simulation.save()
    audit.record(
        actor,
        "simulate-policy",
        policy.prefix,
        decision,
        policy=str(policy),
        passed=simulation.passed,
        no_new_access=simulation.no_new_access,
    )
    return simulation


def _readable(actor: Principal, policy_id: UUID) -> Policy:
    policy = Policy.objects.select_related("owner").filter(pk=policy_id).first()
    if policy is None:
        raise resources.absent(str(policy_id))
    require_scope(actor, policy.prefix, asked=str(policy_id))
    return policy


def simulation_of(actor: Principal, policy_id: UUID) -> PolicySimulation:
    """Return the newest simulation of a version, naming what the reader may know of."""
    policy = _readable(actor, policy_id)
    found = policy.simulations.order_by("-created_at", "-id").first()
    if found is None:
        raise NotFound(f"{policy} was not simulated yet.", name=str(policy))
    named = set(_names_in(found.result))
    known = resources.visible_names(actor, Action.DISCOVER, named) if named else set()
    found.result = _redacted(found.result, named - known)
    return found


def is_stale(simulation: PolicySimulation) -> bool:
    """Say whether the text, or the access policies in force, have changed since.

    Of a version that is in force, or was, there is nothing to simulate again.
    """
    if simulation.policy.state not in OPEN:
        return False
    digest = access_policies().digest
    return (simulation.digest, simulation.policy_set) != (simulation.policy.digest, digest)


_NAME = re.compile(r"(/[^\s]*/~/[^/\s]+)(?:/v=.*)?")


def _names_in(value: Any) -> Iterator[str]:
    """Yield the product of every name in a result."""
    if isinstance(value, str):
        found = _NAME.fullmatch(value)
        if found is not None:
            yield found[1]
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _names_in(part)


def _redacted(value: Any, hidden: set[str]) -> Any:
    """Return the result without the rows that name something hidden."""
    if isinstance(value, dict):
        return {key: _redacted(part, hidden) for key, part in value.items()}
    if isinstance(value, list):
        return [_redacted(row, hidden) for row in value if hidden.isdisjoint(_names_in(row))]
    return value
