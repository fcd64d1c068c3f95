"""Pipelines in services policies: when one runs by itself, for whom, and within which budget.

Each policy asks for itself. Only the budgets meet: where several policies name a pipeline, all that
they run of it together stays within the smaller of each limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any

from governance.engine.entities import Action, Principal, Scope

SERVICES = "services"
"""The group of what acts for the mesh itself."""
_RUNNER = "service.policy."
_NAME = "^[A-Za-z0-9_-]{1,100}$"
_INTERVAL = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_DAILY = re.compile(r"daily ([01][0-9]|2[0-3]):([0-5][0-9])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
SHORTEST = timedelta(minutes=5)


class Occasion(StrEnum):
    """When a pipeline runs by itself."""

    PUBLISH = "publish"
    """A version of its input was published: each has a run of its own."""
    NEW_VERSION = "new_version"
    """Its input has a newer version: the newest has a run, and what it overtook has none."""
    SCHEDULE = "schedule"


def _limit(**more: Any) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, **more}


PIPELINES_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 50,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "on"],
        "properties": {
            "name": {"type": "string", "pattern": _NAME, "description": "A pipeline."},
            "on": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": [str(each) for each in Occasion]},
            },
            "every": {
                "type": "string",
                "pattern": f"^({_INTERVAL.pattern}|{_DAILY.pattern})$",
                "description": "For `schedule`: as in 30m, 24h, 7d, or daily 03:00 (UTC).",
            },
            "purpose": {
                "type": "string",
                "maxLength": 64,
                "description": "What the runs are for, where access is granted for a purpose.",
            },
            "budget": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "tokens": _limit(description="In all, until it is raised."),
                    "bytes_per_day": _limit(description="Of input that is worked through."),
                    "runs_per_day": _limit(maximum=10_000),
                    "money_per_month": {"type": "number", "exclusiveMinimum": 0},
                },
                "description": "A run that is beyond it waits for the next day or month.",
            },
        },
    },
    "description": "Pipelines that run by themselves over products in the scope.",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What the runs of a pipeline may take; None is no limit. Days and months are those of UTC."""

    tokens: int | None = None
    bytes_per_day: int | None = None
    runs_per_day: int | None = None
    money_per_month: float | None = None

    def within(self, other: Budget) -> Budget:
        """Return the smaller of each limit."""
        return Budget(
            _least(self.tokens, other.tokens),
            _least(self.bytes_per_day, other.bytes_per_day),
            _least(self.runs_per_day, other.runs_per_day),
            _least(self.money_per_month, other.money_per_month),
        )


def _least(one: Any, other: Any) -> Any:
    known = [each for each in (one, other) if each is not None]
    return min(known, default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """One pipeline that one policy asks for."""

    policy: str
    pipeline: str
    on: frozenset[Occasion]
    every: str = ""
    """Of those on a schedule."""
    purpose: str = ""
    budget: Budget = Budget()

    def runs_on(self, event: str) -> bool:
        """Say whether it runs on `publish` (a new version is published, too) or `schedule`."""
        return event in self.on or (event == Occasion.PUBLISH and Occasion.NEW_VERSION in self.on)


def asked_for(policy_id: str, spec: Mapping[str, Any]) -> list[Asked]:
    """Return the pipelines that a policy asks for, by name."""
    found = [
        Asked(
            policy_id,
            each["name"],
            frozenset(map(Occasion, each["on"])),
            each.get("every", ""),
            each.get("purpose", ""),
            Budget(**each.get("budget", {})),
        )
        for each in spec.get("pipelines", ())
    ]
    return sorted(found, key=lambda each: each.pipeline)


def merged_budget(asked: Iterable[Asked]) -> Budget:
    return reduce(Budget.within, (each.budget for each in asked), Budget())


def wrong_places(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (where, message) of what the schema cannot see."""
    seen: set[str] = set()
    for position, each in enumerate(spec.get("pipelines", ())):
        where = f"spec.pipelines[{position}]"
        if each["name"] in seen:
            yield f"{where}.name", f"{each['name']} stands here twice"
        seen.add(each["name"])
        scheduled, every = Occasion.SCHEDULE in each["on"], each.get("every")
        if scheduled and every is None:
            yield f"{where}.every", "say how often: 24h, or daily 03:00"
        if every is not None and not scheduled:
            yield f"{where}.every", "it is for `on: [schedule]`"
        interval = _interval(every or "")
        if interval is not None and interval < SHORTEST:
            yield f"{where}.every", "5m is the shortest"


def _interval(every: str) -> timedelta | None:
    found = _INTERVAL.fullmatch(every)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def next_due(every: str, since: datetime, now: datetime) -> datetime:
    """Return the first time after `now` that a schedule names; `since` is one of its times.

    However many lie between the two, they are one: who was away makes up for them once.
    """
    interval = _interval(every)
    if interval is not None:
        passed = max(now - since, timedelta()) // interval
        return since + (passed + 1) * interval
    found = _DAILY.fullmatch(every)
    if found is None:
        raise ValueError(f"{every!r} is no schedule.")
    today = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def circle(ways: Iterable[tuple[str, str]]) -> list[str]:
    """Return products that would make each other anew for ever; empty when there are none.

    `ways` are (input, output) of the pipelines that run on publication.
    """
    onward: dict[str, set[str]] = {}
    for source, target in ways:
        onward.setdefault(source, set()).add(target)
    left = {*onward, *(target for targets in onward.values() for target in targets)}
    while ends := {name for name in left if not onward.get(name, set()) & left}:
        left -= ends
    return sorted(left)


def runner(policy_id: str, person: Principal, sources: Iterable[str], target: str) -> Principal:
    """Return who runs a pipeline for a policy: a service of its own, for the person behind it.

    It may do what that person may, and of that no more than this pipeline needs.
    """
    reads = {Action.DISCOVER, Action.READ, Action.TRANSFORM}
    # to write, because its own draft is its writer's; to replicate, because it is placed somewhere
    writes = {Action.DISCOVER, Action.WRITE, Action.PUBLISH, Action.REPLICATE}
    return Principal(
        f"{_RUNNER}{policy_id}",
        groups=frozenset({SERVICES}),
        teams=person.teams,
        scopes=(
            *(Scope(frozenset(reads), source) for source in dict.fromkeys(sources)),
            Scope(frozenset(writes), target),
        ),
        kind="service",
        on_behalf_of=person,
    )


def policy_of(principal_id: str) -> str | None:
    """Return the policy whose runner this is; None of everyone else."""
    is_runner = principal_id.startswith(_RUNNER)
    return principal_id.removeprefix(_RUNNER) if is_runner else None
