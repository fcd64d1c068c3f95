"""The same question to Cedar itself: what the compiler is held against, in tests and in service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cedarpy

from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet
from governance.engine.program import Verdict


def ask(
    policies: PolicySet,
    principal: Principal,
    action: Action,
    resource: Resource,
    situation: Situation,
    permits: Sequence[Permit] = (),
) -> Verdict:
    """Return what Cedar says, without obligations; an evaluation error is a deny, as with us."""
    handle = policies.handle
    if permits:
        handle = handle.with_added_str("".join(permit.as_text() for permit in permits))
    answer = cedarpy.is_authorized(
        {
            "principal": principal.uid.as_json(),
            "action": {"type": "Action", "id": str(action)},
            "resource": resource.uid.as_json(),
            "context": situation.as_json(),
        },
        handle,
        json.dumps(entities(principal, resource)),
        policies.schema,
    )
    if answer.diagnostics.errors:
        return Verdict(False, (), failure=answer.diagnostics.errors[0])
    names = answer.diagnostics.id_annotations_by_reason
    met = tuple(sorted(names.get(key, key) for key in answer.diagnostics.reasons))
    return Verdict(answer.allowed, met)


def entities(principal: Principal, resource: Resource) -> list[dict[str, Any]]:
    """Return the Cedar entities that a decision sees."""
    return [
        {
            "uid": principal.uid.as_json(),
            "attrs": principal.attributes(),
            "parents": [uid.as_json() for uid in sorted(principal.ancestors(), key=str)],
        },
        {
            "uid": resource.uid.as_json(),
            "attrs": resource.attributes(),
            "parents": [uid.as_json() for uid in resource.parents()],
        },
    ]
