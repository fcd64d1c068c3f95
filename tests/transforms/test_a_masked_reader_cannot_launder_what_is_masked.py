"""A run would write raw values under another product's policies, so masked readers run none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from catalog.models import Version
from core.errors import ObligationApplies, PurposeRequired
from governance.engine.entities import Principal
from governance.models import Policy
from governance.services import retire_policy, revoke_grant, save_policy
from tests.transforms.mesh import CODE, TOKENS, Mesh, drive, lines, open_shards
from transforms import services
from transforms.models import RunState

OPERATOR = Principal("op", groups=frozenset({"members", "operators"}))
ROWS = [{"id": number, "text": f"secret number {number}"} for number in range(200)]


def oblige(note: str, action: str = "read", slug: str = "kept") -> Policy:
    text = (
        f'@id("{slug}") @reason("For a test.") {note}\n'
        f'permit (principal == User::"ana", action == Action::"{action}",\n'
        f'  resource == Product::"{CODE}");'
    )
    return save_policy(OPERATOR, kind="access", slug=slug, text=text)


@pytest.mark.parametrize("action", ["read", "transform"])
@pytest.mark.parametrize("note", ['@mask("text=redact")', '@watermark("mine")'])
def test_a_masked_reader_plans_samples_and_runs_nothing(mesh: Mesh, note: str, action: str) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    policy = oblige(note, action)
    ways: list[Callable[[], object]] = [
        lambda: services.plan_pipeline(mesh.ana, pipeline.pk),
        lambda: services.sample_pipeline(mesh.ana, pipeline.pk, 5),
        lambda: mesh.start(pipeline),
        lambda: mesh.pipeline(name="theirs"),
    ]
    for way in ways:
        with pytest.raises(ObligationApplies) as refused:
            way()
        assert "would carry on what you may not see" in refused.value.detail
        assert "secret" not in str(refused.value.as_problem())
    retire_policy(OPERATOR, policy.pk)
    assert drive(mesh.start(pipeline)).state == RunState.DONE


def test_an_obligation_that_begins_stops_the_run_at_its_next_shard(
    mesh: Mesh, small_shards: int
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    first = next(iter(open_shards(run)))
    services.run_shard(first)
    oblige('@mask("text=null")')
    ended = drive(run)
    assert (ended.state, ended.reason_code) == (RunState.FAILED, "obligation_applies")
    assert "secret" not in ended.reason
    with pytest.raises(ObligationApplies):
        services.retry_run(mesh.ana, run.pk)
    assert not Version.objects.filter(product__name=TOKENS, state="published").exists()


def test_who_may_read_some_rows_alone_runs_nothing(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    for action in ("transform", "read"):
        oblige('@rows("resource.id < 3")', action, slug=action)
    services.plan_pipeline(mesh.ana, pipeline.pk)  # her grant is for every row
    revoke_grant(mesh.carla, mesh.grant.pk)
    with pytest.raises(ObligationApplies):
        mesh.start(pipeline)


def test_rows_that_were_set_aside_are_the_unmasked_readers(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS) + b'{"text": "secret\n'})
    run = mesh.run()
    assert services.quarantined_rows(mesh.ana, run.pk, 5)
    oblige('@mask("text=null")')
    with pytest.raises(ObligationApplies):
        services.quarantined_rows(mesh.ana, run.pk, 5)


def test_a_purpose_binds_a_run_too(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    oblige('@purpose("evaluation")', "transform")
    with pytest.raises(PurposeRequired):
        mesh.start(pipeline)
    assert services.start_run(mesh.ana, pipeline.pk, purpose="evaluation").purpose == "evaluation"
