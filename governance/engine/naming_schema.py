"""The JSON Schema of what a naming policy specifies."""

from __future__ import annotations

from typing import Any

from governance.engine.protection import SLUG


def _texts(told: str, pattern: str = "", **more: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 300}
    if pattern:
        item["pattern"] = pattern
    return {
        "type": "array", "items": item, "uniqueItems": True, "maxItems": 1000,
        "description": told, **more,
    }  # fmt: skip


def _object(properties: dict[str, Any], told: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "object", "additionalProperties": False, "minProperties": 1,
        "properties": properties, "description": told, **more,
    }  # fmt: skip


_PATTERNS = _object(
    {
        "domain": _texts("The last component of a domain is called like one of these.", minItems=1),
        "product": _texts("The own component of a product.", minItems=1),
        "names": _texts("Whole names: with ~ of products, without it of domains.", minItems=1),
    },
    "Literal text and placeholders: {word}, {layer:raw|clean|gold}. Those of the most specific "
    "prefix bind.",
)
_VOCABULARY = _object(
    {
        "words": _texts("The words between . _ and - of a product's own component.", minItems=1),
        "keywords": _texts("The keywords that a product may carry.", minItems=1),
        "labels": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 100,
            "propertyNames": {"pattern": "^[a-z][a-z0-9-]*$"},
            "additionalProperties": _texts("The values of the family.", minItems=1),
            "description": "Families of labels and their values, as in pii: [email, phone].",
        },
    },
    "The words in use; what several policies share counts.",
)
_METADATA = _object(
    {
        "license": {"type": "boolean", "description": "There must be a licence."},
        "licenses": _texts("The licences that are allowed, as SPDX expressions.", minItems=1),
        "description": {"type": "integer", "minimum": 1, "maximum": 10_000,
                        "description": "The least number of characters."},
        "keywords": {"type": "integer", "minimum": 1, "maximum": 100},
        "intended_use": {"type": "boolean"},
    },
    "What a product says of itself before a version of it is published.",
)  # fmt: skip
_KEY = _object(
    {
        "key": {"type": "string", "pattern": "^/", "maxLength": 500},
        "signs": {"type": "string", "pattern": "^/", "maxLength": 500},
    },
    "Keys of such names sign what lies at or below such a prefix.",
    required=["key", "signs"],
)
_PUBLISHER = _object(
    {
        "prefix": {"type": "string", "pattern": "^/", "maxLength": 500},
        "teams": {"type": "array", "items": SLUG, "minItems": 1, "uniqueItems": True},
    },
    "Only these teams publish at or below the prefix, which lies within the policy's scope.",
    required=["prefix", "teams"],
)

SPEC_SCHEMA: dict[str, Any] = _object(
    {
        "patterns": _PATTERNS,
        "vocabulary": _VOCABULARY,
        "reserved": _texts("No component is called so; all lists together count."),
        "publishers": {"type": "array", "items": _PUBLISHER, "maxItems": 1000},
        "metadata": _METADATA,
        "keys": {"type": "array", "items": _KEY, "minItems": 1, "maxItems": 1000,
                 "description": "The trust schema: which key signs what."},
    },
    "How things are called, who publishes where, which key signs what.",
)  # fmt: skip
