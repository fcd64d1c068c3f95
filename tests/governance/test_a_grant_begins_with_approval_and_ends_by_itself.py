from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.selectors import product_for, visible_products
from core.errors import Conflict, Invalid, NotFound, PolicyDenied
from governance.engine.entities import Action, Situation
from governance.models import AuditEntry, Grant
from governance.services import approve_request, deny_request, request_access, revoke_grant
from tests.builders import Person, World

WIKI, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/secret"


def ask(who: Person, name: str = WIKI, purpose: str = "any", days: int = 10) -> Any:
    return request_access(who.user, who.principal, name=name, purpose=purpose, reason="", days=days)


def may_read(who: Person, purpose: str = "") -> bool:
    try:
        product_for(who.principal, Action.READ, WIKI, Situation(purpose))
    except PolicyDenied:
        return False
    return True


def test_approving_is_granting_until_it_expires(world: World) -> None:
    asked = ask(world.ben)
    assert not may_read(world.ben)
    grant = approve_request(world.ana.user, world.ana.principal, asked.pk)
    assert may_read(world.ben)
    assert visible_products(world.ben.principal, Action.READ).filter(name=WIKI).exists()
    assert not may_read(world.carla)
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not may_read(world.ben)
    assert not visible_products(world.ben.principal, Action.READ).filter(name=WIKI).exists()


def test_revoking_stops_the_next_request(world: World) -> None:
    grant = world.grant(world.ben, WIKI)
    assert may_read(world.ben)
    with pytest.raises(PolicyDenied):
        revoke_grant(world.carla.principal, grant.pk)
    revoke_grant(world.ana.principal, grant.pk)
    assert not may_read(world.ben)
    entries = AuditEntry.objects.filter(name=WIKI).order_by("id").values_list("action", flat=True)
    assert list(entries)[-3:] == ["request-access", "grant", "revoke-grant"]


def test_who_holds_a_grant_may_give_it_up(world: World) -> None:
    grant = world.grant(world.ben, WIKI)
    revoke_grant(world.ben.principal, grant.pk)
    assert not may_read(world.ben)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.allowed) == ("revoke-grant", True)


def test_a_grant_is_good_for_its_purpose_alone(world: World) -> None:
    world.grant(world.ben, WIKI, "model-training")
    assert may_read(world.ben, "model-training")
    assert not may_read(world.ben, "analytics")
    assert not may_read(world.ben)


def test_a_decision_names_the_grant(world: World) -> None:
    grant = world.grant(world.ben, WIKI)
    body = {"action": "read", "name": WIKI}
    answer = world.ben.client().post("/api/v1/decisions", body, "application/json").json()
    assert answer["allow"]
    assert answer["policies"] == [f"grant:{grant.pk}"]
    assert answer["reason"].startswith("A grant for any until ")


def test_nobody_approves_for_himself_or_for_others_products(world: World) -> None:
    mine = ask(world.ana)
    with pytest.raises(Conflict):
        approve_request(world.ana.user, world.ana.principal, mine.pk)
    asked = ask(world.ben)
    for other in (world.ben, world.carla):
        with pytest.raises(PolicyDenied):
            approve_request(other.user, other.principal, asked.pk)
    with pytest.raises(Invalid, match="Say why"):
        deny_request(world.ana.user, world.ana.principal, asked.pk, comment=" ")
    deny_request(world.ana.user, world.ana.principal, asked.pk, comment="No.")
    with pytest.raises(Conflict, match="denied already"):
        approve_request(world.ana.user, world.ana.principal, asked.pk)
    assert not may_read(world.ben)


def test_one_asks_once_for_what_one_may_know_of(world: World) -> None:
    ask(world.ben)
    with pytest.raises(Conflict):
        ask(world.ben)
    with pytest.raises(NotFound):
        ask(world.ben, SECRET)
    wrongs: list[dict[str, Any]]
    wrongs = [{"purpose": "fun"}, {"days": 0}, {"days": 367}, {"name": "/acme/nlp"}]
    for wrong in wrongs:
        with pytest.raises(Invalid):
            ask(world.ben, **{"purpose": "analytics", **wrong})


def test_an_outsider_with_the_id_of_a_request_learns_nothing(world: World) -> None:
    asked = ask(world.ana, SECRET)
    for path in (f"access-requests/{asked.pk}/approve", f"grants/{asked.pk}/revoke"):
        answer = world.ben.client().post(f"/api/v1/{path}", {}, "application/json")
        assert answer.status_code == 404
        assert "secret" not in answer.content.decode()


def test_the_inbox_is_that_of_who_decides(world: World) -> None:
    ask(world.ben)
    inbox = "/api/v1/access-requests?inbox=true"
    assert [row["name"] for row in world.ana.client().get(inbox).json()["results"]] == [WIKI]
    assert world.carla.client().get(inbox).json()["results"] == []
    assert world.ben.client().get(inbox).json()["results"] == []
    assert len(world.ben.client().get("/api/v1/access-requests").json()["results"]) == 1
