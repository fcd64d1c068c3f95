"""A grant to a team is read by whoever is a member at that moment, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Product
from catalog.selectors import PRODUCT_FIELDS, product_for
from core.errors import Conflict, Invalid, PolicyDenied
from governance.engine.entities import Action, Situation
from governance.models import Grant
from governance.selectors import visible
from governance.services import (
    add_member,
    approve_request,
    remove_member,
    renew_grant,
    request_access,
    revoke_grant,
)
from tests.builders import Person, World

WIKI = "/acme/nlp/~/wiki"
FOR = Situation("analytics")


@pytest.fixture
def grant(world: World) -> Grant:
    """Ben asked for the team lab, of which Dora is a member, too; Ana approved."""
    world.add_person("dora")
    world.add_team("lab", {"ben": "member", "dora": "owner"})
    asked = ask(world.ben, team="lab")
    return approve_request(world.ana.user, world.ana.principal, asked.pk)


def ask(who: Person, **more: Any) -> Any:
    wish = {"name": WIKI, "purpose": "analytics", "days": 10, **more}
    return request_access(who.user, who.principal, **wish)


def may_read(who: Person, situation: Situation = FOR) -> bool:
    seen = visible(who.principal, Action.READ, PRODUCT_FIELDS, situation)
    listed = Product.objects.filter(seen, name=WIKI).exists()
    try:
        product_for(who.principal, Action.READ, WIKI, situation)
    except PolicyDenied:
        assert not listed
        return False
    assert listed
    return True


def test_every_member_reads_for_the_purpose_and_others_do_not(world: World, grant: Grant) -> None:
    assert (grant.user, grant.team is not None) == (None, True)
    assert may_read(world.ben)
    assert may_read(world.people["dora"])
    assert not may_read(world.ben, Situation("operations"))
    assert not may_read(world.carla)


def test_it_ends_with_membership_and_begins_with_it(world: World, grant: Grant) -> None:
    remove_member(world.operator.principal, "lab", "ben")
    assert not may_read(world.ben)  # not even the one who asked
    add_member(world.operator.principal, "lab", username="carla", role="member")
    assert may_read(world.carla)
    revoke_grant(world.ana.principal, grant.pk)
    assert not may_read(world.carla)


def test_members_see_the_request_and_the_grant_and_may_renew_it(world: World, grant: Grant) -> None:
    dora = world.people["dora"]
    shown = dora.client().get("/api/v1/grants").json()["results"]
    assert [(row["team"], row["username"]) for row in shown] == [("lab", "")]
    asked = dora.client().get("/api/v1/access-requests").json()["results"]
    assert [(row["team"], row["username"]) for row in asked] == [("lab", "ben")]
    assert renew_grant(dora.user, dora.principal, grant.pk, days=60).team == grant.team
    with pytest.raises(Conflict):
        renew_grant(world.ben.user, world.ben.principal, grant.pk, days=60)
    assert world.carla.client().get("/api/v1/access-requests").json()["results"] == []


def test_only_members_ask_for_a_team(world: World, grant: Grant) -> None:
    for team in ("lab", "nobody"):
        with pytest.raises(Invalid, match="no member"):
            ask(world.carla, team=team)


def test_a_teams_request_tells_no_member_of_what_is_hidden(world: World) -> None:
    world.add_team("lab", {"ana": "owner", "ben": "member"})
    ask(world.ana, name="/acme/nlp/~/secret", team="lab")
    for path in ("access-requests", "access-requests?inbox=true"):
        assert "secret" not in world.ben.client().get(f"/api/v1/{path}").content.decode()
    assert "secret" in world.ana.client().get("/api/v1/access-requests").content.decode()
