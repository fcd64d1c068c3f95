"""Refused documents, revoked rights, cancelled runs: nothing is left behind and nothing leaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from catalog.models import Version, VersionState
from core.errors import Conflict, InvalidSpec, NotFound, PolicyDenied
from governance.models import AuditEntry, Membership, Team, TeamRole, User
from governance.selectors import principal_for
from governance.services import issue_token, revoke_grant
from tests.transforms.mesh import (
    CODE,
    OWN,
    TOKENS,
    Mesh,
    drive,
    keys_of,
    lines,
    open_shards,
)
from transforms import services
from transforms.models import Run, RunShard, RunState, ShardState
from transforms.services.ending import end_badly

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(200)]


def drafts() -> int:
    return Version.objects.filter(product__name=TOKENS).count()


@pytest.mark.parametrize(
    ("steps", "where", "suggestion"),
    [
        ([{"filtr": {}}], "steps[0].filtr", "filter"),
        (
            [{"filter": {"where": [{"column": "txt", "min_chars": 1}]}}],
            "steps[0].filter.where[0].column",
            "text",
        ),
        (
            [{"tokenise": {"column": "text", "tokenizer": "antropic"}}],
            "steps[0].tokenise.tokenizer",
            "anthropic",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_place_and_hint(
    mesh: Mesh, installed_tokenizer: str, steps: list[Any], where: str, suggestion: str
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    before = keys_of()
    with pytest.raises(InvalidSpec) as refused:
        mesh.pipeline(steps)
    (problem,) = refused.value.extra["errors"]
    assert (problem["where"], problem["suggestion"]) == (where, suggestion)
    assert keys_of() == before
    with pytest.raises(InvalidSpec):
        mesh.pipeline([{"tokenise": {"column": "text", "tokenizer": "../../etc"}}])


def test_a_column_that_a_new_version_lacks_fails_the_run_before_anything_is_written(
    mesh: Mesh,
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    mesh.publish({"a.jsonl": lines([{"id": 1, "body": "no text column"}])})
    before = keys_of()
    run = drive(mesh.start(pipeline))
    assert (run.state, run.reason_code) == (RunState.FAILED, "invalid_spec")
    assert "steps[0].filter.where[0].column" in run.reason
    assert (keys_of(), drafts()) == (before, 0)


def test_a_revoked_grant_stops_the_run_at_its_next_shard(mesh: Mesh, small_shards: int) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    first, second, *_ = open_shards(run)
    services.run_shard(first)
    revoke_grant(mesh.carla, mesh.grant.pk)

    assert services.run_shard(second) == ShardState.FAILED

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")
    assert "transform" in run.reason
    assert RunShard.objects.get(pk=second).result is None
    denied = AuditEntry.objects.by("ana").filter(allowed=False, name=CODE)
    assert denied.filter(action="transform").exists()
    assert Version.objects.filter(product__name=TOKENS, state=VersionState.PUBLISHED).count() == 0
    with pytest.raises(PolicyDenied):
        services.retry_run(mesh.ana, run.pk)


def test_who_has_left_runs_nothing_any_more(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline())
    mesh.users["ana"].is_active = False
    mesh.users["ana"].save()
    run = drive(run)
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")


def test_an_agents_run_stops_when_its_person_may_not_any_more(
    mesh: Mesh, small_shards: int
) -> None:
    """The agent owns the output with its person's team, so it lacks nothing but the input."""
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    bot = User.objects.create(username="bot", kind="agent")
    Membership.objects.create(team=Team.objects.get(slug="nlp"), user=bot, role=TeamRole.OWNER)
    with pytest.raises(PolicyDenied):
        services.start_run(principal_for(bot), pipeline.pk)
    for_ana = replace(principal_for(bot), on_behalf_of=mesh.ana)
    run = services.start_run(for_ana, pipeline.pk)
    services.advance_run(run.pk)
    first, second, *_ = open_shards(run)
    assert services.run_shard(first) == ShardState.DONE
    revoke_grant(mesh.carla, mesh.grant.pk)
    assert services.run_shard(second) == ShardState.FAILED
    run.refresh_from_db()
    assert (run.asked_by, run.on_behalf_of) == ("bot", "ana")
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")


def test_a_token_narrows_what_its_run_may_do(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    scopes = [
        {"actions": ["discover", "publish", "transform", "write", "replicate"], "prefix": "/"}
    ]
    token, _ = issue_token(mesh.users["ana"], mesh.ana, title="run", days=1, scopes=scopes)
    run = services.start_run(principal_for(mesh.users["ana"], token), pipeline.pk)
    assert drive(run).state == RunState.DONE
    narrow = [{"actions": ["discover", "transform"], "prefix": "/"}]
    token, _ = issue_token(mesh.users["ana"], mesh.ana, title="look", days=1, scopes=narrow)
    with pytest.raises(PolicyDenied):
        services.start_run(principal_for(mesh.users["ana"], token), pipeline.pk)
    Run.objects.filter(pk=run.pk).update(run_digest="")
    run = mesh.start(pipeline)
    Run.objects.filter(pk=run.pk).update(scopes=narrow)
    assert drive(run).reason_code == "policy_denied"


def test_a_cancelled_run_leaves_nothing_and_can_begin_anew(mesh: Mesh, small_shards: int) -> None:
    mesh.publish({"a.jsonl": lines(ROWS) + b"broken\n"})
    before = keys_of()
    run = mesh.start(mesh.pipeline([{"dedup_exact": {"columns": ["text"]}}]))
    services.advance_run(run.pk)
    for shard_id in open_shards(run)[1:]:
        services.run_shard(shard_id)
    assert drafts() == 1
    assert len(keys_of()) > len(before)

    cancelled = services.cancel_run(mesh.ana, run.pk)

    assert cancelled.state == RunState.CANCELLED
    services.advance_run(run.pk)
    assert (keys_of(), drafts()) == (before, 0)
    assert services.sweep_runs() == 0
    with pytest.raises(Conflict):
        services.cancel_run(mesh.ana, run.pk)
    services.retry_run(mesh.ana, run.pk)
    assert drive(run).state == RunState.DONE


def test_a_worker_that_is_cut_off_by_a_cancel_leaves_nothing(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    before = keys_of()
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    (shard_id,) = open_shards(run)
    work = services.shards._work

    def cancelled_at_the_end(*arguments: Any) -> object:
        result = work(*arguments)
        services.cancel_run(mesh.ana, run.pk)
        return result

    monkeypatch.setattr("transforms.services.shards._work", cancelled_at_the_end)
    assert services.run_shard(shard_id) is None
    assert keys_of() == before


def test_one_run_at_a_time_over_the_same_input(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    mesh.start(pipeline)
    with pytest.raises(Conflict):
        mesh.start(pipeline)


def client_of(mesh: Mesh, who: str) -> Client:
    user = mesh.users[who]
    _, secret = issue_token(user, principal_for(user), title="test", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_pipelines_and_runs_of_hidden_products_are_as_absent(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.run()
    pipeline = run.pipeline
    ben, nobody = client_of(mesh, "ben"), Client()
    assert [row["id"] for row in ben.get("/api/v1/runs").json()["results"]] == [str(run.pk)]
    denied = ben.post(f"/api/v1/pipelines/{pipeline.pk}/plan", {}, "application/json")
    assert (denied.status_code, denied.json()["code"]) == (403, "policy_denied")
    assert ben.get(f"/api/v1/runs/{run.pk}/quarantine").status_code == 403

    run.input_version.product.visibility = "team"
    run.input_version.product.save()

    for reader in (ben, nobody):
        assert reader.get("/api/v1/runs").json()["results"] == []
        assert reader.get("/api/v1/pipelines").json()["results"] == []
        for path in (f"runs/{run.pk}", f"pipelines/{pipeline.pk}", f"runs/{run.pk}/quarantine"):
            assert reader.get(f"/api/v1/{path}").status_code == 404
        for path in (f"pipelines/{pipeline.pk}/sample", f"pipelines/{pipeline.pk}/plan"):
            asked = reader.post(f"/api/v1/{path}", {}, content_type="application/json")
            assert asked.status_code == 404
    with pytest.raises(NotFound):
        services.cancel_run(mesh.ben, run.pk)
    assert client_of(mesh, "ana").get(f"/api/v1/runs/{run.pk}").status_code == 200


def test_only_who_may_transform_and_publish_saves_a_pipeline(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    spec = mesh.pipeline().spec
    for person in (mesh.ben, mesh.carla):
        with pytest.raises(PolicyDenied):
            services.save_pipeline(person, name="other", spec=spec)
    revised = {**spec, "steps": [{"filter": {"where": [{"column": "id", "min": 5}]}}]}
    assert services.save_pipeline(mesh.ana, name="clean", spec=spec).revision == 1
    assert services.save_pipeline(mesh.ana, name="clean", spec=revised).revision == 2
    into_itself = {**spec, "output": {"name": OWN}, "inputs": [{"name": OWN}]}
    with pytest.raises(InvalidSpec):
        services.save_pipeline(mesh.ana, name="loop", spec=into_itself)


@pytest.mark.parametrize("error", [OperationalError("no password for anna"), KeyError("anna")])
def test_what_went_wrong_inside_is_told_without_its_words(mesh: Mesh, error: Exception) -> None:
    mesh.publish({"a.jsonl": lines([{"id": 1, "text": "one"}])})
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    end_badly(run.pk, error)
    run.refresh_from_db()
    assert run.state in {RunState.WAITING, RunState.FAILED}
    assert "anna" not in run.reason
