"""Rights, lineage, labels, holds, erasure and policies know every input of a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Product
from core import outbox
from core.errors import Conflict, InvalidSpec, NotFound, PolicyDenied
from governance.models import Membership, Team, TeamRole
from governance.selectors import labels_of
from governance.services import add_label
from lineage.models import Edge
from tests.builders import deliver
from tests.transforms.by_policy import ON_PUBLISH, rule, runs_of
from tests.transforms.mesh import CODE, OWN, TOKENS, Mesh, drive, lines, rows_of
from transforms import services
from transforms.models import Pipeline, Run, RunState
from transforms.selectors import visible_pipelines, visible_runs

PAGES = lines([{"id": str(n), "text": f"page {n}"} for n in range(30)])
SCORES = lines([{"id": str(n), "score": n} for n in range(0, 60, 2)])
JOIN = {"join": {"input": "scores", "keys": ["id"]}}


def save(mesh: Mesh, *steps: dict[str, Any], name: str = "scored") -> Pipeline:
    spec = {
        "version": 1,
        "inputs": [{"name": OWN}, {"name": CODE, "alias": "scores"}],
        "steps": list(steps or (JOIN,)),
        "output": {"name": TOKENS},
    }
    return services.save_pipeline(mesh.ana, name=name, spec=spec)


@pytest.fixture
def both(mesh: Mesh) -> Mesh:
    """Pages of Ana's own, and scores that Carla granted her."""
    mesh.publish({"pages.jsonl": PAGES}, OWN)
    mesh.publish({"scores.jsonl": SCORES})
    return mesh


def test_the_result_holds_both_and_says_what_it_was_made_from(both: Mesh) -> None:
    run = drive(services.start_run(both.ana, save(both).pk))
    assert (run.state, run.reason) == (RunState.DONE, "")
    rows = sorted(rows_of(run.output_version), key=lambda row: row["score"])
    assert rows == [{"id": str(n), "text": f"page {n}", "score": n} for n in range(0, 30, 2)]
    version = run.output_version
    assert version is not None
    assert [each["name"] for each in version.inputs] == [f"{OWN}/v=1", f"{CODE}/v=1"]
    assert run.report is not None
    assert run.report["beside"] == {"rows_in": 30, "quarantined": 0}
    outbox.dispatch()
    live = Edge.objects.live().filter(kind="column_derives").select_related("src", "dst")
    found = {(edge.src.name, edge.src.part, edge.dst.part) for edge in live}
    assert {(CODE, "score", "score"), (CODE, "id", "text"), (OWN, "text", "text")} <= found
    assert (OWN, "score", "score") not in found


def test_labels_of_a_looked_up_column_come_with_its_values(both: Mesh) -> None:
    add_label(both.carla, name=CODE, label="pii:score", column="score")
    drive(services.start_run(both.ana, save(both).pk))
    assert ("pii:score", "score") in {(each.label, each.column) for each in labels_of(TOKENS)}


def test_who_may_not_use_the_second_input_saves_nothing(both: Mesh) -> None:
    both.grant.delete()
    Product.objects.filter(name=CODE).update(visibility="team")
    with pytest.raises((PolicyDenied, NotFound)):
        save(both)
    assert not Pipeline.objects.exists()


def test_a_grant_to_the_second_input_that_ends_stops_the_run(both: Mesh) -> None:
    run = services.start_run(both.ana, save(both).pk)
    services.advance_run(run.pk)
    both.grant.delete()
    run = drive(run)
    assert run.state == RunState.FAILED
    assert CODE in run.reason


def test_a_pipeline_is_known_to_who_may_know_of_all_it_reads(both: Mesh) -> None:
    run = drive(services.start_run(both.ana, save(both).pk))
    for name in (OWN, TOKENS, CODE):
        Product.objects.filter(name=name).update(visibility="public")
    assert visible_pipelines(both.ben).exists()
    assert visible_runs(both.ben).filter(pk=run.pk).exists()
    Product.objects.filter(name=CODE).update(visibility="team")
    assert not visible_pipelines(both.ben).exists()
    assert not visible_runs(both.ben).exists()


def test_an_output_that_is_any_of_the_inputs_is_refused(both: Mesh) -> None:
    spec = {
        "version": 1,
        "inputs": [{"name": OWN}, {"name": TOKENS, "alias": "scores"}],
        "steps": [JOIN],
        "output": {"name": TOKENS},
    }
    with pytest.raises(InvalidSpec, match="its own input"):
        services.save_pipeline(both.ana, name="round", spec=spec)


def test_one_run_at_a_time_over_the_same_versions_and_another_over_newer_ones(both: Mesh) -> None:
    pipeline = save(both)
    first = services.start_run(both.ana, pipeline.pk)
    with pytest.raises(Conflict, match=r"running over .*own/v=1 and .*code/v=1 already"):
        services.start_run(both.ana, pipeline.pk)
    both.publish({"scores.jsonl": lines([{"id": "1", "score": 100}])})
    second = services.start_run(both.ana, pipeline.pk)
    assert [row["score"] for row in rows_of(drive(second).output_version)] == [100]
    assert len(rows_of(drive(first).output_version)) == 15


def test_the_same_inputs_again_are_skipped_and_a_new_second_one_is_not(both: Mesh) -> None:
    pipeline = save(both)
    drive(services.start_run(both.ana, pipeline.pk))
    assert drive(services.start_run(both.ana, pipeline.pk)).state == RunState.SKIPPED
    both.publish({"scores.jsonl": lines([{"id": "1", "score": 100}])})
    assert drive(services.start_run(both.ana, pipeline.pk)).state == RunState.DONE


def test_a_policy_runs_it_when_either_input_gets_a_version(both: Mesh) -> None:
    team = Team.objects.get(slug="src")
    Membership.objects.create(team=team, user=both.users["ana"], role=TeamRole.OWNER)
    save(both)
    deliver()
    rule(both, {**ON_PUBLISH, "name": "scored"}, prefix="/nlp")
    both.publish({"scores.jsonl": lines([{"id": "1", "score": 100}])})
    deliver()
    deliver()
    (run,) = runs_of("scored")
    assert [each.version.number for each in run.further.all()] == [2]
    assert drive(run).state == RunState.DONE
    both.publish({"pages.jsonl": PAGES + PAGES}, OWN)
    deliver()
    assert [each.input_version.number for each in runs_of("scored")] == [1, 2]


def test_plan_and_sample_tell_of_both(both: Mesh) -> None:
    pipeline = save(both)
    found = services.plan_pipeline(both.ana, pipeline.pk)
    assert [each.name for each in found.inputs] == [f"{OWN}/v=1", f"{CODE}/v=1"]
    assert len(found.decisions) == 3
    shown = services.sample_pipeline(both.ana, pipeline.pk, 2)
    assert [row.after and row.after["score"] for row in shown.rows] == [0, None]
    assert Run.objects.count() == 0


def test_rows_of_two_products_come_together(both: Mesh) -> None:
    spec = {
        "version": 1,
        "inputs": [
            {"name": OWN, "mark": {"origin": "own"}},
            {"name": CODE, "mark": {"origin": "code"}},
        ],
        "steps": [{"mixture": {"column": "origin", "weights": {"own": 1, "code": 2}}}],
        "output": {"name": TOKENS},
    }
    pipeline = services.save_pipeline(both.ana, name="mixed", spec=spec)
    run = drive(services.start_run(both.ana, pipeline.pk))
    assert (run.state, run.reason) == (RunState.DONE, "")
    origins = [row["origin"] for row in rows_of(run.output_version)]
    assert (origins.count("own"), origins.count("code")) == (15, 30)
