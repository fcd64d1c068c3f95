"""However many workers hear of a version, and however many beats there are, one run is queued."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import outbox
from core.models import OutboxDelivery
from tests.builders import deliver
from tests.transforms.by_policy import NIGHTLY, ON_PUBLISH, at_once, own_all, publish, rule, runs_of
from tests.transforms.mesh import drive, found_mesh
from transforms import services
from transforms.models import Run, RunState, Schedule
from transforms.services import by_policy


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_over_one_event_queue_one_run() -> None:
    mesh = own_all(found_mesh())
    rule(mesh, ON_PUBLISH)
    version = publish(mesh, "first")
    queued = at_once(lambda: services.run_published(version.pk))
    assert sum(queued) + services.run_published(version.pk) == 1
    at_once(outbox.dispatch)
    OutboxDelivery.objects.update(next_attempt_at=timezone.now())
    deliver()
    (run,) = runs_of()
    assert drive(run).state == RunState.DONE
    assert services.run_published(version.pk) == 0, "nor when it is over"


@pytest.mark.django_db(transaction=True)
def test_of_two_beats_one_has_the_turn() -> None:
    mesh = own_all(found_mesh())
    publish(mesh, "one")
    rule(mesh, NIGHTLY)
    services.run_schedules()
    Schedule.objects.update(next_at=timezone.now() - timedelta(days=2))
    stale = Schedule.objects.get()
    queued = at_once(services.run_schedules)
    assert sum(queued) + services.run_schedules() == 1
    (run,) = runs_of()
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED)  # or this alone would hold one up
    ((asked, pipeline),) = by_policy._scheduled().values()
    assert not by_policy._take_turn(stale, asked, pipeline), "the turn is taken"
