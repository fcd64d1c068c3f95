"""The explainer names, for each policy, the part that failed first, in Cedar's own words."""

from __future__ import annotations

from typing import Any

import pytest

from governance.services import save_policy
from tests.builders import World
from tests.governance.conftest import OPEN, WIKI

pytestmark = pytest.mark.django_db


def findings(world: World, who: str, action: str, name: str, **more: Any) -> dict[str, Any]:
    body = {"action": action, "name": name, "explain": True, **more}
    answer = (
        world.people[who].client().post("/api/v1/decisions", body, content_type="application/json")
    )
    assert answer.status_code == 200, answer.content
    return {found["policy"]: found for found in answer.json()["findings"]}


def test_each_policy_about_the_action_says_what_fails(world: World) -> None:
    found = findings(world, "ben", "read", WIKI)
    assert found["open-data-is-read"]["fails"] == '(resource.access) == "open"'
    assert found["team-uses-its-data"]["fails"] == "principal in (resource.team)"
    assert "anyone-discovers-public" not in found, "it speaks of another action"
    assert not any(each["met"] for each in found.values())


def test_a_met_policy_comes_first_and_fails_nowhere(world: World) -> None:
    found = findings(world, "ben", "read", OPEN)
    first = next(iter(found.values()))
    assert (first["policy"], first["met"], first["fails"]) == ("open-data-is-read", True, "")


def test_the_scope_and_an_unless_are_told(world: World) -> None:
    text = (
        '@id("inner") permit (principal in Team::"nlp", action == Action::"write", '
        "resource is Product);\n"
        '@id("not-now") permit (principal, action == Action::"write", resource is Product) '
        'unless { resource.visibility == "mesh" };'
    )
    save_policy(world.operator.principal, kind="access", slug="more", text=text)
    found = findings(world, "ben", "write", WIKI)
    assert found["inner"]["fails"] == 'principal in Team::"nlp"'
    assert found["not-now"]["fails"] == 'unless (resource.visibility) == "mesh"'


def test_about_someone_else_it_is_told_to_who_administers(world: World) -> None:
    assert findings(world, "ana", "read", WIKI, principal="ben")["open-data-is-read"]["fails"]
    body = {"action": "read", "name": WIKI, "principal": "ana"}
    answer = world.ben.client().post("/api/v1/decisions", body, content_type="application/json")
    assert answer.status_code == 403
