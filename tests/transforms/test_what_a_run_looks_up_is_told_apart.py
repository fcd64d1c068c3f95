"""An input that a step looks up is told apart from one of rows, in the plan and in the run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.services import issue_token
from tests.transforms.mesh import CODE, OWN, TOKENS, Mesh, drive, lines
from transforms.models import Pipeline, Run
from transforms.services import save_pipeline, start_run

PAGES = lines([{"id": str(n), "text": f"page {n}"} for n in range(12)])
SCORES = lines([{"id": str(n), "score": n} for n in range(7)])
JOIN = {"join": {"input": "scores", "keys": ["id"], "columns": ["score"]}}


@pytest.fixture
def api(mesh: Mesh) -> Client:
    """Ana's client; pages of her own, and scores of which one cannot be read."""
    mesh.publish({"pages.jsonl": PAGES}, OWN)
    mesh.publish({"scores.jsonl": SCORES + b"{broken\n"})
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def save(mesh: Mesh, *further: dict[str, Any], alias: dict[str, Any]) -> Pipeline:
    spec = {
        "version": 1,
        "inputs": [{"name": OWN}, {"name": CODE, **alias}],
        "steps": [{"filter": {"where": [{"column": "text", "not_null": True}]}}, *further],
        "output": {"name": TOKENS},
    }
    return save_pipeline(mesh.ana, name="scored", spec=spec)


def looked_up(api: Client, run: Run) -> Any:
    return api.get(f"/api/v1/runs/{run.pk}").json()["looked_up"]


def test_the_plan_names_the_steps_that_look_an_input_up(api: Client, mesh: Mesh) -> None:
    pipeline = save(mesh, JOIN, alias={"alias": "scores"})
    plan = api.post(f"/api/v1/pipelines/{pipeline.pk}/plan", {}, "application/json").json()
    told = {each["name"]: each["looked_up_by"] for each in plan["inputs"]}
    assert told == {f"{OWN}/v=1": [], f"{CODE}/v=1": ["steps[1].join"]}


def test_the_run_tells_what_it_read_of_it_when_it_is_done(api: Client, mesh: Mesh) -> None:
    run = start_run(mesh.ana, save(mesh, JOIN, alias={"alias": "scores"}).pk)
    inputs = [{"name": f"{CODE}/v=1", "steps": ["steps[1].join"]}]
    assert looked_up(api, run) == {"inputs": inputs, "rows": None, "quarantined": None}
    run = drive(run)
    assert looked_up(api, run) == {"inputs": inputs, "rows": 8, "quarantined": 1}
    told = api.get(f"/api/v1/runs/{run.pk}").json()
    assert (told["rows_in"], told["quarantined"]) == (12, 0)


def test_two_inputs_of_rows_are_looked_up_by_nothing(api: Client, mesh: Mesh) -> None:
    run = drive(start_run(mesh.ana, save(mesh, alias={"alias": "scores"}).pk))
    assert looked_up(api, run) is None
