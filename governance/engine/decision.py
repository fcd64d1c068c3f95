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
from governance.engine.program import VERDICTS, Rule, Verdict, rules_of

BY_SCOPE = "scope-of-token"
BY_RESIDENCY = "residency-binds-replicate"
BY_NEVER = "never-sites-bind-replicate"
_BY_PROTECTION = frozenset({BY_RESIDENCY, BY_NEVER})


class Judge:
    """Decides for one principal, action, type and situation, about one resource after the other.

    `permits` are the principal's grants. What can be done before the resource is known is done
    once: use one judge for many resources.
    """

    def __init__(
        self,
        policies: PolicySet,
        principal: Principal,
        action: Action,
        resource_type: str,
        situation: Situation,
        permits: Sequence[Permit] = (),
    ) -> None:
        self._policies = policies
        self._action = action
        self._scopes = principal.scopes
        self._rules = policies.program.slice(principal, action, resource_type, situation)
        self._granted: tuple[Rule, ...] = ()
        if permits:
            granted = [policy_of(permit.as_json()) for permit in permits]
            self._granted = tuple(rules_of(granted, principal, action, resource_type, situation))
        self._answers: dict[Verdict, Decision] = {}

    def __call__(self, resource: Resource) -> Decision:
        """Return the decision. A token's scope only narrows."""
        if self._scopes is not None and not self._covers(resource.name):
            reason = f"The token's scope does not cover {self._action} on {resource.name}."
            return Decision(False, (BY_SCOPE,), reason, self._policies.digest)
        verdict = self._rules.verdict(resource, self._granted)
        answer = self._answers.get(verdict)
        return self._answer(verdict, resource) if answer is None else answer

    def _covers(self, name: str) -> bool:
        return any(scope.covers(self._action, name) for scope in self._scopes or ())

    def _answer(self, verdict: Verdict, resource: Resource) -> Decision:
        answer = Decision(
            allow=verdict.allow,
            policies=verdict.policies,
            reason=self._reason(verdict),
            policy_set=self._policies.digest,
            obligations=verdict.obligations,
        )
        if not verdict.allow and not _BY_PROTECTION.isdisjoint(verdict.policies):
            return _bound(answer, resource)
        if len(self._answers) < VERDICTS:
            self._answers[verdict] = answer
        return answer

    def _reason(self, verdict: Verdict) -> str:
        if verdict.failure:
            return f"A policy could not be evaluated, which denies: {verdict.failure}"
        return verdict.reason if verdict.policies else f"No policy permits {self._action} on it."


def decide(
    policies: PolicySet,
    principal: Principal,
    action: Action,
    resource: Resource,
    situation: Situation,
    permits: Sequence[Permit] = (),
) -> Decision:
    """Return the decision about one resource."""
    return Judge(policies, principal, action, resource.type, situation, permits)(resource)


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


def _bound(answer: Decision, resource: Resource) -> Decision:
    """Return a refusal of a place with the protection policies behind it, which decide too."""
    told, by = [answer.reason], answer.policies
    if BY_RESIDENCY in by and resource.bound_by:
        where = ", ".join(sorted(resource.residency)) or "nowhere"
        told.append(f"{resource.name} must stay in {where} by {', '.join(resource.bound_by)}.")
        by += resource.bound_by
    if BY_NEVER in by and resource.never_by:
        where = ", ".join(sorted(resource.never))
        told.append(f"{resource.name} is never at {where} by {', '.join(resource.never_by)}.")
        by += resource.never_by
    return replace(answer, policies=tuple(dict.fromkeys(by)), reason=" ".join(told))
