"""A grant for a purpose lets a run that states it go through, and nothing that does not."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import PolicyDenied
from governance.models import Grant
from governance.services import approve_request, issue_token, request_access, revoke_grant
from tests.transforms.mesh import CLEAN, CODE, TOKENS, Mesh, drive, lines, open_shards
from transforms import services
from transforms.models import Pipeline, RunState

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(60)]
FOR = {"purpose": "model-training"}


@pytest.fixture
def pipeline(mesh: Mesh) -> Pipeline:
    """Ana's pipeline, when all that she has is a grant for model-training."""
    mesh.publish({"a.jsonl": lines(ROWS)})
    revoke_grant(mesh.carla, mesh.grant.pk)
    asked = request_access(mesh.users["ana"], mesh.ana, name=CODE, days=5, **FOR)
    approve_request(mesh.users["carla"], mesh.carla, asked.pk)
    spec: dict[str, Any] = {"version": 1, "inputs": [{"name": CODE}], "steps": CLEAN}
    spec["output"] = {"name": TOKENS}
    with pytest.raises(PolicyDenied):
        services.save_pipeline(mesh.ana, name="clean", spec=spec)
    return services.save_pipeline(mesh.ana, name="clean", spec=spec, **FOR)


def test_every_check_of_a_run_asks_for_its_purpose(mesh: Mesh, pipeline: Pipeline) -> None:
    for purpose in ("", "analytics"):
        with pytest.raises(PolicyDenied):
            services.start_run(mesh.ana, pipeline.pk, purpose=purpose)
        with pytest.raises(PolicyDenied):
            services.plan_pipeline(mesh.ana, pipeline.pk, purpose=purpose)
        with pytest.raises(PolicyDenied):
            services.sample_pipeline(mesh.ana, pipeline.pk, 2, purpose=purpose)
    explained = services.plan_pipeline(mesh.ana, pipeline.pk, **FOR)
    assert all(decision.allow for _, _, decision in explained.decisions)
    assert services.sample_pipeline(mesh.ana, pipeline.pk, 2, **FOR).output
    run = drive(services.start_run(mesh.ana, pipeline.pk, **FOR))
    assert (run.state, run.reason) == (RunState.DONE, "")


def test_the_purpose_is_asked_again_at_each_shard(mesh: Mesh, pipeline: Pipeline) -> None:
    run = services.start_run(mesh.ana, pipeline.pk, **FOR)
    services.advance_run(run.pk)
    revoke_grant(mesh.carla, Grant.objects.live().get(purpose="model-training").pk)
    services.run_shard(open_shards(run)[0])
    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")


def test_the_address_takes_the_purpose(mesh: Mesh, pipeline: Pipeline, client: Any) -> None:
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    path, header = f"/api/v1/pipelines/{pipeline.pk}/", {"Authorization": f"Bearer {secret}"}
    for verb in ("plan", "run"):
        denied = client.post(path + verb, {}, "application/json", headers=header)
        assert denied.status_code == 403
    assert client.post(path + "plan", FOR, "application/json", headers=header).status_code == 200
    started = client.post(path + "run", FOR, "application/json", headers=header)
    assert (started.status_code, started.json()["purpose"]) == (201, "model-training")
