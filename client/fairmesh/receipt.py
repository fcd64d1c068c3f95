"""Checks the signed receipt of an erasure, from docs/reference/erasure-receipt.md alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fairmesh.errors import UsageError, VerificationFailed
from fairmesh.names import is_under
from fairmesh.seal import Anchor, Json, opened, opened_by_anchor

ERASURE_TYPE = "application/vnd.fairmesh.erasure.v1+json"


@dataclass(frozen=True)
class Receipt:
    """A statement whose signature holds."""

    statement: Json

    @property
    def name(self) -> str:
        return str(self.statement["name"])

    @property
    def counts(self) -> dict[str, int]:
        """How many places ended in which state, those that are not named among them."""
        found = Counter(str(row["state"]) for row in self.statement["receipts"])
        found.update({str(k): int(v) for k, v in self.statement["unnamed"].items()})
        return dict(found)

    @property
    def complete(self) -> bool:
        """True when nothing was kept and nothing failed."""
        return self.statement["state"] == "done" and set(self.counts) <= {"erased"}


def read_receipt(path: Path) -> Json:
    """Return the document in a file; raise UsageError when it is none."""
    try:
        found = json.loads(path.read_text())
        envelope, delegations = found["envelope"], found["delegations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not the signed receipt of an erasure: {error}.") from error
    if not isinstance(envelope, dict) or not isinstance(delegations, list):
        raise UsageError(f"{path} is not the signed receipt of an erasure.")
    return dict(found)


def verify_receipt(document: Mapping[str, Any], anchor: Anchor) -> Receipt:
    """Return the receipt when a key that may sign for its name signed it.

    Raises VerificationFailed with the link that breaks.
    """
    envelope = document["envelope"]
    statement = opened_by_anchor(envelope, ERASURE_TYPE, anchor)
    if statement is not None:
        return _sound(statement)
    reason = "No delegation of the anchor names the key that signed this receipt."
    for statement, _, delegation in opened(envelope, ERASURE_TYPE, document["delegations"], anchor):
        problem = _uncovered(statement, delegation)
        if problem is None:
            return _sound(statement)
        reason = problem
    raise VerificationFailed(reason)


def _uncovered(statement: Json, delegation: Json) -> str | None:
    try:
        name, prefix = statement["name"], delegation["prefix"]
        signed = datetime.fromisoformat(statement["finished"])
        issued, expires = (datetime.fromisoformat(delegation[key]) for key in ("issued", "expires"))
        in_time = issued <= signed <= expires
    except (KeyError, TypeError, ValueError) as error:
        return f"The receipt or its delegation lacks what is needed to check it: {error}."
    if prefix == "/" or not is_under(name, prefix):
        return f"The key that signed the receipt of {name} may only sign under {prefix}."
    return None if in_time else f"It was signed outside the time its key was delegated for: {name}."


def _sound(statement: Json) -> Receipt:
    wanted = {"type", "name", "state", "receipts", "unnamed", "finished", "reason", "basis"}
    if statement.get("type") != "fairmesh.erasure" or wanted - set(statement):
        raise VerificationFailed("What is signed is no receipt of an erasure.")
    return Receipt(statement)
