"""Policy documents in YAML: one envelope for every kind that is not Cedar.

kind: protection
id: two-copies
version: 2026-11
owner: acme
scope: {prefix: /acme, labels: []}
spec: {copies: 2}
tests:
  - {given: {name: /acme/nlp/~/wiki}, expect: {copies: 2}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from core.errors import FairmeshError, InvalidSpec
from core.names import Name, is_under
from core.yaml_text import read_yaml
from governance.engine import (
    expectation_schema,
    naming,
    naming_schema,
    pipeline_policies,
    service_policies,
)
from governance.engine.protection import SLUG, SPEC_SCHEMA, Protection
from governance.engine.requests import REQUESTS_SCHEMA
from governance.engine.service_policies import Event

SPECS: Mapping[str, Mapping[str, Any]] = {
    "protection": SPEC_SCHEMA,
    "naming": naming_schema.SPEC_SCHEMA,
    "services": service_policies.spec_schema(REQUESTS_SCHEMA),
}
KINDS = tuple(SPECS)


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the documents of a kind."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Fairmesh {kind} policy",
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "id", "spec"],
        "properties": {
            "kind": {"const": kind},
            "id": {**SLUG, "description": "Its name; the same id again is its next version."},
            "version": {
                "type": ["string", "integer"],
                "maxLength": 64,
                "description": "Your own mark, for people; the mesh counts versions itself.",
            },
            "description": {"type": "string", "maxLength": 2000},
            "owner": {**SLUG, "description": "The team that answers for it."},
            "scope": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "prefix": {
                        "type": "string",
                        "pattern": "^/",
                        "description": "It applies to this domain or product and what lies below.",
                    },
                    "labels": {
                        "type": "array",
                        "items": {"type": "string", "minLength": 1, "maxLength": 100},
                        "uniqueItems": True,
                        "description": "Only to products that carry all of these.",
                    },
                },
            },
            "spec": SPECS[kind],
            "tests": expectation_schema.schema(kind),
        },
    }


@dataclass(frozen=True, slots=True)
class Document:
    """A checked policy document."""

    kind: str
    id: str
    owner: str | None
    prefix: str
    labels: tuple[str, ...]
    spec: dict[str, Any]
    tests: tuple[dict[str, Any], ...] = ()

    def applies_to(self, name: str, labels: frozenset[str]) -> bool:
        return is_under(name, self.prefix) and labels.issuperset(self.labels)


def parse(text: str) -> Document:
    """Return the document in `text`; raise InvalidSpec with every place that is wrong."""
    raw = read_yaml(text)
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind not in KINDS:
        message = f"it is one of {', '.join(KINDS)}"
        raise InvalidSpec(
            "The document does not say of which kind it is.",
            errors=[{"where": "kind", "message": message}],
        )
    errors = [
        {"where": error.json_path.removeprefix("$").lstrip("."), "message": error.message}
        for error in sorted(
            Draft202012Validator(schema(kind)).iter_errors(raw), key=lambda e: e.json_path
        )
    ]
    if not errors:
        errors = [{"where": where, "message": told} for where, told in _wrong(raw)]
    if errors:
        raise InvalidSpec("The policy document is not valid.", errors=errors)
    scope = raw.get("scope", {})
    return Document(
        kind=kind,
        id=raw["id"],
        owner=raw.get("owner"),
        prefix=scope.get("prefix", "/"),
        labels=tuple(scope.get("labels", ())),
        spec=raw["spec"],
        tests=tuple(raw.get("tests", ())),
    )


def _wrong(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the schema cannot see."""
    prefix = raw.get("scope", {}).get("prefix", "/")
    if prefix != "/":
        try:
            if Name.parse(prefix).kind not in {"domain", "product"}:
                yield "scope.prefix", "it must name a domain or a product"
        except FairmeshError as error:
            yield "scope.prefix", error.detail
    if raw["kind"] == "naming":
        try:
            yield from naming.wrong_places(naming.from_spec(raw["id"], prefix, raw["spec"]))
        except InvalidSpec as error:
            yield "spec", error.detail
    if raw["kind"] == "services":
        for event in Event:
            plan = service_policies.plan_of(raw["id"], raw["spec"], event)
            circle = service_policies.in_order(plan)[1]
            if circle:
                yield f"spec.on.{event}", f"{', '.join(circle)} wait for each other"
        if service_policies.leaves_out(raw["spec"]) and service_policies.asks_for(raw["spec"]):
            yield "spec.without", "`on.publish` asks for the scan that is left out here"
        yield from pipeline_policies.wrong_places(raw["spec"])


def protection(policy_id: str, spec: dict[str, Any]) -> Protection:
    """Return the engine's value for a stored protection specification."""
    return Protection.from_spec(policy_id, spec)
