"""The JSON Schema of a scenario: sites, links, data and policies, and what happens to them."""

from __future__ import annotations

from typing import Any

from governance.engine.protection import SLUG, SPEC_SCHEMA, TIERS
from movement.engine.placement import SITE_ORDER

BECOMES = ("offline", "online", "draining", "destroyed")


def _number(told: str, **more: Any) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "description": told, **more}


def _whole(low: int, high: int, told: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "description": told}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _list(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_NAME = {"type": "string", "pattern": "^/"}
_CODES = _list({"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}, uniqueItems=True)
_PATTERN = {**_TEXT, "description": "A site, or several by `*`, as in eu-*."}
_LABELS = _list(_TEXT, uniqueItems=True)
_SITE_COUNT, _VERSION_COUNT = 1_000, 200_000
_MOST_FILES = 100_000_000

_STORE = _object(
    [],
    tier={"enum": list(TIERS)},
    terabytes=_number("What it holds; no limit without it.", exclusiveMinimum=0),
    slots=_whole(1, 10_000, "Transfers at once; no limit without it."),
    cost_gb_month=_number("Money for keeping a gigabyte a month."),
    cost_1000_puts=_number("Money for a thousand requests that write."),
    cost_1000_gets=_number("Money for a thousand requests that read."),
    rot_every_days=_number("Mean time until a replica there rots.", exclusiveMinimum=0),
)
_SITE = _object(
    ["name", "kind", "stores"],
    name=SLUG,
    count=_whole(1, _SITE_COUNT, "So many alike, called name-1, name-2 and so on."),
    kind={"enum": list(SITE_ORDER)},
    jurisdictions=_CODES,
    windows={"type": "array", "description": "When it is in contact; as the API takes them."},
    grace_hours=_number("How long its copies count while it is away; 72 unless said."),
    outages=_object(
        ["every_days", "hours"],
        every_days=_number("Mean time from one to the next.", exclusiveMinimum=0),
        hours=_number("Mean length.", exclusiveMinimum=0),
    ),
    destroyed_every_days=_number("Mean time until it is gone for good.", exclusiveMinimum=0),
    stores=_list(_STORE, minItems=1, maxItems=20),
)
_LINK = _object(
    ["from", "to"],
    **{"from": _PATTERN, "to": _PATTERN},
    both={"type": "boolean", "description": "The way back, too; true unless said."},
    open={"type": "boolean"},
    megabytes_per_second=_number("Of one transfer.", exclusiveMinimum=0),
    limit_megabytes_per_second=_number("Of all together.", exclusiveMinimum=0),
    slots=_whole(1, 10_000, "Transfers at once."),
    cost_per_gb=_number("Money for egress."),
    failure_rate=_number("Share of attempts that fail.", maximum=0.95),
)
_DATA = _object(
    ["name", "versions", "files", "gigabytes", "at"],
    name={**_NAME, "description": "The product."},
    team={**SLUG, "description": "The tenant that takes its turn; its domain unless said."},
    labels=_LABELS,
    versions=_whole(1, _VERSION_COUNT, "How many."),
    files=_whole(1, _MOST_FILES, "Of each version."),
    gigabytes=_number("Of each version.", exclusiveMinimum=0),
    at={**_PATTERN, "description": "Where they are published, in turns; `*` for several."},
    over_days=_number("Published evenly within so long; 0: all are there, and at rest."),
)
_POLICY = _object(
    ["id", "spec"],
    id=SLUG,
    scope=_object([], prefix=_NAME, labels=_LABELS),
    spec=SPEC_SCHEMA,
)
_EVENT = {
    **_object(
        ["at_hours"],
        at_hours=_number("Since the beginning."),
        site=_PATTERN,
        becomes={"enum": list(BECOMES)},
        for_hours=_number("Then it is back; for good without it.", exclusiveMinimum=0),
        policy=_POLICY,
        withdraw={**SLUG, "description": "The policy that ends."},
        data=_NAME,
        labels=_LABELS,
    ),
    "oneOf": [
        {"required": ["site", "becomes"]},
        {"required": ["policy"]},
        {"required": ["withdraw"]},
        {"required": ["data", "labels"]},
    ],
}

SCENARIO_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fairmesh scenario",
    **_object(
        ["title", "days", "sites", "data"],
        title=_TEXT,
        description={"type": "string", "maxLength": 2_000},
        start={"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        days=_number("How long.", exclusiveMinimum=0, maximum=3_650),
        seed=_whole(0, 2**32, "Of all that is drawn; 1 unless said."),
        settings=_object(
            [],
            scrub_days=_number("FAIRMESH_SCRUB_DAYS", exclusiveMinimum=0),
            removal_hours=_number("FAIRMESH_REMOVAL_HOURS"),
            silence_minutes=_number("After which a site is taken to be off-line."),
        ),
        sites=_list(_SITE, minItems=1, maxItems=_SITE_COUNT),
        links=_list(_LINK, maxItems=10_000),
        data=_list(_DATA, minItems=1, maxItems=1_000),
        policies=_list(_POLICY, maxItems=1_000),
        events=_list(_EVENT, maxItems=10_000),
    ),
}
