"""Grants as the Cedar policies that they are: text for one decision, JSON for a list.

A grant is checked field by field when it is made and its form is fixed, so it needs no validation
of its own. A test holds the two forms equal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.engine.entities import Action

ANY_PURPOSE = "any"
_ACTIONS = (Action.DISCOVER, Action.READ, Action.TRANSFORM)


@dataclass(frozen=True, slots=True)
class Permit:
    """A live grant: `user` may find, read and transform `name` for `purpose`."""

    id: str
    user: str
    name: str
    purpose: str
    until: datetime

    @property
    def policy_id(self) -> str:
        return f"grant:{self.id}"

    @property
    def reason(self) -> str:
        return f"A grant for {self.purpose} until {self.until:%Y-%m-%d %H:%M} UTC."

    def as_text(self) -> str:
        purpose = (
            ""
            if self.purpose == ANY_PURPOSE
            else 'when { action == Action::"discover" || '
            f"context.purpose == {_quoted(self.purpose)} }}"
        )
        actions = ", ".join(f'Action::"{action}"' for action in _ACTIONS)
        return (
            f"@id({_quoted(self.policy_id)}) @reason({_quoted(self.reason)})\n"
            f"permit (principal == User::{_quoted(self.user)}, action in [{actions}],\n"
            f"  resource == Product::{_quoted(self.name)}) {purpose};\n"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "effect": "permit",
            "principal": {"op": "==", "entity": {"type": "User", "id": self.user}},
            "action": {
                "op": "in",
                "entities": [{"type": "Action", "id": str(action)} for action in _ACTIONS],
            },
            "resource": {"op": "==", "entity": {"type": "Product", "id": self.name}},
            "conditions": [] if self.purpose == ANY_PURPOSE else [self._condition()],
            "annotations": {"id": self.policy_id, "reason": self.reason},
        }

    def _condition(self) -> dict[str, Any]:
        discover = {"Value": {"__entity": {"type": "Action", "id": "discover"}}}
        purpose = {".": {"left": {"Var": "context"}, "attr": "purpose"}}
        body = {
            "||": {
                "left": {"==": {"left": {"Var": "action"}, "right": discover}},
                "right": {"==": {"left": purpose, "right": {"Value": self.purpose}}},
            }
        }
        return {"kind": "when", "body": body}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
