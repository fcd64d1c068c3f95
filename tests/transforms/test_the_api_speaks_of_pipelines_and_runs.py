"""The HTTP interface of pipelines and runs, as clients and the portal use it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from django.test import Client

from governance.services import add_label, issue_token
from tests.transforms.mesh import CODE, TOKENS, Mesh, drive, lines
from transforms.models import Run

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(30)]
TEXT = """\
version: 1
inputs:
  - name: /src/~/code
steps:
  - filter: {where: [{column: text, min_chars: 14}]}
output:
  name: /nlp/~/tokens
"""


@pytest.fixture
def api(mesh: Mesh) -> Client:
    """Ana's client; the input is published, with a label and a broken line."""
    mesh.publish({"a.jsonl": lines(ROWS) + b"{broken\n"})
    add_label(mesh.carla, name=CODE, label="license:mixed")
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(api: Client, path: str, body: Any = None, **headers: str) -> Any:
    return api.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)


def test_a_pipeline_is_saved_explained_sampled_and_run(api: Client) -> None:
    made = post(api, "pipelines", {"name": "long-texts", "text": TEXT})
    assert made.status_code == 201, made.content
    pipeline = made.json()
    assert (pipeline["inputs"], pipeline["output"]) == ([CODE], TOKENS)
    schema = api.get("/api/v1/pipelines/schema").json()
    jsonschema.validate(pipeline["spec"], schema)
    again = post(api, "pipelines", {"name": "long-texts", "spec": pipeline["spec"]})
    assert again.json()["id"] == pipeline["id"]
    assert api.get(f"/api/v1/pipelines/{pipeline['id']}").json() == again.json()

    plan = post(api, f"pipelines/{pipeline['id']}/plan").json()
    assert plan["inputs"][0]["name"] == f"{CODE}/v=1"
    assert [each["step"] for each in plan["schemas"]] == ["input", "steps[0].filter"]
    assert {each["action"]: each["allow"] for each in plan["verdicts"]} == {
        "transform": True,
        "publish": True,
    }
    assert {"label": "license:mixed", "from": f"{CODE}/v=1"} in plan["labels"]
    assert plan["would_skip"] is None
    assert plan["column_map"]["id"][0]["column"] == "id"

    sample = post(api, f"pipelines/{pipeline['id']}/sample", {"rows": 12}).json()
    assert len(sample["rows"]) == 12
    assert "steps[0].filter" in sample["rows"][0]["dropped_by"]
    assert sample["rows"][11]["after"] == ROWS[11]
    assert len(sample["output"]) == 2

    started = post(api, f"pipelines/{pipeline['id']}/run", **{"Idempotency-Key": "one"})
    assert (started.status_code, started.json()["state"]) == (201, "queued")
    assert started.json()["steps"] is None
    repeated = post(api, f"pipelines/{pipeline['id']}/run", **{"Idempotency-Key": "one"})
    assert repeated.json() == started.json()
    drive(Run.objects.get(pk=started.json()["id"]))

    run = api.get(f"/api/v1/runs/{started.json()['id']}").json()
    assert (run["state"], run["output"]) == ("done", TOKENS)
    assert run["output_version"] == f"{TOKENS}/v=1"
    assert run["rows_in"] == run["rows_out"] + run["quarantined"] + sum(run["dropped"].values())
    assert (run["rows_in"], run["rows_out"], run["quarantined"]) == (31, 20, 1)
    assert run["shards_done"] == run["shards_total"] == 1
    assert "filter" in run["step_seconds"]
    assert run["steps"] == [
        {
            "step": "steps[0].filter",
            "rows_in": 30,
            "rows_out": 20,
            "dropped": {"text.min_chars": 10},
        }
    ]
    kept = api.get(f"/api/v1/runs/{run['id']}/quarantine").json()["rows"]
    assert (kept[0]["raw"], kept[0]["byte_offset"]) == ("{broken", len(lines(ROWS)))
    labels = api.get(f"/api/v1/products?name={TOKENS}").json()["results"][0]["labels"]
    assert "license:mixed" in {each["label"] for each in labels}
    found = api.get("/api/v1/runs?pipeline=long-texts&state=done").json()["results"]
    assert [each["id"] for each in found] == [run["id"]]
    plan = post(api, f"pipelines/{pipeline['id']}/plan").json()
    assert plan["would_skip"] == f"{TOKENS}/v=1"
    assert post(api, f"runs/{run['id']}/cancel").json()["code"] == "conflict"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": "x", "text": "version: ["}, ""),
        ({"name": "x", "text": TEXT.replace("min_chars", "min_char")}, "min_char"),
        ({"name": "x", "spec": {"version": 1}}, "inputs"),
        ({"name": "x"}, ""),
        ({"name": "x", "spec": [], "text": ""}, ""),
    ],
)
def test_a_wrong_document_is_a_problem_that_says_where(
    api: Client, body: dict[str, Any], where: str
) -> None:
    refused = post(api, "pipelines", body)
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    assert any(where in each["where"] for each in refused.json()["errors"])


def test_a_card_is_drafted_of_what_a_run_made(api: Client) -> None:
    pipeline = post(api, "pipelines", {"name": "long-texts", "text": TEXT}).json()
    run = post(api, f"pipelines/{pipeline['id']}/run").json()
    early = api.get(f"/api/v1/runs/{run['id']}/card")
    assert early.status_code == 409
    assert "is queued" in early.json()["detail"]
    drive(Run.objects.get(pk=run["id"]))
    told = api.get(f"/api/v1/runs/{run['id']}/card").json()
    version = Run.objects.select_related("input_version").get(pk=run["id"]).input_version
    assert told["croissant"]["rai:dataCollectionRawData"] == [f"{CODE}/v=1, {version.digest}"]
    (step,) = told["croissant"]["rai:dataPreprocessingProtocol"]
    assert step.startswith("filter 1: Keep the rows that pass every rule")
    assert '"min_chars": 14' in step
    limits = told["croissant"]["rai:dataLimitations"]
    assert "1 records of the source could not be read." in limits
    assert "10 rows of the source (32.3%) were left out; see the reasons." in limits
    assert "Personal data and secrets were not removed." in limits
    assert told["croissant"]["rai:personalSensitiveInformation"] == ["license:mixed"]
    assert "| left out: text.min_chars | 10 |" in told["markdown"]
    assert "| documents kept | 20 |" in told["markdown"]
    assert told["markdown"] == api.get(f"/api/v1/runs/{run['id']}/card").json()["markdown"]
