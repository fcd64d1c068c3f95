"""A pipeline over versions that were there before it: told first, then one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import Invalid, NotFound, PolicyDenied
from governance.services import issue_token, revoke_grant
from tests.transforms.mesh import CODE, Mesh, drive, lines
from transforms import services
from transforms.models import Pipeline, Run, RunState
from transforms.services.backfills import Choice


def publish(mesh: Mesh, *marked: str) -> None:
    for each in marked:
        rows = [{"id": number, "text": f"{each} number {number}"} for number in range(20)]
        mesh.publish({"a.jsonl": lines(rows)}, CODE)


@pytest.fixture
def pipeline(mesh: Mesh) -> Pipeline:
    """Four versions, of which the last one cannot be read by the pipeline."""
    publish(mesh, "one", "two", "three")
    found = mesh.pipeline()
    mesh.publish({"a.jsonl": lines([{"id": 1, "words": "no text"}])}, CODE)
    return found


def test_a_dry_run_tells_all_and_queues_nothing(mesh: Mesh, pipeline: Pipeline) -> None:
    publish(mesh, "five", "one")
    assert drive(mesh.start(pipeline)).state == RunState.DONE  # over v=6, equal to v=1
    found = services.backfill(mesh.ana, "clean", (1, 5), dry_run=True)
    told = [(each.version.number, each.action, each.reason_code) for each in found.versions]
    assert told == [
        (1, Choice.SKIP, "equal_run"),
        (2, Choice.RUN, ""),
        (3, Choice.RUN, ""),
        (4, Choice.REFUSE, "invalid_spec"),
        (5, Choice.RUN, ""),
    ]
    assert found.versions[0].result == "/nlp/~/tokens/v=1"
    assert found.versions[1].bytes == found.versions[1].version.bytes
    assert (found.runs, found.bytes) == (3, sum(each.bytes for each in found.versions))
    assert Run.objects.count() == 1
    assert services.backfill(mesh.ana, str(pipeline.pk), (1, 5), dry_run=True) == found


def test_the_runs_go_one_after_the_other_and_the_oldest_first(
    mesh: Mesh, pipeline: Pipeline
) -> None:
    found = services.backfill(mesh.ana, "clean", (1, 4))
    runs = [Run.objects.get(pk=each.run) for each in found.versions if each.run]
    assert [run.input_version.number for run in runs] == [1, 2, 3]
    first, second, third = runs
    assert (second.state, second.reason_code) == (RunState.QUEUED, "its_turn")
    assert str(first.pk) in second.reason
    for early in (third, second):
        assert services.advance_run(early.pk) is None, "it is not its turn"
    Run.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert services.sweep_runs() == 1, "nor does the sweeper ring for it"

    assert drive(first).state == RunState.DONE
    services.advance_run(second.pk)
    services.cancel_run(mesh.ana, second.pk)
    third = drive(third)
    assert (third.state, third.reason_code) == (RunState.DONE, "")
    assert third.output_version is not None
    assert third.output_version.number > 1
    again = services.backfill(mesh.ana, "clean", (1, 4))
    assert [each.action for each in again.versions[:3]] == [Choice.SKIP, Choice.RUN, Choice.SKIP]


def test_what_is_under_way_is_named(mesh: Mesh, pipeline: Pipeline) -> None:
    queued = services.backfill(mesh.ana, "clean", (2, 2)).versions[0]
    (again,) = services.backfill(mesh.ana, "clean", (2, 2)).versions
    assert (again.action, again.reason_code, again.run) == (Choice.SKIP, "under_way", queued.run)


def test_bytes_that_an_equal_shard_did_are_not_counted_twice(mesh: Mesh, small_shards: int) -> None:
    """The second of two versions adds one file to those of the first."""
    rows = [{"id": number, "text": f"some number {number}"} for number in range(20)]
    old = {"a.jsonl": lines(rows), "b.jsonl": lines(rows[::-1])}
    mesh.publish(old)
    more = lines([*rows[:10], *rows[:9]])
    mesh.publish({**old, "c.jsonl": more})
    mesh.pipeline()
    first, second = services.backfill(mesh.ana, "clean", (1, 2), dry_run=True).versions
    assert first.bytes == sum(map(len, old.values()))
    assert second.bytes == len(more)


def test_a_range_that_makes_no_sense_is_refused(
    mesh: Mesh, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for numbers in ((3, 1), (7, 9)):
        with pytest.raises(Invalid):
            services.backfill(mesh.ana, "clean", numbers)
    monkeypatch.setattr("transforms.services.backfills.MOST_VERSIONS", 2)
    with pytest.raises(Invalid, match="ask for 1 to 2 first"):
        services.backfill(mesh.ana, "clean", (1, 3))
    assert not Run.objects.exists()


def test_who_may_not_run_it_may_not_backfill_it(mesh: Mesh, pipeline: Pipeline) -> None:
    with pytest.raises(NotFound):
        services.backfill(mesh.ana, "none", (1, 2), dry_run=True)
    with pytest.raises(PolicyDenied):
        services.backfill(mesh.ben, "clean", (1, 2), dry_run=True)
    revoke_grant(mesh.carla, mesh.grant.pk)
    for dry_run in (True, False):
        with pytest.raises(PolicyDenied):
            services.backfill(mesh.ana, "clean", (1, 2), dry_run=dry_run)
    assert not Run.objects.exists()


def test_the_address_tells_and_queues(mesh: Mesh, pipeline: Pipeline, client: Any) -> None:
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    header = {"Authorization": f"Bearer {secret}"}
    path, body = "/api/v1/pipelines/clean/backfill", {"from": 1, "to": 2}
    dry = client.post(path, {**body, "dry_run": True}, "application/json", headers=header)
    assert dry.status_code == 200
    assert (dry.json()["runs"], dry.json()["dry_run"]) == (2, True)
    assert not Run.objects.exists()
    done = client.post(path, body, "application/json", headers=header)
    assert done.status_code == 201
    told = done.json()
    assert told["bytes"] == dry.json()["bytes"] > 0
    assert [each["version"] for each in told["versions"]] == [f"{CODE}/v=1", f"{CODE}/v=2"]
    assert {each["run"] for each in told["versions"]} == set(
        map(str, Run.objects.values_list("id", flat=True))
    )
    assert client.post(path, {"from": 0}, "application/json", headers=header).status_code == 422
