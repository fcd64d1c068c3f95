"""A budget that is used up has a run wait, and says so; a schedule makes up for what it missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec
from governance.engine.pipeline_policies import Budget, next_due
from governance.services import issue_token
from movement.models import Store
from tests.builders import deliver
from tests.transforms.by_policy import NIGHTLY, ON_PUBLISH, own_all, publish, rule, runs_of
from tests.transforms.mesh import Mesh, drive
from transforms import services
from transforms.engine.budget import Spent, beyond
from transforms.models import Run, RunState, Schedule
from transforms.services.budgets import BudgetUsedUp

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
TOMORROW, NEXT_MONTH = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def owned(mesh: Mesh) -> Mesh:
    return own_all(mesh)


def test_each_limit_is_kept_to() -> None:
    assert beyond(Budget(), Spent(9, 9, 9, 9.0), 9, NOON) is None
    for budget, spent, needed, until in (
        (Budget(tokens=10), Spent(tokens=10), 1, TOMORROW),
        (Budget(runs_per_day=2), Spent(runs_today=2), 1, TOMORROW),
        (Budget(bytes_per_day=10), Spent(bytes_today=8), 3, TOMORROW),
        (Budget(bytes_per_day=10), Spent(), 11, TOMORROW),
        (Budget(money_per_month=1.5), Spent(money_this_month=1.5), 1, NEXT_MONTH),
        (Budget(tokens=10), Spent(under_way=True), 1, NOON + timedelta(minutes=1)),
        (Budget(money_per_month=1.5), Spent(under_way=True), 1, NOON + timedelta(minutes=1)),
    ):
        found = beyond(budget, spent, needed, NOON)
        assert found is not None
        assert found.until == until
    assert beyond(Budget(10, 10, 2, 1.5), Spent(9, 8, 1, 1.4), 2, NOON) is None
    assert beyond(Budget(bytes_per_day=9, runs_per_day=9), Spent(under_way=True), 9, NOON) is None
    march = datetime(2026, 3, 31, 23, tzinfo=UTC)
    april = beyond(Budget(money_per_month=1), Spent(money_this_month=2), 1, march)
    assert april is not None
    assert april.until == datetime(2026, 4, 1, tzinfo=UTC)


def test_a_run_beyond_the_budget_waits_and_is_told(owned: Mesh, client: Any) -> None:
    rule(owned, {**ON_PUBLISH, "budget": {"runs_per_day": 1}})
    publish(owned, "one")
    publish(owned, "two")
    deliver()
    first, second = (drive(run) for run in runs_of())
    assert first.state == RunState.DONE
    assert (second.state, second.reason_code) == (RunState.WAITING, "budget_used_up")
    midnight = (timezone.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    assert second.next_attempt_at == midnight.replace(microsecond=0)

    _, secret = issue_token(owned.users["ana"], owned.ana, title="t", days=1, scopes=None)
    header = {"Authorization": f"Bearer {secret}"}
    told = client.get(f"/api/v1/runs/{second.pk}", headers=header).json()
    assert (told["state"], told["policy"]) == ("waiting", "fresh")
    assert told["reason_code"] == "budget_used_up"
    assert told["reason"] == "The budget of clean is used up: 1 of 1 runs have begun today."
    assert datetime.fromisoformat(told["next_attempt_at"]) == second.next_attempt_at

    Run.objects.filter(pk=first.pk).update(started_at=timezone.now() - timedelta(days=1))
    Run.objects.filter(pk=second.pk).update(next_attempt_at=timezone.now())
    assert services.sweep_runs() == 1
    assert drive(second).state == RunState.DONE, "the next day it goes on by itself"


def test_a_budget_that_is_raised_is_seen_at_once(owned: Mesh) -> None:
    rule(owned, {**ON_PUBLISH, "budget": {"bytes_per_day": 10}})
    version = publish(owned, "one")
    deliver()
    run = drive(runs_of()[0])
    assert (run.state, run.reason_code) == (RunState.WAITING, "budget_used_up")
    assert f"It reads {version.bytes} bytes, and 10 are allowed a day" in run.reason
    assert run.started_at is None
    rule(owned, {**ON_PUBLISH, "budget": {"bytes_per_day": version.bytes}})
    deliver()
    assert drive(run).state == RunState.DONE
    assert drive(publish_and_find(owned, "two")).state == RunState.WAITING


def publish_and_find(mesh: Mesh, marked: str) -> Run:
    publish(mesh, marked)
    deliver()
    return runs_of()[-1]


def test_the_smaller_of_two_budgets_holds_for_what_both_run(owned: Mesh) -> None:
    rule(owned, {**ON_PUBLISH, "budget": {"runs_per_day": 9}})
    rule(owned, {**NIGHTLY, "budget": {"runs_per_day": 1}}, slug="nightly")
    assert drive(publish_and_find(owned, "one")).state == RunState.DONE
    assert drive(publish_and_find(owned, "two")).state == RunState.WAITING


def test_runs_that_began_together_do_not_pass_a_limit_together(owned: Mesh) -> None:
    rule(owned, {**ON_PUBLISH, "budget": {"tokens": 1}})
    publish(owned, "one")
    publish(owned, "two")
    deliver()
    first, second = runs_of()
    assert services.advance_run(first.pk) == RunState.RUNNING
    assert services.advance_run(second.pk) == RunState.WAITING
    assert "another run is under way" in Run.objects.get(pk=second.pk).reason
    assert drive(first).state == RunState.DONE
    Run.objects.filter(pk=second.pk).update(next_attempt_at=timezone.now())
    assert drive(second).state == RunState.DONE, "it makes no tokens"


def test_what_people_run_is_not_counted_and_not_held_up(owned: Mesh) -> None:
    rule(owned, {**ON_PUBLISH, "budget": {"runs_per_day": 1}})
    publish(owned, "zero")
    assert drive(owned.start(owned.pipeline())).state == RunState.DONE
    assert drive(publish_and_find(owned, "one")).state == RunState.DONE
    waiting = drive(publish_and_find(owned, "two"))
    assert waiting.state == RunState.WAITING
    services.retry_run(owned.ana, waiting.pk)
    assert drive(waiting).state == RunState.DONE


def test_money_is_counted_by_the_prices_of_the_store(owned: Mesh) -> None:
    Store.objects.update(cost_gb_month=9999, cost_1000_puts=999)
    rule(owned, {**ON_PUBLISH, "budget": {"money_per_month": 0.1}})
    assert drive(publish_and_find(owned, "one")).state == RunState.DONE
    run = drive(publish_and_find(owned, "two"))
    assert (run.state, run.reason_code) == (RunState.WAITING, "budget_used_up")
    assert "of 0.1 are spent this month" in run.reason


def test_the_workers_time_has_its_price(owned: Mesh, settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, core_hour_price=1e9)
    rule(owned, {**ON_PUBLISH, "budget": {"money_per_month": 0.1}})
    assert drive(publish_and_find(owned, "one")).state == RunState.DONE
    waiting = drive(publish_and_find(owned, "two"))
    assert (waiting.state, waiting.reason_code) == (RunState.WAITING, "budget_used_up")
    settings.FAIRMESH = replace(settings.FAIRMESH, core_hour_price=None)
    services.wake_runs(BudgetUsedUp)
    assert drive(waiting).state == RunState.DONE, "where nothing has a price nothing is spent"


@given(
    every=st.sampled_from(["5m", "24h", "7d", "daily 03:00", "daily 23:59"]),
    since=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    passed=st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_the_next_time_lies_ahead_and_on_the_grid(
    every: str, since: datetime, passed: timedelta
) -> None:
    since = since.replace(tzinfo=UTC)
    now = since + passed
    due = next_due(every, since, now)
    step = {"5m": 300, "24h": 86_400, "7d": 604_800}.get(every, 86_400)
    assert now < due <= now + timedelta(seconds=step)
    if every.startswith("daily"):
        assert f"daily {due:%H:%M}" == every
        assert (due.second, due.microsecond) == (0, 0)
    else:
        assert (due - since) % timedelta(seconds=step) == timedelta(0)


def overdue(**by: int) -> None:
    """Have the next time of every schedule be so long ago."""
    Schedule.objects.update(next_at=timezone.now() - timedelta(**by))


def test_missed_times_are_made_up_for_once(owned: Mesh) -> None:
    publish(owned, "one")
    rule(owned, NIGHTLY)
    assert services.run_schedules() == 0, "the first time is a day from now"
    overdue(days=5, hours=1)
    assert services.run_schedules() == 1
    assert services.run_schedules() == 0
    (run,) = runs_of()
    assert (run.asked_by, run.policy) == ("service.policy.fresh", "fresh")
    ahead = Schedule.objects.get().next_at - timezone.now()
    assert timedelta(hours=22) < ahead < timedelta(hours=23), "the times stay where they were"
    assert drive(run).state == RunState.DONE

    overdue(hours=1)
    assert services.run_schedules() == 0, "the same input gives nothing new"
    publish(owned, "two")
    overdue(hours=1)
    assert services.run_schedules() == 1
    assert [each.input_version.number for each in runs_of()] == [1, 2]


def test_a_schedule_tries_again_what_failed(owned: Mesh) -> None:
    publish(owned, "one")
    rule(owned, NIGHTLY)
    services.run_schedules()
    overdue(hours=1)
    services.run_schedules()
    Run.objects.update(state=RunState.FAILED)
    overdue(hours=1)
    assert services.run_schedules() == 1
    assert [run.state for run in runs_of()] == [RunState.FAILED, RunState.QUEUED]


def test_a_schedule_goes_with_its_policy_and_waits_for_an_input(owned: Mesh) -> None:
    rule(owned, NIGHTLY)
    services.run_schedules()
    overdue(hours=1)
    assert services.run_schedules() == 0, "nothing is published yet"
    rule(owned, {**NIGHTLY, "every": "daily 03:00"})
    services.run_schedules()
    row = Schedule.objects.get()
    assert (row.every, row.next_at.hour, row.next_at.minute) == ("daily 03:00", 3, 0)
    rule(owned, ON_PUBLISH)
    services.run_schedules()
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "clean", "on": ["schedule"]},
        {"name": "clean", "on": ["publish"], "every": "24h"},
        {**NIGHTLY, "every": "1m"},
        {**NIGHTLY, "every": "daily 25:00"},
        {**ON_PUBLISH, "budget": {"runs_per_day": 0}},
        {**ON_PUBLISH, "budget": {}},
        {"name": "clean", "on": []},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(owned: Mesh, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec):
        rule(owned, asked)
