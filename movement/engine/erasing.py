"""What an order to erase does with each version that it reaches. A hold beats everything.

Source: docs/explanation/algorithms/erasure.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Relation(StrEnum):
    SUBJECT = "subject"
    DERIVED = "derived"


class Does(StrEnum):
    ERASE = "erase"
    ASK = "owner_must_decide"
    KEEP = "keep"
    BLOCK = "block"
    """It stands in the way of the whole order."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that decides about one version."""

    relation: Relation
    cascade: bool
    """Whether the order was to go on to what is derived."""
    agreed: bool
    """Whether somebody who administers the product asked for it or agreed to it."""
    held: bool
    kept_until: datetime | None
    """The end of the minimum retention."""


@dataclass(frozen=True, slots=True)
class Verdict:
    does: Does
    code: str = ""


def judge(case: Case, now: datetime) -> Verdict:
    """Return what becomes of a version, and the code of the reason unless it is erased."""
    if case.relation is Relation.DERIVED and not case.cascade:
        return Verdict(Does.KEEP, "not_asked")
    if not case.agreed:
        return Verdict(Does.ASK, "other_owner_must_decide")
    stays = Does.BLOCK if case.relation is Relation.SUBJECT else Does.KEEP
    if case.held:
        return Verdict(stays, "under_legal_hold")
    if case.kept_until is not None and case.kept_until > now:
        return Verdict(stays, "retention_minimum")
    return Verdict(Does.ERASE)
