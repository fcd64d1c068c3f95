"""Denials outlive the transaction that they end.

A refused act rolls back, so its audit entry cannot be written inside it. `require` attaches the
denial to the error; the edge of the request or task writes it once the rollback is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import FairmeshError
from governance import audit
from governance.engine.entities import Decision, Principal


@dataclass(frozen=True, slots=True)
class Denial:
    principal: Principal
    action: str
    name: str
    decision: Decision
    hidden: bool
    """True when the principal may not know that the thing exists."""


def attach(error: FairmeshError, denial: Denial) -> None:
    error.add_note(f"denied: {denial.principal.id} {denial.action} {denial.name}")
    error.__dict__["denial"] = denial


def record_if_denied(error: BaseException) -> None:
    """Write the audit entry of the denial that `error` carries, if it carries one."""
    denial = getattr(error, "denial", None)
    if isinstance(denial, Denial):
        told = {"hidden": True} if denial.hidden else {}
        audit.record(denial.principal, denial.action, denial.name, denial.decision, **told)
