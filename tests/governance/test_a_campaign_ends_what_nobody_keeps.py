"""Recertification: each grant is looked at by who administers its product, kept or ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.selectors import product_for
from core.errors import Conflict, Invalid, NotFound, PolicyDenied
from governance.engine.entities import Action
from governance.models import AuditEntry, Campaign, CampaignItem, Grant
from governance.services import (
    close_campaign,
    decide_items,
    end_campaigns,
    open_campaign,
    record_read,
    revoke_grant,
)
from tests.builders import Person, World

WIKI, SCANS, SECRET = "/acme/nlp/~/wiki", "/acme/health/~/scans", "/acme/nlp/~/secret"


@pytest.fixture
def grants(world: World) -> dict[str, Grant]:
    """Ben and Carla read Ana's wiki, Ben reads Carla's scans."""
    world.add_product(SCANS)
    return {
        "ben": world.grant(world.ben, WIKI),
        "carla": world.grant(world.carla, WIKI),
        "scans": world.grant(world.ben, SCANS),
    }


def open_over(who: Person, prefix: str, *, days: int = 7, revoke: bool = False) -> Campaign:
    due = timezone.now() + timedelta(days=days)
    return open_campaign(
        who.user, who.principal, prefix=prefix, title="Q3", due_at=due, revoke_undecided=revoke
    )


def items(who: Person, campaign: Campaign) -> list[dict[str, Any]]:
    answer = who.client().get(f"/api/v1/campaigns/{campaign.pk}/items")
    return list(answer.json()["results"]) if answer.status_code == 200 else []


def decide(who: Person, campaign: Campaign, grant: Grant, verdict: str) -> None:
    item = CampaignItem.objects.get(campaign=campaign, grant=grant)
    decide_items(who.user, who.principal, campaign.pk, items=[item.pk], verdict=verdict)


def may_read(who: Person, name: str = WIKI) -> bool:
    try:
        product_for(who.principal, Action.READ, name)
    except PolicyDenied:
        return False
    return True


def test_each_owner_sees_and_decides_his_own_items(world: World, grants: dict[str, Grant]) -> None:
    campaign = open_over(world.operator, "/acme")
    assert {row["grant"]["id"] for row in items(world.operator, campaign)} == {
        str(grant.pk) for grant in grants.values()
    }
    assert {row["grant"]["name"] for row in items(world.ana, campaign)} == {WIKI}
    assert {row["grant"]["name"] for row in items(world.carla, campaign)} == {SCANS}
    assert items(world.ben, campaign) == []
    (shown,) = world.carla.client().get("/api/v1/campaigns").json()["results"]
    assert (shown["items_total"], shown["items_undecided"]) == (1, 1)
    assert world.ben.client().get("/api/v1/campaigns").json()["results"] == []
    with pytest.raises(NotFound):
        decide(world.carla, campaign, grants["ben"], "revoke")
    decide(world.ana, campaign, grants["ben"], "revoke")
    decide(world.carla, campaign, grants["scans"], "keep")
    assert (may_read(world.ben), may_read(world.carla), may_read(world.ben, SCANS)) == (
        False, True, True,
    )  # fmt: skip
    with pytest.raises(Conflict, match="decided already"):
        decide(world.ana, campaign, grants["ben"], "keep")


def test_a_domain_owner_opens_one_over_what_is_his(world: World, grants: dict[str, Grant]) -> None:
    campaign = open_over(world.ana, "/acme/nlp")
    assert {row["grant"]["name"] for row in items(world.ana, campaign)} == {WIKI}
    assert {grant.name for grant in _grants(open_over(world.ana, "/acme"))} == {WIKI}
    for who, prefix in ((world.carla, "/acme/nlp"), (world.ben, "/acme")):
        with pytest.raises(PolicyDenied):
            open_over(who, prefix)
    with pytest.raises(Invalid):
        open_over(world.ana, "/acme/nlp", days=-1)


def _grants(campaign: Campaign) -> list[Grant]:
    return [item.grant for item in campaign.items.select_related("grant")]


def test_many_are_decided_at_once_or_none(world: World, grants: dict[str, Grant]) -> None:
    campaign = open_over(world.operator, "/acme")
    path = f"/api/v1/campaigns/{campaign.pk}/items"
    mine = [row["id"] for row in items(world.ana, campaign)]
    theirs = [row["id"] for row in items(world.carla, campaign)]
    body = {"items": mine + theirs, "verdict": "revoke"}
    assert world.ana.client().post(path, body, "application/json").status_code == 404
    assert may_read(world.ben)
    answer = world.ana.client().post(path, {**body, "items": mine}, "application/json")
    assert {row["verdict"] for row in answer.json()} == {"revoke"}
    assert not may_read(world.ben)


def test_the_last_use_is_shown_and_so_is_what_is_unused(
    world: World, grants: dict[str, Grant]
) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    Grant.objects.filter(name=WIKI).update(created_at=long_ago)
    record_read(world.ben.principal, Action.READ, WIKI)
    shown = {row["grant"]["username"]: row for row in items(world.ana, open_over(world.ana, WIKI))}
    assert shown["ben"]["last_read_at"] is not None
    assert shown["carla"]["last_read_at"] is None
    assert (shown["ben"]["unused"], shown["carla"]["unused"]) == (False, True)


def test_what_nobody_decided_ends_with_the_campaign_that_says_so(
    world: World, grants: dict[str, Grant]
) -> None:
    campaign = open_over(world.operator, "/acme", revoke=True)
    decide(world.ana, campaign, grants["ben"], "keep")
    revoke_grant(world.carla.principal, grants["scans"].pk)
    assert end_campaigns() == 0
    Campaign.objects.update(due_at=timezone.now() - timedelta(seconds=1))

    assert [end_campaigns() for _ in range(3)] == [1, 0, 0]

    assert (may_read(world.ben), may_read(world.carla)) == (True, False)
    revoked = AuditEntry.objects.filter(action="revoke-grant").order_by("id")
    assert [entry.policies for entry in revoked][1:] == [[f"campaign:{campaign.pk}"]]
    assert Grant.objects.get(pk=grants["carla"].pk).revoked_by == "service.clerk"
    with pytest.raises(Conflict, match="closed"):
        decide(world.ana, campaign, grants["ben"], "revoke")


def test_a_campaign_that_does_not_say_so_ends_nothing(
    world: World, grants: dict[str, Grant]
) -> None:
    campaign = open_over(world.operator, "/acme")
    with pytest.raises(PolicyDenied):
        close_campaign(world.carla.user, world.carla.principal, campaign.pk)
    close_campaign(world.operator.user, world.operator.principal, campaign.pk)
    assert Grant.objects.live().count() == 3
    assert CampaignItem.objects.filter(verdict="").count() == 3


def test_nobody_keeps_his_own_grant(world: World, grants: dict[str, Grant]) -> None:
    mine = world.grant(world.operator, WIKI)
    campaign = open_over(world.operator, WIKI)
    with pytest.raises(Conflict, match="own"):
        decide(world.operator, campaign, mine, "keep")
    decide(world.operator, campaign, mine, "revoke")
