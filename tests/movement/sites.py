"""Simulated time for tests of sites, and the workers that act in it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.models import AuditEntry
from movement.models import Scrub, ScrubState, Site, Transfer, TransferState
from movement.services import hear_from, reconcile_all, run_scrub, run_transfer, watch_sites
from tests.builders import Person, World, deliver


class Clock:
    """What `timezone.now` says, until the test ends; it stands still unless it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)

    def set(self, moment: datetime) -> None:
        self.now = moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def work() -> Counter[str]:
    """Do one round of the beat and all that is due; return what ended, by kind and store."""
    watch_sites()
    deliver()
    reconcile_all()
    ended: Counter[str] = Counter()
    for scrub in Scrub.objects.filter(state=ScrubState.RUNNING).select_related("replica__store"):
        ended[f"{run_scrub(scrub.pk)} scrub at {scrub.replica.store.name}"] += 1
    deliver()
    for row in Transfer.objects.filter(
        state__in=[TransferState.QUEUED, TransferState.WAITING], next_attempt_at__lte=timezone.now()
    ).select_related("target"):
        ended[f"{run_transfer(row.pk)} to {row.target.name}"] += 1
    deliver()
    return ended


def patch(who: Person, site: str, **changes: Any) -> Any:
    body = json.dumps(changes, default=str)
    return who.client().patch(f"/api/v1/sites/{site}", body, "application/json")


def heard(world: World, site: str) -> str:
    """Have the site heard from by an operator; return its state."""
    return hear_from(world.operator.principal, site).state


def state_of(site: str) -> str:
    return Site.objects.get(name=site).state


def audited(action: str) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(action=action).order_by("id")
    return [row.detail for row in rows]
