"""Services policies: what runs by itself on a product when it is published, changed or due.

Every publication is scanned without any policy; one can leave that scan out (`without`), and any
other that asks for a scan on publication (`on.publish`) has it run all the same.

Merge: the services of all policies together; of two budgets the smaller, of two intervals the
shorter; what must come before = union; of `redact` and `omit` the latter. The order is that of the
dependencies, and among equals that of KNOWN, so that the same policies always give the same list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any

from governance.engine.pipeline_policies import PIPELINES_SCHEMA

KNOWN = ("profile", "scan", "contract-check", "fair-score", "token-count")
SCAN = "scan"
"""The one service that runs on every publication unless a policy leaves it out."""
_SERVICE = {"enum": list(KNOWN), "description": "A service of the platform."}


class Event(StrEnum):
    PUBLISH = "publish"
    CHANGE = "change"
    SCHEDULE = "schedule"


_BUDGET = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "seconds": {"type": "integer", "minimum": 1, "maximum": 604_800},
        "bytes": {"type": "integer", "minimum": 1},
    },
    "description": "A service that needs more is stopped; the smaller of two budgets counts.",
}


def _items(**more: Any) -> dict[str, Any]:
    whole = {
        "type": "object",
        "additionalProperties": False,
        "required": ["service"],
        "properties": {
            "service": _SERVICE,
            "after": {"type": "array", "items": _SERVICE, "uniqueItems": True},
            "budget": _BUDGET,
            **more,
        },
    }
    return {"type": "array", "minItems": 1, "maxItems": 50, "items": {"anyOf": [_SERVICE, whole]}}


def spec_schema(requests: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a specification; `requests` is that of access requests."""
    hours = {"type": "integer", "minimum": 1, "maximum": 8_760}
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "on": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "publish": _items(),
                    "change": _items(),
                    "schedule": _items(every_hours=hours),
                },
                "description": "What runs when a version is published, when a product or its "
                "labels change, and from time to time.",
            },
            "budget": _BUDGET,
            "without": {
                "type": "array",
                "items": {"const": SCAN},
                "minItems": 1,
                "uniqueItems": True,
                "description": "What runs on every publication by itself, and is left out here: "
                "the scan. Where another policy asks for it on publication, it runs.",
            },
            "pipelines": PIPELINES_SCHEMA,
            "requests": dict(requests),
            "lineage": {
                "type": "object",
                "additionalProperties": False,
                "required": ["hidden"],
                "properties": {
                    "hidden": {
                        "enum": ["redact", "omit"],
                        "description": "Of several policies `omit` counts; without one `redact`.",
                    }
                },
                "description": "What lineage shows of these products to who may not know of them: "
                "a node without a name, or nothing, as if the step were not there.",
            },
        },
    }


def omits_hidden(spec: Mapping[str, Any]) -> bool:
    """Say whether one policy has hidden products left out of lineage; any one that does counts."""
    return bool(spec.get("lineage", {}).get("hidden") == "omit")


def leaves_out(spec: Mapping[str, Any], service: str = SCAN) -> bool:
    """Say whether one policy leaves a service out that would run by itself."""
    return service in spec.get("without", ())


def asks_for(spec: Mapping[str, Any], service: str = SCAN) -> bool:
    """Say whether one policy has a service run on publication."""
    return service in plan_of("", spec, Event.PUBLISH)


def leaving_out(specs: Mapping[str, Mapping[str, Any]], service: str = SCAN) -> list[str]:
    """Return the policies by whom a service is left out on publication; empty when it runs.

    `specs` are those that apply, by policy. One that asks for the service outweighs all others.
    """
    if any(asks_for(spec, service) for spec in specs.values()):
        return []
    return sorted(policy for policy, spec in specs.items() if leaves_out(spec, service))


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One service that is to run, with its budget and the policies that ask for it."""

    service: str
    after: frozenset[str] = frozenset()
    seconds: int | None = None
    bytes: int | None = None
    every_hours: int | None = None
    """How often, for those on a schedule."""
    policies: tuple[str, ...] = ()


ServicePlan = Mapping[str, ServiceCall]
"""The services of one event by name."""
DAILY = 24


def plan_of(policy_id: str, spec: Mapping[str, Any], event: Event) -> ServicePlan:
    """Return what one policy asks for on an event."""
    whole = spec.get("budget", {})
    found: dict[str, ServiceCall] = {}
    for raw in spec.get("on", {}).get(event, ()):
        item: Mapping[str, Any] = {"service": raw} if isinstance(raw, str) else raw
        own = item.get("budget", {})
        call = ServiceCall(
            item["service"],
            frozenset(item.get("after", ())),
            _least(own.get("seconds"), whole.get("seconds")),
            _least(own.get("bytes"), whole.get("bytes")),
            item.get("every_hours", DAILY) if event is Event.SCHEDULE else None,
            (policy_id,),
        )
        found = dict(join(found, {call.service: call}))
    return found


def join(one: ServicePlan, other: ServicePlan) -> ServicePlan:
    """Return both plans together: commutative, associative and idempotent."""
    names = {*one, *other}
    return {name: _together(one.get(name), other.get(name)) for name in sorted(names)}


def merge(plans: Iterable[ServicePlan]) -> ServicePlan:
    empty: ServicePlan = {}
    return reduce(join, plans, empty)


def _together(one: ServiceCall | None, other: ServiceCall | None) -> ServiceCall:
    if one is None or other is None:
        found = other if one is None else one
        assert found is not None
        return found
    return ServiceCall(
        one.service,
        one.after | other.after,
        _least(one.seconds, other.seconds),
        _least(one.bytes, other.bytes),
        _least(one.every_hours, other.every_hours),
        tuple(sorted({*one.policies, *other.policies})),
    )


def _least(one: int | None, other: int | None) -> int | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None


def in_order(plan: ServicePlan) -> tuple[list[ServiceCall], list[str]]:
    """Return the services in the order in which they run, and those that wait for each other.

    What a service comes after and nobody asks for is not waited for. Those in a circle run last,
    by name: a plan that is in force never stops altogether.
    """
    ordered: list[ServiceCall] = []
    left = dict(plan)
    while left:
        ready = [call for call in left.values() if not call.after & left.keys()]
        if not ready:
            circle = sorted(left)
            return ordered + [left[name] for name in circle], circle
        first = min(ready, key=_rank)
        ordered.append(left.pop(first.service))
    return ordered, []


def _rank(call: ServiceCall) -> tuple[int, str]:
    place = KNOWN.index(call.service) if call.service in KNOWN else len(KNOWN)
    return place, call.service
