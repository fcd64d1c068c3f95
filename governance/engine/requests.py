"""What policies of the kind `services` say of access requests, and how several are merged.

    requests:
      auto_approve: [{purposes: [analytics], groups: [members], max_days: 30}]
      max_days: 90
      sla_hours: 48
      escalate_to: privacy
      approvers: health-stewards

No document stands above another. What is merged can only be as wide as the narrowest of them, and
where two differ, a person is asked:

- A request is approved by itself only if *every* document that has an `auto_approve` list allows
  it. An empty list allows nothing. A document that names approvers and has no list wants them
  asked, so it allows nothing either. A document with neither has no say in it.
- `max_days` and `sla_hours`: the least.
- `approvers`: one must belong to every team that is named. Nobody named: whoever administers.
- `escalate_to`: everyone who is named; where nobody is, the operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from governance.engine.entities import Principal
from governance.engine.obligations import PURPOSES
from governance.engine.permits import ANY_PURPOSE

MAX_DAYS = 366
MEMBERS = "members"
OPERATORS = "operators"
_SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_DAYS = {"type": "integer", "minimum": 1, "maximum": MAX_DAYS}

REQUESTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "auto_approve": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["purposes", "groups", "max_days"],
                "properties": {
                    "purposes": {
                        "type": "array",
                        "items": {"enum": [ANY_PURPOSE, *PURPOSES]},
                        "minItems": 1,
                        "uniqueItems": True,
                    },
                    "groups": {
                        "type": "array",
                        "items": _SLUG,
                        "minItems": 1,
                        "uniqueItems": True,
                        "description": "Groups or teams; the one who asks is in one of them.",
                    },
                    "max_days": _DAYS,
                },
            },
        },
        "max_days": _DAYS,
        "sla_hours": {"type": "integer", "minimum": 1, "maximum": 24 * MAX_DAYS},
        "escalate_to": {**_SLUG, "description": "A team, or `operators`."},
        "approvers": {**_SLUG, "description": "The team whose members decide."},
    },
    "dependentRequired": {"escalate_to": ["sla_hours"]},
}
"""The JSON Schema of `spec.requests`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What someone asks for, as far as rules look at it."""

    purpose: str
    days: int
    belongs_to: frozenset[str]
    """The groups and teams of the one who would be given access."""


@dataclass(frozen=True, slots=True)
class AutoApproval:
    """One kind of request that needs nobody's answer."""

    purposes: frozenset[str]
    groups: frozenset[str]
    max_days: int

    def allows(self, asked: Asked) -> bool:
        return (
            asked.purpose in self.purposes
            and bool(asked.belongs_to & self.groups)
            and asked.days <= self.max_days
        )


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What one document says of requests; None where it says nothing."""

    policy: str = ""
    auto_approve: tuple[AutoApproval, ...] | None = None
    max_days: int | None = None
    sla_hours: int | None = None
    escalate_to: str | None = None
    approvers: str | None = None

    @property
    def speaks_of_auto_approval(self) -> bool:
        return self.auto_approve is not None or self.approvers is not None

    def approves(self, asked: Asked) -> bool:
        return any(each.allows(asked) for each in self.auto_approve or ())


def parse(spec: Mapping[str, Any], policy: str = "") -> RequestRules:
    """Return the rules of a `requests` section that REQUESTS_SCHEMA has accepted.

    `policy` names the document in decisions.
    """
    listed = spec.get("auto_approve")
    return RequestRules(
        policy=policy,
        auto_approve=None if listed is None else tuple(_auto_approval(each) for each in listed),
        max_days=spec.get("max_days"),
        sla_hours=spec.get("sla_hours"),
        escalate_to=spec.get("escalate_to"),
        approvers=spec.get("approvers"),
    )


def _auto_approval(each: Mapping[str, Any]) -> AutoApproval:
    return AutoApproval(
        frozenset(each["purposes"]), frozenset(each["groups"]), int(each["max_days"])
    )


@dataclass(frozen=True, slots=True)
class MergedRules:
    """What all documents that apply to a product say together."""

    documents: tuple[RequestRules, ...] = ()
    max_days: int = MAX_DAYS
    sla_hours: int | None = None
    escalate_to: frozenset[str] = frozenset({OPERATORS})
    approvers: frozenset[str] = frozenset()

    def auto_approved_by(self, asked: Asked) -> tuple[str, ...]:
        """Return the policies that together approve by themselves; empty when a person decides."""
        speaking = [each for each in self.documents if each.speaks_of_auto_approval]
        if not speaking or not all(each.approves(asked) for each in speaking):
            return ()
        return tuple(each.policy for each in speaking) if asked.days <= self.max_days else ()

    def names(self, principal: Principal) -> bool:
        """Say whether the principal is an approver whom the documents name."""
        return bool(self.approvers) and all(belongs(principal, team) for team in self.approvers)

    def naming(self) -> tuple[str, ...]:
        """Return the policies that name approvers."""
        return tuple(each.policy for each in self.documents if each.approvers is not None)

    def limiting(self) -> tuple[str, ...]:
        """Return the policies that say for how long access is given at most."""
        return tuple(each.policy for each in self.documents if each.max_days == self.max_days)


def merge(documents: Iterable[RequestRules]) -> MergedRules:
    """Return the rules under all documents at once; their order does not matter."""
    every = tuple(sorted(documents, key=lambda each: each.policy))
    deadlines = [each.sla_hours for each in every if each.sla_hours is not None]
    called = frozenset(each.escalate_to for each in every if each.escalate_to is not None)
    return MergedRules(
        documents=every,
        max_days=min([MAX_DAYS, *(each.max_days for each in every if each.max_days is not None)]),
        sla_hours=min(deadlines, default=None),
        escalate_to=called or frozenset({OPERATORS}),
        approvers=frozenset(each.approvers for each in every if each.approvers is not None),
    )


def belongs(principal: Principal, team: str) -> bool:
    """Say whether the principal is of a team, or is an operator where `team` is `operators`.

    An agent is of a team when it and the person for whom it acts both are.
    """
    among = team in principal.teams or (team == OPERATORS and OPERATORS in principal.groups)
    person = principal.on_behalf_of
    return among and (person is None or belongs(person, team))
