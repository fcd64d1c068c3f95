"""A run that was cancelled or refused says why, what is left of it, and what can be done."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.builders import World
from tests.e2e import piped
from tests.e2e.piped import CLEAN, RAW
from tests.e2e.portal import SECRET, Visit
from tests.transforms.mesh import drive
from transforms.models import Pipeline, RunState
from transforms.services import cancel_run, save_pipeline, start_run

pytestmark = [pytest.mark.e2e, pytest.mark.looks]

VISITED = f"""\
version: 1
inputs:
  - {{name: {RAW}, files: "*.jsonl", mark: {{origin: raw}}}}
  - {{name: {SECRET}, mark: {{origin: visits}}}}
steps:
  - mixture: {{column: origin, weights: {{raw: 1, visits: 1}}}}
output: {{name: {CLEAN}}}
"""


@pytest.fixture
def pipeline(mesh: World, settings: Any) -> Pipeline:
    return piped.lay_pipe(mesh, settings)


def test_a_cancelled_run_says_that_it_would_begin_anew(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    run = start_run(mesh.ana.principal, pipeline.pk, purpose="analytics")
    cancel_run(mesh.ana.principal, run.pk)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}")
    main = page.get_by_role("main")
    expect(main).to_contain_text("ana asked for it.")
    expect(page.get_by_role("heading", name="It ended without a result")).to_be_visible()
    expect(main).to_contain_text("“Retry” begins anew.")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    page.get_by_role("link", name="The plan").click()
    expect(page.get_by_role("region", name="What a run would do")).to_be_visible()
    expect(page.get_by_label("Purpose")).to_have_value("analytics")


def test_a_run_whose_grant_ended_leads_to_the_one_input_that_is_refused(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    grant = mesh.grant(mesh.ana, SECRET)
    visited = save_pipeline(mesh.ana.principal, name="visited", text=VISITED)
    run = start_run(mesh.ana.principal, visited.pk)
    grant.delete()
    run = drive(run)
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}")
    main = page.get_by_role("main")
    expect(main).to_contain_text(f"ana may not transform {SECRET} any more.")
    expect(main).to_contain_text("“Retry” goes on with the shards that are not done.")
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("button", name="Take it up again?").click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text(f"You may not transform {SECRET}.")
    expect(refused.get_by_role("link")).to_have_text(f"Ask for access to {SECRET}")

    page.get_by_role("link", name="The plan").click()
    ask = page.get_by_role("main").get_by_role("link", name="Ask for access")
    expect(ask).to_have_text([f"Ask for access to {SECRET}"])
    ask.click()
    expect(page.get_by_role("form", name="Ask for access")).to_be_visible()
