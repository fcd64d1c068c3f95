"""The coordinator of a run: plans it, opens one stage after the other, publishes the result.

Each call does the one step that is due and may be repeated or killed at any time. See
docs/explanation/algorithms/runs.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, DateTimeField, F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog import services as catalog
from catalog.models import VersionState
from catalog.selectors import product_resource, version_of
from core import outbox
from core.lease import Lease
from governance import audit
from governance.engine.entities import Action, Principal
from governance.services import decide, record_read
from movement import services as movement
from movement.engine.inspect import columns
from movement.models import ReplicaOrigin, Store
from movement.opening import open_store
from movement.services.ingest import draft_home
from transforms import doorbell, tokenizers
from transforms.engine import plan as planning
from transforms.engine.gate import judges, pass_gate
from transforms.engine.parts import write_indexes, written_schema
from transforms.engine.plan import Plan
from transforms.engine.result import add_up, result_from_json
from transforms.engine.sources import MemoryFolder, Workspace
from transforms.engine.spec import digest, made_with, read_spec
from transforms.heartbeat import Heartbeat, LeaseLost
from transforms.inputs import opener
from transforms.models import (
    HAS_ITS_TURN,
    SHARD_OPEN,
    Run,
    RunShard,
    RunState,
    ShardKind,
    ShardState,
)
from transforms.places import StoreFolder
from transforms.selectors import equal_run
from transforms.services import pipelines
from transforms.services.acting import check_rights
from transforms.services.budgets import require_budget
from transforms.services.drafts import flows, note_files
from transforms.services.ending import (
    RUN_CHANGED,
    end_badly,
    remove_objects,
    ring_followers,
    tidy_up,
)
from transforms.services.reuse import bytes_to_do
from transforms.services.sources import versions_of
from transforms.services.workspaces import encoders_of, workspace_of

Work = tuple[int, ShardKind, range]
"""A stage, what of it is due, and the numbers of the units or tasks."""


def advance_run(run_id: UUID) -> RunState | None:
    """Do the next step of a run; return the state it is in then, or None when nothing was due."""
    lease = _claim(run_id)
    if lease is None:
        tidy_up(run_id)
        return None
    run = _loaded(run_id)
    try:
        with Heartbeat(lease) as heartbeat:
            _step(run, lease, heartbeat)
    except LeaseLost:
        return None
    except Exception as error:  # noqa: BLE001 - the edge of a task: it is recorded on the row
        return end_badly(run_id, error)
    tidy_up(run_id)
    return RunState(Run.objects.values_list("state", flat=True).get(pk=run_id))


def _claim(run_id: UUID) -> Lease[Run] | None:
    """Take a run that is due, was abandoned, or has come to the end of a stage."""
    now = timezone.now()
    due = Run.objects.filter(
        HAS_ITS_TURN,
        pk=run_id,
        state__in=[RunState.QUEUED, RunState.WAITING],
        next_attempt_at__lte=now,
    )
    taken = Lease.take(
        due,
        state=RunState.CLAIMED,
        attempt=F("attempt") + 1,
        started_at=Coalesce("started_at", Value(now, DateTimeField())),
        reason_code="",
        reason="",
        policies=[],
    )
    if taken is not None:
        return taken
    at_work = RunShard.objects.filter(run=run_id, state__in=SHARD_OPEN).exists()
    states = {RunState.CLAIMED, RunState.PUBLISHING} | (set() if at_work else {RunState.RUNNING})
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    return Lease.take(Run.objects.filter(free, pk=run_id, state__in=states))


def _loaded(run_id: UUID) -> Run:
    return Run.objects.select_related(
        "pipeline",
        "input_version__product__domain__team",
        "target__domain__team",
        "output_version__product__domain__team",
    ).get(pk=run_id)


def _step(run: Run, lease: Lease[Run], heartbeat: Heartbeat) -> None:
    actor = check_rights(run)
    if run.plan is not None and not _is_current(run):
        _forget_plan(run, lease)
    if run.plan is None:
        _begin(run, actor, lease, heartbeat)
        return
    planned = planning.from_json(run.plan)
    waiting = list(run.shards.filter(state__in=SHARD_OPEN).values_list("id", flat=True))
    work = None if waiting else _next_work(run, planned)
    if waiting or work is not None:
        verdicts = {} if work is None else _judged(run, planned, work, heartbeat)
        with transaction.atomic():
            row = _held(lease)
            row.verdicts |= verdicts
            _open(row, [] if work is None else _units(row, planned, work))
            doorbell.ring_shards(waiting)
    else:
        _publish(run, planned, actor, lease, heartbeat)


def _judged(run: Run, planned: Plan, work: Work, heartbeat: Heartbeat) -> dict[str, Any]:
    """Return the verdicts of the gate where a stage is to begin; none where it asks nothing."""
    stage, kind, _ = work
    if kind is not ShardKind.MAP or not judges(planned, stage):
        return {}
    workspace = workspace_of(run, None, heartbeat.check)
    judged = pass_gate(planned, stage, workspace, encoders_of(run, planned))
    return {name: asdict(each) for name, each in judged.verdicts.items()}


def _held(lease: Lease[Run]) -> Run:
    row = lease.locked()
    if row is None:
        raise LeaseLost
    return row


def _let_go(row: Run) -> None:
    """Save the row and end the lease; the fence rises, so that no late heartbeat renews it."""
    row.lease_until, row.lease_owner, row.fence = None, "", row.fence + 1
    row.save()


def _is_current(run: Run) -> bool:
    """Return whether the plan still tells what this installation would make."""
    assert run.plan is not None
    found = digest(read_spec(run.spec), lambda name: tokenizers.resolve(name).sha256)
    return bool(run.plan["spec_digest"] == found)


def _forget_plan(run: Run, lease: Lease[Run]) -> None:
    """Begin anew where a tokenizer or a library changed: old and new parts would not fit."""
    with transaction.atomic():
        row = _held(lease)
        row.shards.all().delete()
        Run.objects.filter(pk=run.pk).update(plan=None, shards_total=0)
    remove_objects(run, result=True)
    run.plan = None


def _begin(run: Run, actor: Principal, lease: Lease[Run], heartbeat: Heartbeat) -> None:
    """Plan the run; skip it when its result is there already, else open a draft and stage 0."""
    versions = [version_of(each.product, each.number) for each in versions_of(run)]
    spec = read_spec(run.spec)
    opened = [opener(each, check=heartbeat.check) for each in versions]
    planned = pipelines.planned(spec, versions, opened)
    for name in dict.fromkeys(each.name for each in versions):
        record_read(actor, Action.TRANSFORM, name)
    equal = equal_run(planned.run_digest, run.target_id)
    if equal is not None:
        _skip(lease, equal, planned)
        return
    # nothing is left in a scratch place at the first stage
    workspace = Workspace(opened[0], MemoryFolder(), MemoryFolder(), tuple(opened[1:]))
    judged = pass_gate(planned, 0, workspace, tokenizers.encoders(spec.tokenizers()))
    with transaction.atomic():
        row = _held(lease)
        draft = run.output_version or catalog.open_version(actor, run.target.name)
        home = draft_home(actor, draft, "", ReplicaOrigin.RUN)
        row.output_version, row.home, row.base = draft, home.store.name, home.base
        require_budget(run, bytes_to_do(row, planned))
        row.plan, row.run_digest = planned.to_json(), planned.run_digest
        row.made_with = _made_with(planned)
        row.verdicts = {name: asdict(each) for name, each in judged.verdicts.items()}
        row.shards_total = planned.work
        row.untidy = True
        _open(row, _units(row, planned, _maps(planned, 0)))
        outbox.emit(RUN_CHANGED, {"run": str(run.pk), "state": "running", "at": _now()})


def _skip(lease: Lease[Run], equal: Run, planned: Plan) -> None:
    with transaction.atomic():
        row = _held(lease)
        assert equal.output_version is not None
        row.state, row.output_version = RunState.SKIPPED, equal.output_version
        row.run_digest, row.report = planned.run_digest, equal.report
        row.made_with = _made_with(planned)
        row.verdicts, row.reason_code = equal.verdicts, "equal_run"
        row.reason = f"{equal.output_version.name} is what this run would make."
        row.finished_at = timezone.now()
        _let_go(row)
        ring_followers(row.pk)


def _made_with(planned: Plan) -> dict[str, Any]:
    return made_with(planned.spec, lambda name: tokenizers.resolve(name).sha256)


def _open(row: Run, units: Sequence[RunShard]) -> None:
    """Let the shards work: new ones are stored, and nobody holds the run until they are done."""
    RunShard.objects.bulk_create(units, batch_size=500)
    row.state = RunState.RUNNING
    _let_go(row)
    doorbell.ring_shards([unit.pk for unit in units])


def _next_work(run: Run, planned: Plan) -> Work | None:
    """Return what comes after all that is done; None after the last stage."""
    counted = run.shards.values_list("stage", "kind").annotate(Count("id"))
    done = {(stage, kind): count for stage, kind, count in counted}
    if not done:
        return _maps(planned, 0)
    stage = max(stage for stage, _ in done)
    tasks_done = done.get((stage, str(ShardKind.REDUCE)), 0)
    for tasks in planned.stages[stage].tasks:
        if tasks.start == tasks_done:
            return stage, ShardKind.REDUCE, tasks
    return None if stage + 1 == len(planned.stages) else _maps(planned, stage + 1)


def _maps(planned: Plan, stage: int) -> Work:
    return stage, ShardKind.MAP, range(planned.stages[stage].units)


def _units(run: Run, planned: Plan, work: Work) -> list[RunShard]:
    stage, kind, numbers = work
    shards = planned.shards if (stage, kind) == (0, ShardKind.MAP) else ()
    now = timezone.now()
    return [
        RunShard(
            run=run,
            stage=stage,
            kind=kind,
            index=index,
            ring_at=now,
            digest=shards[index].digest if index < len(shards) else "",
        )
        for index in numbers
    ]


def _publish(
    run: Run, planned: Plan, actor: Principal, lease: Lease[Run], heartbeat: Heartbeat
) -> None:
    """Add up the counts, note the parts, seal the draft: the last step, in one transaction."""
    if not lease.write(state=RunState.PUBLISHING):
        raise LeaseLost
    maps = run.shards.filter(kind=ShardKind.MAP, state=ShardState.DONE)
    results = maps.order_by("stage", "index").values_list("result", flat=True)
    report = add_up([result_from_json(each) for each in results if each is not None])
    draft = run.output_version
    assert draft is not None
    if draft.state == VersionState.DRAFT:
        store = open_store(Store.objects.get(name=run.home))
        sink = StoreFolder(store, run.base, heartbeat.check)
        note_files(draft, report.outputs, columns(written_schema(planned)))
        note_files(draft, write_indexes(planned, report.outputs, sink), ())
    with transaction.atomic():
        row = _held(lease)
        version = movement.publish(
            actor,
            draft.pk,
            inputs=list(dict.fromkeys(each.name for each in versions_of(run))),
            run=str(run.pk),
            purpose=run.purpose,
            columns=flows(planned, [each.name for each in versions_of(run)]),
        )
        row.state, row.output_version, row.finished_at = RunState.DONE, version, timezone.now()
        row.report = report.summary()
        row.verdicts = {name: asdict(each) for name, each in report.verdicts.items()}
        _let_go(row)
        decision = decide(actor, Action.PUBLISH, product_resource(run.target))
        audit.record(actor, "run-done", version.name, decision, run=str(run.pk))
        outbox.emit(RUN_CHANGED, {"run": str(run.pk), "state": "done", "at": _now()})
        ring_followers(run.pk)


def _now() -> str:
    return timezone.now().isoformat()
