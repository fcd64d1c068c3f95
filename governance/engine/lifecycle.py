"""The life of a policy version: every move there is, in one table.

draft → validated (its own tests pass) → simulated → proposed → approved by a second person →
active → retired. What is not in the table is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.errors import Conflict


class State(StrEnum):
    DRAFT = "draft"
    VALIDATED = "validated"
    SIMULATED = "simulated"
    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTIVE = "active"
    RETIRED = "retired"
    DELETED = "deleted"
    """Nothing is left but the audit log."""


class Move(StrEnum):
    EDIT = "edit"
    VALIDATE = "validate"
    SIMULATE = "simulate"
    PROPOSE = "propose"
    APPROVE = "approve"
    ACTIVATE = "activate"
    ENACT = "enact"
    """Activate what nobody else has approved: only where the mesh asks for no review."""
    RETIRE = "retire"
    RESTORE = "restore"
    """Activate the version that was in force last; it was approved once."""
    REVIVE = "revive"
    """Propose an older version anew."""
    DELETE = "delete"


OPEN = frozenset({State.DRAFT, State.VALIDATED, State.SIMULATED, State.PROPOSED, State.APPROVED})
"""The states of a version that was never in force, or is to come into force again."""
_UNAPPROVED = OPEN - {State.APPROVED}

TRANSITIONS: Mapping[tuple[State, Move], State] = {
    **{(state, Move.EDIT): State.DRAFT for state in OPEN},
    **{(state, Move.DELETE): State.DELETED for state in OPEN},
    **{(state, Move.ENACT): State.ACTIVE for state in _UNAPPROVED},
    (State.DRAFT, Move.VALIDATE): State.VALIDATED,
    (State.VALIDATED, Move.VALIDATE): State.VALIDATED,
    (State.SIMULATED, Move.VALIDATE): State.VALIDATED,
    (State.VALIDATED, Move.SIMULATE): State.SIMULATED,
    (State.SIMULATED, Move.SIMULATE): State.SIMULATED,
    (State.PROPOSED, Move.SIMULATE): State.PROPOSED,
    (State.APPROVED, Move.SIMULATE): State.APPROVED,
    (State.SIMULATED, Move.PROPOSE): State.PROPOSED,
    (State.PROPOSED, Move.APPROVE): State.APPROVED,
    (State.APPROVED, Move.ACTIVATE): State.ACTIVE,
    (State.ACTIVE, Move.RETIRE): State.RETIRED,
    (State.RETIRED, Move.RESTORE): State.ACTIVE,
    (State.RETIRED, Move.REVIVE): State.PROPOSED,
}
"""(state, move) → the state after it."""

_WAYS: Mapping[State, str] = {
    State.DRAFT: "validate it",
    State.VALIDATED: "simulate it",
    State.SIMULATED: "propose it",
    State.PROPOSED: "have a second person approve it",
    State.APPROVED: "activate it",
    State.ACTIVE: "retire it, or draft its next version",
    State.RETIRED: "roll back to it, or draft its next version",
    State.DELETED: "draft it anew",
}


def after(state: State, move: Move) -> State:
    """Return the state after a move; raise Conflict that says which way leads on."""
    if (state, move) not in TRANSITIONS:
        raise Conflict(
            f"A policy that is {state} cannot be asked to {move}; {_WAYS[state]}.",
            state=str(state),
            next=moves(state),
        )
    return TRANSITIONS[state, move]


def moves(state: State) -> list[str]:
    """Return the moves that a state allows."""
    return sorted(str(move) for start, move in TRANSITIONS if start is state)
