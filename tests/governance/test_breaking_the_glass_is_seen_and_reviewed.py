"""In an emergency one reads without a grant: proved, for hours, told, reviewed, under forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.selectors import product_for
from core.errors import Conflict, Invalid, PolicyDenied
from core.models import OutboxEvent
from governance.engine.entities import Action, Scope
from governance.models import AuditEntry, Grant
from governance.services import break_glass, review_grant, save_policy
from tests.builders import Person, World

WIKI = "/acme/nlp/~/wiki"
ADDRESS = "/api/v1/grants/break-glass"
PASSWORD = "correct horse battery"
WISH = {"name": WIKI, "purpose": "operations", "reason": "The pipeline is down.", "hours": 2}


def by_session(who: Person, **body: Any) -> Any:
    client = Client()
    client.force_login(who.user)
    return client.post(ADDRESS, {**WISH, "password": PASSWORD, **body}, "application/json")


def smash(who: Person, **wish: Any) -> Grant:
    return break_glass(who.user, who.principal, **{**WISH, **wish})


def may(who: Person, action: Action) -> bool:
    try:
        product_for(who.principal, action, WIKI)
    except PolicyDenied:
        return False
    return True


@pytest.fixture
def operator(world: World) -> Person:
    """An operator who is nobody's owner."""
    return world.add_person("olga", operator=True)


def test_an_operator_reads_at_once_for_hours_and_the_owner_knows(
    world: World, operator: Person
) -> None:
    assert not may(operator, Action.READ)
    answer = by_session(operator)
    assert (answer.status_code, answer.json()["kind"]) == (201, "break-glass")
    assert (may(operator, Action.READ), may(operator, Action.TRANSFORM)) == (True, False)
    grant = Grant.objects.get()
    assert grant.expires_at - timezone.now() < timedelta(hours=2)
    (event,) = OutboxEvent.objects.filter(topic="grant.break-glass")
    assert (event.payload["name"], event.payload["by"]) == (WIKI, "olga")
    owed = "/api/v1/grants?review=owed"
    (row,) = world.ana.client().get(owed).json()["results"]
    assert (row["id"], row["reason"]) == (str(grant.pk), WISH["reason"])
    assert operator.client().get(owed).json()["results"] == []
    assert world.carla.client().get(owed).json()["results"] == []
    Grant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not may(operator, Action.READ)


def test_it_takes_a_session_and_the_password_again(world: World, operator: Person) -> None:
    body = {**WISH, "password": PASSWORD}
    answer = operator.client().post(ADDRESS, body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "policy_denied")
    assert Client().post(ADDRESS, body, "application/json").status_code == 401
    for wrong in ("", "wrong"):
        assert by_session(operator, password=wrong).status_code == 401
    assert AuditEntry.objects.filter(action="sign-in", allowed=False).count() == 2
    assert not Grant.objects.exists()


def test_a_mesh_may_demand_a_second_factor(world: World, operator: Person, settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, break_glass_mfa=True)
    answer = by_session(operator)
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert not Grant.objects.exists()


def test_only_operators_and_the_group_may_and_only_within_limits(
    world: World, operator: Person
) -> None:
    with pytest.raises(PolicyDenied):
        smash(world.ben)
    assert by_session(world.ben).status_code == 403
    wrongs: list[dict[str, Any]] = [{"hours": 5}, {"hours": 0}, {"reason": " "}]
    for wrong in [*wrongs, {"purpose": "any"}, {"name": "/acme"}]:
        with pytest.raises(Invalid):
            smash(operator, **wrong)
    chosen = replace(world.ben.principal, groups=frozenset({"members", "break-glass"}))
    assert break_glass(world.ben.user, chosen, **WISH).user == world.ben.user  # type: ignore[arg-type]


def test_a_delegated_or_scoped_principal_breaks_nothing(world: World, operator: Person) -> None:
    scopes = (Scope(frozenset(Action), "/"),)
    person = world.operator.principal
    for changed in ({"kind": "agent"}, {"on_behalf_of": person}, {"scopes": scopes}):
        principal = replace(operator.principal, **changed)
        with pytest.raises(PolicyDenied):
            break_glass(operator.user, principal, **WISH)  # type: ignore[arg-type]


def test_a_forbid_stands_above_it(world: World, operator: Person) -> None:
    text = (
        '@id("hold") @reason("Under investigation.")\n'
        'forbid (principal, action == Action::"read", resource is Product)\n'
        'when { resource.labels.contains("hold:legal") };'
    )
    save_policy(world.operator.principal, kind="access", slug="hold", text=text)
    smash(operator)
    assert may(operator, Action.READ)
    world.add_label(WIKI, "hold:legal")
    assert not may(operator, Action.READ)


def test_it_moves_nothing_over_a_border(world: World, operator: Person) -> None:
    world.add_protection("stay", "{residency: [EU]}")
    smash(operator)
    answer = operator.client().post(
        "/api/v1/decisions",
        {"action": "replicate", "name": WIKI, "jurisdictions": ["US"], "purpose": "operations"},
        "application/json",
    )
    assert (answer.json()["allow"], "residency" in str(answer.json()["policies"])) == (False, True)


def test_four_hours_are_not_made_eight(world: World, operator: Person) -> None:
    first = smash(operator)
    Grant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="review"):
        smash(operator)
    review_grant(world.ana.user, world.ana.principal, first.pk, verdict="justified", comment="Ok.")
    smash(operator)


def test_an_owner_reviews_once_and_never_his_own(world: World, operator: Person) -> None:
    grant = smash(operator)
    say = {"verdict": "unjustified", "comment": "There was a copy."}
    for other in (operator, world.operator, world.carla):
        with pytest.raises(PolicyDenied):
            review_grant(other.user, other.principal, grant.pk, **say)
    own = smash(world.operator, name=WIKI)
    with pytest.raises(Invalid):
        review_grant(world.ana.user, world.ana.principal, own.pk, verdict="fine", comment="Ok.")
    path = f"/api/v1/grants/{grant.pk}/review"
    answer = world.ana.client().post(path, say, "application/json")
    assert answer.json()["review"]["verdict"] == "unjustified"
    assert not may(operator, Action.READ)
    assert world.ana.client().post(path, say, "application/json").status_code == 409


def test_an_overdue_review_is_listed(world: World, operator: Person) -> None:
    grant = smash(operator)
    overdue = "/api/v1/grants?review=overdue"
    assert world.ana.client().get(overdue).json()["results"] == []
    Grant.objects.update(review_due_at=timezone.now() - timedelta(seconds=1))
    assert [r["id"] for r in world.ana.client().get(overdue).json()["results"]] == [str(grant.pk)]
    assert world.ana.client().get("/api/v1/grants?review=all").status_code == 422
