"""The point decision: Cedar decides, we add the reason.

Forbid wins, default is deny, and an error while a policy is evaluated is a deny: in plain Cedar a
`forbid` that errors is skipped, and so would allow. See docs/explanation/algorithms/decision.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cedarpy

from core.digests import sha256_digest
from core.errors import InvalidSpec
from governance.engine.entities import Action, Decision, Principal, Resource, Situation
from governance.engine.permits import Permit

BY_SCOPE = "scope-of-token"
BY_RESIDENCY = "residency-binds-replicate"


@dataclass(frozen=True)
class PolicySet:
    """A validated set of access policies, parsed once."""

    text: str
    digest: str
    handle: cedarpy.PolicySet
    schema: cedarpy.Schema
    reasons: dict[str, str]
    policies: list[dict[str, Any]]
    """Cedar's JSON form of the policies, for the list form of the decision."""


@lru_cache(maxsize=16)
def policy_set(text: str, schema_text: str) -> PolicySet:
    """Return the policies of `text`; raise InvalidSpec unless each is valid and named.

    Cost: parses and validates once per text; the latest 16 sets are kept.
    """
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
        result = cedarpy.validate_policies(text, schema_text)
    except ValueError as error:
        raise InvalidSpec(
            f"The Cedar text does not parse: {error}", errors=[{"where": "", "message": str(error)}]
        ) from error
    if not result.validation_passed:
        found = [{"where": e.policy_id, "message": e.error} for e in result.errors]
        raise InvalidSpec("The policies do not fit the schema.", errors=found)
    annotations = [p.get("annotations", {}) for p in parsed["staticPolicies"].values()]
    ids = [note.get("id") for note in annotations]
    if None in ids or len(set(ids)) != len(ids):
        raise InvalidSpec("Every policy carries an @id of its own.", errors=[])
    return PolicySet(
        text=text,
        digest=sha256_digest(text.encode()),
        handle=cedarpy.PolicySet.from_str(text),
        schema=cedarpy.Schema.from_str(schema_text),
        reasons={note["id"]: note.get("reason", "") for note in annotations},
        policies=list(parsed["staticPolicies"].values()),
    )


def with_permits(base: PolicySet, permits: Sequence[Permit]) -> PolicySet:
    """Return the set with grants added, for one decision.

    Cost: parses the grants alone; nothing is cached, so many people with grants cost no memory.
    """
    if not permits:
        return base
    text = "".join(permit.as_text() for permit in permits)
    return PolicySet(
        text=base.text + "\n" + text,
        digest=sha256_digest(f"{base.digest}\n{text}".encode()),
        handle=base.handle.with_added_str(text),
        schema=base.schema,
        reasons={**base.reasons, **{permit.policy_id: permit.reason for permit in permits}},
        policies=base.policies + [permit.as_json() for permit in permits],
    )


def decide(
    policies: PolicySet,
    principal: Principal,
    action: Action,
    resource: Resource,
    situation: Situation,
) -> Decision:
    """Return the decision. A token's scope can only take away."""
    if principal.scopes is not None and not any(
        scope.covers(action, resource.name) for scope in principal.scopes
    ):
        reason = f"The token's scope does not cover {action} on {resource.name}."
        return Decision(False, (BY_SCOPE,), reason, policies.digest)
    answer = cedarpy.is_authorized(
        {
            "principal": principal.uid.as_json(),
            "action": {"type": "Action", "id": str(action)},
            "resource": resource.uid.as_json(),
            "context": situation.as_json(),
        },
        policies.handle,
        json.dumps(entities(principal, resource)),
        policies.schema,
    )
    if answer.diagnostics.errors:
        reason = "A policy could not be evaluated, which denies: " + answer.diagnostics.errors[0]
        return Decision(False, (), reason, policies.digest)
    names = answer.diagnostics.id_annotations_by_reason
    determining = tuple(sorted(names.get(key, key) for key in answer.diagnostics.reasons))
    return Decision(
        allow=answer.allowed,
        policies=determining + _bound_by(determining, action, resource),
        reason=_reason(policies, determining, action, resource),
        policy_set=policies.digest,
    )


def entities(principal: Principal, resource: Resource) -> list[dict[str, Any]]:
    """Return the Cedar entities that a decision sees."""
    parents = resource.parents()
    return [
        {
            "uid": principal.uid.as_json(),
            "attrs": {},
            "parents": [uid.as_json() for uid in sorted(principal.ancestors(), key=str)],
        },
        {
            "uid": resource.uid.as_json(),
            "attrs": resource.attributes(),
            "parents": [uid.as_json() for uid in parents],
        },
    ]


def _bound_by(determining: Sequence[str], action: Action, resource: Resource) -> tuple[str, ...]:
    """Return the protection policies behind a refusal for residency, which decide it as well."""
    bound = action is Action.REPLICATE and BY_RESIDENCY in determining
    return resource.bound_by if bound else ()


def _reason(
    policies: PolicySet, determining: Sequence[str], action: Action, resource: Resource
) -> str:
    if not determining:
        return f"No policy permits {action} on {resource.name}."
    told = " ".join(filter(None, (policies.reasons.get(name, "") for name in determining)))
    if bound_by := _bound_by(determining, action, resource):
        told += (
            f" {resource.name} must stay in {', '.join(sorted(resource.residency)) or 'nowhere'}"
            f" by {', '.join(bound_by)}."
        )
    return told.strip()
