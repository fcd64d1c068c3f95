"""Why not? For each policy that speaks of an action: is it met, and if not, what fails first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.program import Policy
from governance.engine.residual import (
    EvaluationFailed,
    Question,
    Unpushable,
    known_context,
    known_principal,
    known_resource,
    residual,
    truth,
)

_ANYONE: Mapping[str, Any] = {"op": "All"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one policy says of one question."""

    policy: str
    reason: str
    effect: str
    met: bool
    fails: str
    """The part that fails first, in Cedar's words; empty when the policy is met."""


def explain(
    policies: Iterable[Policy],
    principal: Principal,
    action: Action,
    resource: Resource,
    situation: Situation,
) -> list[Finding]:
    """Return a finding for each policy about the action, those that are met first."""
    question = Question(
        known_principal(principal),
        action,
        known_resource(resource),
        known_context(situation),
    )
    found = []
    for policy in policies:
        fails = _first_failure(policy.raw, question)
        effect = "forbid" if policy.forbids else "permit"
        found.append(Finding(policy.id, policy.reason, effect, not fails, fails))
    return sorted(found, key=lambda each: (not each.met, each.effect, each.policy))


def _first_failure(raw: Mapping[str, Any], question: Question) -> str:
    bare = {**raw, "conditions": []}
    for side in ("principal", "resource"):
        others = {key: _ANYONE for key in ("principal", "resource") if key != side}
        if residual({**bare, **others}, question) is not True:
            return _scope_text(side, raw[side])
    for clause in raw["conditions"]:
        wanted = clause["kind"] == "when"
        for part in _conjuncts(clause["body"]) if wanted else [clause["body"]]:
            if _holds(part, question) is not wanted:
                return _text(part) if wanted else f"unless {_text(part)}"
    return ""


def _holds(part: Mapping[str, Any], question: Question) -> bool | None:
    """Return whether a part is true, None when it cannot be evaluated."""
    try:
        return truth(part, question) is True
    except (EvaluationFailed, Unpushable):
        return None


def _conjuncts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "&&" in body:
        yield from _conjuncts(body["&&"]["left"])
        yield from _conjuncts(body["&&"]["right"])
    else:
        yield body


def _scope_text(side: str, scope: Mapping[str, Any]) -> str:
    entity = scope.get("entity") or scope.get("in", {}).get("entity")
    named = f"{entity['type']}::{json.dumps(entity['id'])}" if entity else ""
    match scope["op"]:
        case "is":
            return f"{side} is {scope['entity_type']}" + (f" in {named}" if named else "")
        case operator:
            return f"{side} {operator} {named}"


def _text(body: Mapping[str, Any]) -> str:
    """Return an expression in Cedar's own words."""
    policy = {
        "effect": "permit",
        "principal": _ANYONE,
        "action": _ANYONE,
        "resource": _ANYONE,
        "conditions": [{"kind": "when", "body": body}],
    }
    whole = {"templates": {}, "staticPolicies": {"p": policy}, "templateLinks": []}
    text = cedarpy.policies_from_json_str(json.dumps(whole))
    return text.partition("{")[2].rpartition("}")[0].strip()
