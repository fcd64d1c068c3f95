"""Access policies as one validated set: parsed once, indexed, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cedarpy

from core.digests import sha256_digest
from core.errors import InvalidSpec
from governance.engine.entities import ANONYMOUS, SHAPES, Action, Situation
from governance.engine.obligations import NONE, PURPOSES, Obligations, parse_masks
from governance.engine.program import Policy, Program
from governance.engine.residual import (
    ROW,
    EvaluationFailed,
    Question,
    Unknown,
    Unpushable,
    known_context,
    known_principal,
    truth,
)

_ANNOTATIONS = frozenset({"id", "reason", "mask", "rows", "purpose", "watermark"})
_OBLIGATIONS = frozenset({"mask", "rows", "purpose", "watermark"})


@dataclass(frozen=True)
class PolicySet:
    """A validated set of access policies. Its digest names it in every decision."""

    text: str
    digest: str
    handle: cedarpy.PolicySet
    """Cedar's own reading of the same text, for the oracle."""
    schema: cedarpy.Schema
    reasons: Mapping[str, str]
    policies: list[dict[str, Any]]
    """Cedar's JSON form."""
    program: Program


@lru_cache(maxsize=16)
def policy_set(text: str, schema_text: str) -> PolicySet:
    """Return the policies of `text`; raise InvalidSpec unless each is valid and named.

    Cost: parses and validates once per text; the latest 16 sets are kept.
    """
    parsed = _parsed(text, schema_text)
    raw = list(parsed["staticPolicies"].values())
    if parsed["templates"]:
        raise InvalidSpec("A policy is no template: grants are its links.", errors=[])
    ids = [each.get("annotations", {}).get("id") for each in raw]
    if None in ids or len(set(ids)) != len(ids):
        raise InvalidSpec("Every policy carries an @id of its own.", errors=[])
    policies = [policy_of(each) for each in raw]
    return PolicySet(
        text=text,
        digest=sha256_digest(text.encode()),
        handle=cedarpy.PolicySet.from_str(text),
        schema=cedarpy.Schema.from_str(schema_text),
        reasons={policy.id: policy.reason for policy in policies},
        policies=raw,
        program=Program(policies),
    )


def _parsed(text: str, schema_text: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
        result = cedarpy.validate_policies(text, schema_text)
    except ValueError as error:
        raise InvalidSpec(
            f"The Cedar text does not parse: {error}", errors=[{"where": "", "message": str(error)}]
        ) from error
    if not result.validation_passed:
        found = [{"where": e.policy_id, "message": e.error} for e in result.errors]
        raise InvalidSpec("The policies do not fit the schema.", errors=found)
    return parsed


def policy_of(raw: Mapping[str, Any]) -> Policy:
    """Return one policy of Cedar's JSON form with its annotations read; raise InvalidSpec."""
    notes = {key: value or "" for key, value in raw.get("annotations", {}).items()}
    policy_id = notes["id"]
    if strange := sorted(notes.keys() - _ANNOTATIONS):
        raise _wrong(policy_id, f"@{strange[0]} is not known; use {', '.join(_known())}")
    forbids = raw["effect"] == "forbid"
    if forbids and (bound := sorted(notes.keys() & _OBLIGATIONS)):
        raise _wrong(policy_id, f"@{bound[0]} stands on a permit only; a forbid lets nothing pass")
    return Policy(
        id=policy_id,
        reason=notes.get("reason", ""),
        forbids=forbids,
        raw=raw,
        obligations=_obligations(policy_id, notes),
        rows=_row_filter(policy_id, notes["rows"]) if "rows" in notes else None,
    )


def _known() -> list[str]:
    return [f"@{name}" for name in sorted(_ANNOTATIONS)]


def _obligations(policy_id: str, notes: Mapping[str, str]) -> Obligations:
    if not notes.keys() & _OBLIGATIONS:
        return NONE
    purposes = frozenset(
        filter(None, (word.strip() for word in notes.get("purpose", "").split(",")))
    )
    if strange := sorted(purposes - set(PURPOSES)):
        raise _wrong(policy_id, f"{strange[0]!r} is no purpose; use {', '.join(PURPOSES)}")
    return Obligations(
        masks=parse_masks(notes.get("mask", ""), policy_id),
        purposes=purposes if "purpose" in notes else None,
        watermarks=(notes["watermark"],) if "watermark" in notes else (),
    )


def _row_filter(policy_id: str, text: str) -> Mapping[str, Any]:
    """Return the Cedar expression of a `@rows` annotation; its `resource` is the row."""
    wrapped = f"permit (principal, action, resource) when {{ {text} }};"
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(wrapped))
    except ValueError as error:
        raise _wrong(policy_id, f"@rows does not parse: {error}") from error
    (policy,) = parsed["staticPolicies"].values()
    if len(policy["conditions"]) != 1:
        raise _wrong(policy_id, "@rows is one expression")
    body: Mapping[str, Any] = policy["conditions"][0]["body"]
    return body


def _wrong(policy_id: str, message: str) -> InvalidSpec:
    found = [{"where": policy_id, "message": message}]
    return InvalidSpec(f"{policy_id}: {message}.", errors=found)


def check_pushable(policies: Iterable[Mapping[str, Any]], columns: frozenset[str]) -> None:
    """Raise Unpushable unless every policy can filter a list, whoever asks for it.

    `columns` are the attributes of a product that its table keeps. A policy whose scope is the
    action `replicate` alone is free: what is copied is decided one by one, never as a list.
    """
    context = known_context(Situation())
    anyone = known_principal(ANONYMOUS)
    product = Unknown("Product", SHAPES["Product"])
    for policy in map(policy_of, policies):
        if policy.rows is not None:
            _check(policy, policy.rows, Question(anyone, Action.READ, ROW, context, True))
        if policy.raw["action"].get("entity", {}).get("id") == Action.REPLICATE:
            continue
        for clause in policy.raw["conditions"]:
            _check_columns(policy, clause["body"], columns)
            for action in Action:
                _check(policy, clause["body"], Question(anyone, action, product, context, True))


def _check_columns(policy: Policy, body: Any, columns: frozenset[str]) -> None:
    if missing := _attributes_in(body) - columns:
        named = ", ".join(sorted(missing))
        raise Unpushable(
            f"{policy.id}: lists cannot be filtered by {named}; "
            "only a policy for the action replicate may speak of it.",
            errors=[{"where": policy.id, "message": named}],
        )


def _check(policy: Policy, body: Mapping[str, Any], question: Question) -> None:
    try:
        truth(body, question)
    except EvaluationFailed as error:
        raise _wrong(policy.id, str(error)) from error
    except Unpushable as error:
        found = [{"where": policy.id, "message": error.detail}]
        raise Unpushable(f"{policy.id}: {error.detail}", errors=found) from error


def _attributes_in(expression: Any) -> set[str]:
    """Return the attributes of the resource that an expression reads, wherever it does."""
    if isinstance(expression, list):
        return set().union(*map(_attributes_in, expression))
    if not isinstance(expression, dict):
        return set()
    found = set().union(*map(_attributes_in, expression.values()))
    read = expression.get(".")
    if isinstance(read, dict) and read.get("left") == {"Var": "resource"}:
        found.add(str(read["attr"]))
    return found
