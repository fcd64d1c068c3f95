"""Policy documents in YAML: one envelope for every kind that is not Cedar.

kind: protection
id: two-copies
owner: acme
scope: {prefix: /acme, labels: []}
spec: {copies: 2}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from core.errors import InvalidSpec
from core.names import Name
from governance.engine.protection import Protection

_SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_CODE = {"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fairmesh policy document",
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "id", "spec"],
    "properties": {
        "kind": {"const": "protection"},
        "id": _SLUG,
        "owner": _SLUG,
        "scope": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "prefix": {"type": "string", "pattern": "^/"},
                "labels": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            },
        },
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                "copies": {"type": "integer", "minimum": 1, "maximum": 20},
                "sites": {"type": "array", "items": _SLUG, "uniqueItems": True},
                "residency": {"type": "array", "items": _CODE, "minItems": 1, "uniqueItems": True},
            },
        },
    },
}
_VALIDATOR = Draft202012Validator(SCHEMA)


@dataclass(frozen=True, slots=True)
class Document:
    """A checked policy document."""

    kind: str
    id: str
    owner: str | None
    prefix: str
    labels: tuple[str, ...]
    spec: dict[str, Any]


def parse(text: str) -> Document:
    """Return the document in `text`; raise InvalidSpec with every place that is wrong."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidSpec(f"The text is not YAML: {error}", errors=[]) from error
    errors = [
        {"where": error.json_path.removeprefix("$").lstrip("."), "message": error.message}
        for error in sorted(_VALIDATOR.iter_errors(raw), key=lambda e: e.json_path)
    ]
    if errors:
        raise InvalidSpec("The policy document is not valid.", errors=errors)
    scope = raw.get("scope", {})
    prefix = scope.get("prefix", "/")
    if prefix != "/" and Name.parse(prefix).kind not in {"domain", "product"}:
        found = [{"where": "scope.prefix", "message": "it must name a domain or a product"}]
        raise InvalidSpec("A policy is about a domain or a product.", errors=found)
    return Document(
        kind=raw["kind"],
        id=raw["id"],
        owner=raw.get("owner"),
        prefix=prefix,
        labels=tuple(scope.get("labels", ())),
        spec=raw["spec"],
    )


def protection(policy_id: str, spec: dict[str, Any]) -> Protection:
    """Return the engine's value for a stored protection specification."""
    residency = spec.get("residency")
    return Protection(
        id=policy_id,
        copies=spec.get("copies", 1),
        sites=frozenset(spec.get("sites", ())),
        residency=None if residency is None else frozenset(residency),
    )
