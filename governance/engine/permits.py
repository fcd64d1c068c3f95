"""Grants as links of the Cedar templates in policies/templates.cedar: JSON for us, text for Cedar.

The templates are parsed and validated once. A link fills two slots and adds an id and a reason; the
fields of a grant are checked when it is made, so a link needs no validation of its own. Tests hold
links equal to those that Cedar itself makes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cedarpy

from core.errors import InvalidSpec
from governance.engine.uids import Uid

ANY_PURPOSE = "any"
BREAK_GLASS = "break-glass"
_POLICIES = Path(__file__).parents[1] / "policies"


@cache
def templates_text() -> str:
    """Return the templates as people read them."""
    return (_POLICIES / "templates.cedar").read_text()


@cache
def templates() -> Mapping[str, Mapping[str, Any]]:
    """Return each template by its @id, in Cedar's JSON form; raise InvalidSpec for a bad one."""
    text = templates_text()
    result = cedarpy.validate_policies(text, (_POLICIES / "schema.cedarschema").read_text())
    if not result.validation_passed:
        found = [{"where": e.policy_id, "message": e.error} for e in result.errors]
        raise InvalidSpec("The templates of grants do not fit the schema.", errors=found)
    parsed = json.loads(cedarpy.policies_to_json_str(text))
    return MappingProxyType(
        {each["annotations"]["id"]: each for each in parsed["templates"].values()}
    )


@dataclass(frozen=True, slots=True)
class Permit:
    """A live grant: `user`, or every member of `team`, has access to `name` for `purpose`.

    One of `user` and `team` is empty.
    """

    id: str
    user: str
    name: str
    purpose: str
    until: datetime
    team: str = ""
    break_glass: bool = False

    @property
    def policy_id(self) -> str:
        return f"grant:{self.id}"

    @property
    def template(self) -> str:
        """The id of the template that the grant is a link of."""
        return BREAK_GLASS if self.break_glass else f"grant-{self.purpose}"

    @property
    def consumer(self) -> Uid:
        """To whom the grant is given."""
        return Uid("Team", self.team) if self.team else Uid("User", self.user)

    @property
    def reason(self) -> str:
        what = "The glass was broken" if self.break_glass else "A grant"
        whom = f" to the team {self.team}" if self.team else ""
        return f"{what}{whom} for {self.purpose} until {self.until:%Y-%m-%d %H:%M} UTC."

    def as_json(self) -> dict[str, Any]:
        """Return the policy that the link stands for, in Cedar's JSON form."""
        template = templates()[self.template]
        return {
            "effect": template["effect"],
            "principal": _filled(template["principal"], self.consumer),
            "action": template["action"],
            "resource": _filled(template["resource"], Uid("Product", self.name)),
            "conditions": template["conditions"],
            "annotations": {"id": self.policy_id, "reason": self.reason},
        }

    def as_text(self) -> str:
        """Return the policy that the link stands for, as Cedar text."""
        policies = {"staticPolicies": {self.policy_id: self.as_json()}}
        text = cedarpy.policies_from_json_str(
            json.dumps({**policies, "templates": {}, "templateLinks": []})
        )
        return f"{text}\n"

    def as_link(self) -> dict[str, Any]:
        """Return what makes this link of a set that holds the templates, as cedarpy takes it."""
        return {
            "template_id": self.template,
            "new_id": self.policy_id,
            "values": {
                "?principal": self.consumer.as_json(),
                "?resource": Uid("Product", self.name).as_json(),
            },
        }


def _filled(scope: Mapping[str, Any], uid: Uid) -> dict[str, Any]:
    return {"op": scope["op"], "entity": uid.as_json()}
