"""How a run stops: waits for better times, fails with a reason, and leaves nothing behind."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from core import outbox
from core.errors import FairmeshError, StoreUnavailable, TooBusy
from governance import denials
from governance.holds import holds_on
from movement.models import Store
from movement.opening import open_store
from transforms import doorbell
from transforms.models import RUN_ACTIVE, RUN_MOVES, Run, RunShard, RunState, ShardState
from transforms.places import StoreFolder
from transforms.services.budgets import BudgetUsedUp
from transforms.services.sources import versions_of

logger = logging.getLogger(__name__)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
PASSING = (StoreUnavailable, TooBusy, OperationalError)
"""What is tried again by itself."""
AWAY = "The database is away or busy."
RUN_CHANGED = "run.changed"


def end_badly(run_id: UUID, error: Exception) -> RunState | None:
    """Write what stopped a run: WAITING for what passes by itself, FAILED for the rest.

    Returns the new state, or None when the run had ended already.
    """
    if isinstance(error, OperationalError):  # its words tell of hosts and accounts
        logger.warning("run %s waits for the database", run_id, exc_info=error)
        return stop_run(run_id, RunState.WAITING, TooBusy.code, AWAY)
    if isinstance(error, (StoreUnavailable, TooBusy)):
        return stop_run(run_id, RunState.WAITING, error.code, error.detail)
    if isinstance(error, BudgetUsedUp):
        until = datetime.fromisoformat(error.extra["until"])
        return stop_run(run_id, RunState.WAITING, error.code, error.detail, until=until)
    if isinstance(error, FairmeshError):
        denials.record_if_denied(error)
        policies = error.extra.get("policies", [])
        return stop_run(run_id, RunState.FAILED, error.code, error.detail, policies)
    logger.error("run %s failed", run_id, exc_info=error)
    return stop_run(run_id, RunState.FAILED, "internal", unforeseen(error))


def unforeseen(error: Exception) -> str:
    """Return the reason that an error gives nobody foresaw: its words may quote a row."""
    return f"An unforeseen {type(error).__name__} is in the log of the worker."


@transaction.atomic
def stop_run(
    run_id: UUID,
    state: RunState,
    code: str,
    reason: str,
    policies: Any = (),
    *,
    until: datetime | None = None,
) -> RunState | None:
    """Write why a run stops and take its shards from the workers; None when it had ended.

    One that waits goes on at `until`, by default after a pause that grows.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if state not in RUN_MOVES[run.state]:
        return None
    now = timezone.now()
    run.state, run.reason_code, run.reason, run.policies = state, code, reason, list(policies)
    run.fence, run.lease_until, run.lease_owner = run.fence + 1, None, ""
    if state == RunState.WAITING:
        run.next_attempt_at = until or now + wait_after(run.attempt)
        run.started_at = None if run.plan is None else run.started_at
    else:
        run.finished_at = now
        call_off_shards(run)
        outbox.emit(RUN_CHANGED, {"run": str(run.pk), "state": str(state), "at": now.isoformat()})
        ring_followers(run.pk)
    run.save()
    return state


def ring_followers(run_id: UUID) -> None:
    """Ring for the runs that waited for this one to end. Call it in the transaction of its end."""
    waiting = Run.objects.filter(after=run_id, state=RunState.QUEUED)
    for follower in waiting.values_list("id", flat=True):
        doorbell.ring_run(follower)


def call_off_shards(run: Run) -> None:
    """Take the shards from the workers that hold them; those find out at their next check."""
    RunShard.objects.filter(run=run, state=ShardState.CLAIMED).update(
        state=ShardState.QUEUED, fence=F("fence") + 1, lease_until=None, lease_owner=""
    )


def wait_after(attempt: int) -> timedelta:
    """Return the pause before the next attempt: doubling, bounded, with jitter."""
    doublings = min(max(attempt, 1) - 1, 12)
    pause = min(FIRST_WAIT.total_seconds() * 2.0**doublings, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=pause * random.uniform(0.8, 1.2))


def scratch_of(run: Run) -> str:
    return f".scratch/{run.pk}/"


def kept_of(run: Run) -> str:
    """Return where the quarantine lies: beside the versions, never in one.

    The rows there went through no step, so no masking: they are for who may read the input.
    """
    return f".runs/{run.pk}/"


def tidy_up(run_id: UUID) -> None:
    """Remove what an ended run needs no more; a store that is away is asked again later."""
    run = Run.objects.filter(pk=run_id, untidy=True).exclude(state__in=RUN_ACTIVE).first()
    if run is None or run.state == RunState.FAILED:  # what it made is there for a retry
        return
    cancelled = run.state == RunState.CANCELLED
    names = [run.target.name, *(each.name for each in versions_of(run))]
    if cancelled and any(map(holds_on, names)):
        Run.objects.filter(pk=run_id).update(next_attempt_at=timezone.now() + LONGEST_WAIT)
        return
    try:
        remove_objects(run, result=cancelled)
    except StoreUnavailable as error:
        logger.warning("the scratch of run %s is still there (%s)", run_id, error.detail)
        Run.objects.filter(pk=run_id).update(next_attempt_at=timezone.now() + LONGEST_WAIT)
        return
    Run.objects.filter(pk=run_id, state=run.state).update(untidy=False)


def remove_objects(run: Run, *, result: bool) -> None:
    """Remove the scratch of a run, and with `result` the draft's bytes and the quarantine, too."""
    home = Store.objects.filter(name=run.home).first()
    if home is None or not run.base:
        return
    store = open_store(home)
    StoreFolder(store, scratch_of(run)).remove()
    if result:
        StoreFolder(store, kept_of(run)).remove()
        StoreFolder(store, run.base).remove()
