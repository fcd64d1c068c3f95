"""The JSON Schema of the tests that a policy document carries."""

from __future__ import annotations

from typing import Any

from governance.engine.entities import Action
from governance.engine.protection import SPEC_SCHEMA as PROTECTION
from governance.engine.service_policies import Event

MAX_TESTS = 200
_TEXT = {"type": "string", "maxLength": 1500}
_TEXTS = {"type": "array", "items": _TEXT, "uniqueItems": True}
_BOOLEAN = {"type": "boolean"}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


_PRODUCT = {"name": {"type": "string", "pattern": "^/"}, "labels": _TEXTS}
_NULLABLE = {
    key: {"anyOf": [{k: v for k, v in value.items() if k != "minItems"}, {"type": "null"}]}
    for key, value in PROTECTION["properties"].items()
}
_DOMAIN_ACTS = ["domain", "product", "publish", "sign"]

_GIVEN: dict[str, dict[str, Any]] = {
    "protection": _object(_PRODUCT, "name"),
    "services": _object({**_PRODUCT, "event": {"enum": [str(event) for event in Event]}}, "name"),
    "naming": _object(
        {
            **_PRODUCT,
            "act": {"enum": _DOMAIN_ACTS},
            "teams": _TEXTS,
            "key": _TEXT,
            "license": _TEXT,
            "description": {"type": "string", "maxLength": 20_000},
            "keywords": _TEXTS,
            "intended_use": {"type": "string", "maxLength": 20_000},
        },
        "name",
    ),
}
_EXPECT: dict[str, dict[str, Any]] = {
    "protection": _object({"applies": _BOOLEAN, **_NULLABLE}),
    "services": _object(
        {
            "applies": _BOOLEAN,
            "services": {"type": "array", "items": {"type": "string"}},
            "without": {"type": "array", "items": {"type": "string"}},
            "pipelines": {"type": "array", "items": {"type": "string"}},
        }
    ),
    "naming": _object({"allowed": _BOOLEAN, "where": _TEXTS}, "allowed"),
}


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of `tests` in a document of a kind."""
    test = _object(
        {"title": _TEXT, "given": _GIVEN[kind], "expect": {**_EXPECT[kind], "minProperties": 1}},
        "given",
        "expect",
    )
    return {
        "type": "array",
        "maxItems": MAX_TESTS,
        "items": test,
        "description": "What must come out; a document whose tests fail never comes into force.",
    }


_PRINCIPAL = _object(
    {
        "id": _TEXT,
        "kind": {"enum": ["person", "service", "agent", "site"]},
        "groups": _TEXTS,
        "teams": _TEXTS,
        "roles": _TEXTS,
    }
)
_RESOURCE = _object(
    {
        "name": {"type": "string", "pattern": "^/"},
        "team": _TEXT,
        "visibility": {"enum": ["public", "mesh", "team"]},
        "access": {"enum": ["open", "request"]},
        "lifecycle": _TEXT,
        "labels": _TEXTS,
        "residency": _TEXTS,
        "never": _TEXTS,
    },
    "name",
)
_SITUATION = _object({"purpose": _TEXT, "site": _TEXT, "jurisdictions": _TEXTS})

ACCESS: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fairmesh tests of an access policy",
    "type": "array",
    "maxItems": MAX_TESTS,
    "items": _object(
        {
            "title": _TEXT,
            "principal": _PRINCIPAL,
            "action": {"enum": [str(action) for action in Action]},
            "resource": _RESOURCE,
            "situation": _SITUATION,
            "expect": {"enum": ["allow", "deny"]},
            "policies": {**_TEXTS, "description": "The ids of the policies that decide."},
        },
        "principal",
        "action",
        "resource",
        "expect",
    ),
}
"""The schema of the tests that stand beside Cedar text."""
