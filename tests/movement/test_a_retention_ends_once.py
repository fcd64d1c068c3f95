"""The end of a retention is proposed in good time, once, and carried out as the policy says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Version
from core.models import OutboxEvent
from governance.models import ErasureOrder
from governance.retention import retention_of
from movement.services import end_retentions, sweep_erasures
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.erasing import act, approve, get, keys, place_hold, post

FILES = {"a.csv": b"x\n1\n"}


def aged(world: World, days: float, name: str = WIKI) -> Version:
    """Publish a version that is so old."""
    version = world.publish(name, FILES, store="dir-eu")
    Version.objects.filter(pk=version.pk).update(published_at=timezone.now() - timedelta(days=days))
    version.refresh_from_db()
    return version


def only_order() -> dict[str, Any]:
    return {"id": str(ErasureOrder.objects.get().pk)}


def test_it_is_proposed_before_it_ends_and_only_once(folders: World) -> None:
    version = aged(folders, 80)
    aged(folders, 1)
    aged(folders, 80, PATIENTS)
    folders.add_protection("ninety", "{max_retention_days: 90}", prefix="/acme/nlp")
    assert [end_retentions() for _ in range(3)] == [1, 0, 0]
    order = ErasureOrder.objects.get()
    assert (order.name, order.kind, order.state) == (version.name, "retention", "proposed")
    assert version.published_at is not None
    assert order.due_at == version.published_at + timedelta(days=90)
    assert (order.basis, order.proposed_by) == ("ninety", "service.retention")
    warned = OutboxEvent.objects.filter(topic="erasure.changed")
    assert [event.payload["due"] for event in warned] == [order.due_at.isoformat()]
    for days, found in ((9, 0), (11, 1)):
        listed = get(folders.ana, f"erasures?due={days}")["results"]
        assert len(listed) == found
    assert get(folders.carla, "erasures?due=365")["results"] == []
    get(folders.ana, "erasures?due=soon", expect=422)


def test_one_owner_approves_and_it_acts_when_it_is_due(folders: World) -> None:
    aged(folders, 80)
    folders.add_protection("ninety", "{max_retention_days: 90}")
    end_retentions()
    order = only_order()
    approve(folders.ana, order)
    assert (act(order), sweep_erasures()) == (None, 0)
    old = timezone.now() - timedelta(days=90, seconds=1)
    Version.objects.update(published_at=old)
    past = timezone.now() - timedelta(seconds=1)
    ErasureOrder.objects.update(due_at=past, next_attempt_at=past)
    assert act(order) == "done"
    assert keys("dir-eu") == []


def test_without_a_word_of_the_policy_the_owner_is_only_asked(folders: World) -> None:
    aged(folders, 100)
    folders.add_protection("ninety", "{max_retention_days: 90}")
    end_retentions()
    assert ErasureOrder.objects.get().state == "proposed"
    assert sweep_erasures() == 0
    assert keys("dir-eu") != []


def test_a_policy_that_erases_approves_by_itself(folders: World) -> None:
    version = aged(folders, 100)
    spec = "{max_retention_days: 90, on_retention_end: erase}"
    folders.add_protection("ninety", spec)
    end_retentions()
    order = ErasureOrder.objects.get()
    assert (order.state, order.approved_by) == ("approved", "policy ninety")
    assert act(only_order()) == "done"
    assert keys("dir-eu") == []
    told = folders.ana.client().get("/api/v1/resolve", {"name": version.name})
    assert told.status_code == 410
    assert end_retentions() == 0


def test_a_label_ends_it_too_and_the_shortest_counts(folders: World) -> None:
    aged(folders, 40)
    folders.add_label(WIKI, "retention-max:30")
    folders.add_protection("ninety", "{max_retention_days: 90}")
    bounds = retention_of(WIKI)
    assert (bounds.at_most_days, bounds.at_most_by) == (30, ("retention-max:30",))
    assert end_retentions() == 1
    assert ErasureOrder.objects.get().basis == "retention-max:30"


def test_a_minimum_outlasts_a_maximum(folders: World) -> None:
    aged(folders, 100)
    folders.add_label(WIKI, "retention-max:30")
    folders.add_protection("long", "{retention_days: 120}")
    assert end_retentions() == 0


def test_the_order_follows_the_policy(folders: World) -> None:
    aged(folders, 80)
    policy = folders.add_protection("ninety", "{max_retention_days: 90}")
    end_retentions()
    folders.add_protection("ninety", "{max_retention_days: 85}")
    end_retentions()
    order = ErasureOrder.objects.get()
    assert order.due_at is not None
    assert abs(order.due_at - timezone.now() - timedelta(days=5)) < timedelta(minutes=1)
    post(folders.operator, f"policies/{policy_id(folders)}/retire")
    end_retentions()
    order.refresh_from_db()
    assert (order.state, order.ended_by) == ("cancelled", "service.retention")
    assert policy.slug == "ninety"


def policy_id(world: World) -> str:
    rows = get(world.operator, "policies")["results"]
    return next(str(row["id"]) for row in rows if row["state"] == "active")


def test_what_an_owner_called_off_is_not_proposed_daily(folders: World) -> None:
    aged(folders, 100)
    folders.add_protection("ninety", "{max_retention_days: 90}")
    end_retentions()
    address = f"erasures/{only_order()['id']}/cancel"
    post(folders.ana, address, {"reason": "A study needs it."})
    assert end_retentions() == 0
    ErasureOrder.objects.update(finished_at=timezone.now() - timedelta(days=15))
    assert end_retentions() == 1


@pytest.mark.parametrize("spec", ["{max_retention_days: 90, on_retention_end: erase}"])
def test_a_hold_beats_the_end(folders: World, spec: str) -> None:
    aged(folders, 100)
    folders.add_protection("ninety", spec)
    place_hold(folders.ana, WIKI)
    end_retentions()
    order = ErasureOrder.objects.get()
    assert (order.state, order.reason_code) == ("blocked", "under_legal_hold")
    assert act(only_order()) is None
    assert [end_retentions() for _ in range(2)] == [0, 0]
    assert keys("dir-eu") != []
