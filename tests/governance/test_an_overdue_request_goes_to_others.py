"""A policy says by when a request is decided; then others may decide as well, once and for all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import PolicyDenied
from core.models import OutboxEvent
from governance.models import AccessRequest, AuditEntry
from governance.services import approve_request, escalate_requests, request_access
from tests.builders import Person, World

WIKI = "/acme/nlp/~/wiki"
INBOX = "/api/v1/access-requests?inbox=true"


@pytest.fixture
def dora(world: World) -> Person:
    world.add_person("dora")
    world.add_team("stewards", {"dora": "member"})
    return world.people["dora"]


def ask(who: Person, **more: Any) -> AccessRequest:
    wish = {"name": WIKI, "purpose": "analytics", "days": 10, **more}
    return request_access(who.user, who.principal, **wish)


def let_pass(request: AccessRequest, **time: float) -> None:
    assert request.due_at is not None
    due_at = request.due_at - timedelta(**time)
    AccessRequest.objects.filter(pk=request.pk).update(due_at=due_at)


def test_others_are_called_when_time_is_up_and_only_then(world: World, dora: Person) -> None:
    world.add_request_rules("in-time", "{sla_hours: 48, escalate_to: stewards}")
    world.add_request_rules("soon", "{sla_hours: 24}", prefix="/acme/nlp")
    asked = ask(world.ben)
    assert asked.due_at is not None
    assert asked.due_at - asked.created_at < timedelta(hours=24, minutes=1)
    assert escalate_requests() == 0
    with pytest.raises(PolicyDenied):
        approve_request(dora.user, dora.principal, asked.pk)
    let_pass(asked, hours=25)

    assert [escalate_requests() for _ in range(3)] == [1, 0, 0]

    asked.refresh_from_db()
    assert asked.escalated_to == ["stewards"]
    thread = f"/api/v1/access-requests/{asked.pk}/comments"
    (said,) = dora.client().get(thread).json()["results"]
    assert (said["author"], "stewards may decide" in said["text"]) == (None, True)
    assert AuditEntry.objects.filter(action="escalate-request").count() == 1
    assert OutboxEvent.objects.filter(topic="request.escalated").count() == 1
    for who in (dora, world.ana):
        assert [row["id"] for row in who.client().get(INBOX).json()["results"]] == [str(asked.pk)]
    assert world.carla.client().get(INBOX).json()["results"] == []
    approve_request(dora.user, dora.principal, asked.pk)


def test_without_a_team_it_goes_to_the_operators(world: World, dora: Person) -> None:
    world.add_request_rules("in-time", "{sla_hours: 1, approvers: stewards}")
    asked = ask(world.ben)
    with pytest.raises(PolicyDenied):
        approve_request(world.operator.user, world.operator.principal, asked.pk)
    let_pass(asked, hours=2)
    escalate_requests()
    approve_request(world.operator.user, world.operator.principal, asked.pk)


def test_what_is_decided_or_has_no_deadline_is_left_alone(world: World) -> None:
    free = ask(world.carla)
    assert free.due_at is None
    world.add_request_rules("in-time", "{sla_hours: 1}")
    asked = ask(world.ben)
    let_pass(asked, hours=2)
    approve_request(world.ana.user, world.ana.principal, asked.pk)
    assert timezone.now() > AccessRequest.objects.get(pk=asked.pk).due_at  # type: ignore[operator]
    assert escalate_requests() == 0
