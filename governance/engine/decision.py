"""The point decision: what the compiled policies say of one resource, with the reason.

Forbid wins, default is deny, and an error while a policy is evaluated is a deny: in plain Cedar a
`forbid` that errors is skipped, and so would allow. See docs/explanation/algorithms/decision.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from governance.engine.conditions import conjunction
from governance.engine.entities import Action, Decision, Principal, Resource, Situation
from governance.engine.obligations import together
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet, policy_of
from governance.engine.program import Verdict, rules_of

BY_SCOPE = "scope-of-token"
BY_RESIDENCY = "residency-binds-replicate"


def decide(
    policies: PolicySet,
    principal: Principal,
    action: Action,
    resource: Resource,
    situation: Situation,
    permits: Sequence[Permit] = (),
) -> Decision:
    """Return the decision; `permits` are the principal's grants. A token's scope only narrows."""
    if principal.scopes is not None and not any(
        scope.covers(action, resource.name) for scope in principal.scopes
    ):
        reason = f"The token's scope does not cover {action} on {resource.name}."
        return Decision(False, (BY_SCOPE,), reason, policies.digest)
    rules = policies.program.slice(principal, action, resource.type, situation)
    granted = [policy_of(permit.as_json()) for permit in permits]
    more = list(rules_of(granted, principal, action, resource.type, situation)) if granted else ()
    verdict = rules.verdict(resource, more)
    told = _told(policies, verdict, permits)
    return Decision(
        allow=verdict.allow,
        policies=verdict.policies + _bound_by(verdict, action, resource),
        reason=_reason(told, verdict, action, resource),
        policy_set=policies.digest,
        obligations=verdict.obligations,
    )


def both(agent: Decision, person: Decision, name: str) -> Decision:
    """Return what an agent may do for a person: what each of them may, under both obligations.

    A row must pass both filters, so here they are joined by AND; of two masks the stricter wins.
    """
    if not person.allow:
        return replace(person, reason=f"{name}, for whom this agent acts, may not. {person.reason}")
    if not agent.allow:
        return replace(agent, reason=f"This agent may not, even for {name}. {agent.reason}")
    obligations = replace(
        together([agent.obligations, person.obligations]),
        rows=conjunction([agent.obligations.rows, person.obligations.rows]),
    )
    return replace(
        agent,
        policies=tuple(dict.fromkeys(agent.policies + person.policies)),
        reason=f"{agent.reason} {person.reason}",
        obligations=obligations,
    )


def _bound_by(verdict: Verdict, action: Action, resource: Resource) -> tuple[str, ...]:
    """Return the protection policies behind a refusal for residency, which decide it as well."""
    bound = action is Action.REPLICATE and not verdict.allow and BY_RESIDENCY in verdict.policies
    return resource.bound_by if bound else ()


def _told(policies: PolicySet, verdict: Verdict, permits: Sequence[Permit]) -> str:
    granted = {permit.policy_id: permit.reason for permit in permits}
    reasons = (policies.reasons.get(name) or granted.get(name, "") for name in verdict.policies)
    return " ".join(filter(None, reasons))


def _reason(told: str, verdict: Verdict, action: Action, resource: Resource) -> str:
    if verdict.failure:
        return f"A policy could not be evaluated, which denies: {verdict.failure}"
    if not verdict.policies:
        return f"No policy permits {action} on {resource.name}."
    if bound_by := _bound_by(verdict, action, resource):
        told += (
            f" {resource.name} must stay in {', '.join(sorted(resource.residency)) or 'nowhere'}"
            f" by {', '.join(bound_by)}."
        )
    return told.strip()
