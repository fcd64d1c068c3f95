"""From a pipeline's document to what its run made of every row, in the browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.builders import World
from tests.e2e import piped
from tests.e2e.piped import CLEAN, RAW
from tests.e2e.portal import Visit
from tests.e2e.turns import TURN
from tests.transforms.mesh import drive
from transforms.engine.spec import load, read_spec
from transforms.models import Pipeline, Run
from transforms.services import start_run

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


@pytest.fixture
def pipeline(mesh: World, settings: Any) -> Pipeline:
    return piped.lay_pipe(mesh, settings)


def test_a_plan_that_denies_its_output_says_whom_to_ask(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    mesh.grant(mesh.ben, RAW)
    visit.sign_in(mesh.ben)
    page = visit.open(f"/pipelines/{pipeline.pk}?tab=plan")
    rows = page.get_by_role("region", name="Verdicts").last.get_by_role("row")
    expect(rows.filter(has_text="transform")).to_contain_text("allowed")
    expect(rows.filter(has_text="publish")).to_contain_text("denied")
    page.get_by_role("link", name="See whose it is").click()
    expect(page.get_by_role("heading", name="clean", exact=True)).to_be_visible()
    expect(page.get_by_text("Owner", exact=True)).to_be_visible()


def test_a_pipeline_is_found_read_tried_and_run(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines")
    page.get_by_label("Search pipelines").fill("nothing of it")
    expect(page.get_by_text("No pipeline holds “nothing of it”.")).to_be_visible()
    page.get_by_label("Search pipelines").fill(RAW)
    expect(page).to_have_url(re.compile(r"\?q=/acme/nlp/~/raw$"))
    line = page.get_by_role("row").filter(has_text="clean-texts")
    expect(line).to_contain_text("never")
    line.get_by_role("link", name="clean-texts").click()
    page.get_by_role("region", name="Document of the pipeline").wait_for()
    text = page.get_by_label("Document of the pipeline").locator("pre").last.inner_text()
    assert load(text) == read_spec(pipeline.spec)

    page.get_by_role("tab", name="Plan").click()
    verdicts = page.get_by_role("region", name="Verdicts").last
    expect(verdicts.get_by_role("row").filter(has_text="transform")).to_contain_text("allowed")
    expect(page.get_by_text("license:mixed")).to_be_visible()
    columns = page.get_by_role("region", name="Columns, step by step").last
    expect(columns.get_by_role("row").filter(has_text="steps[0]")).to_contain_text("the same")
    made = columns.get_by_role("row").filter(has_text="steps[3]")
    expect(made).to_contain_text("new input_ids list<int32>")
    expect(made).to_contain_text("gone text")

    page.get_by_role("tab", name="Sample").click()
    page.get_by_label("Rows").fill("6")
    page.get_by_role("button", name="Show what becomes of them").click()
    expect(page).to_have_url(re.compile(r"tab=sample.*rows=6|rows=6.*tab=sample"))
    told = "Of 6 rows 2 kept, 4 dropped by steps[0].filter: too short: yes"
    expect(page.get_by_text(told)).to_be_visible()
    fifth = page.get_by_role("region", name="Values of row 5")
    expect(fifth.get_by_role("row").filter(has_text="input_ids")).to_contain_text("new")
    expect(fifth.get_by_role("row").filter(has_text="id").first).to_contain_text("the same")

    page.get_by_label("Purpose").select_option("analytics")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", name="Run of clean-texts")).to_be_visible()
    expect(page.get_by_text("asked for by ana for analytics")).to_be_visible()
    with TURN:
        drive(Run.objects.get())
    expect(page.get_by_role("tab", name="Set aside (1)")).to_be_visible()
    rows_are_accounted_for(page)


def test_a_plan_tells_the_work_that_is_left_and_what_it_may_cost(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open(f"/pipelines/{pipeline.pk}?tab=plan")
    work = page.get_by_role("region", name="Work and cost").first
    expect(work).to_contain_text("No run of this pipeline is done yet")
    expect(work).to_contain_text("0 of 1 shard")
    work.get_by_text("1 shard", exact=True).click()
    expect(work.get_by_role("row").filter(has_text="part-0.jsonl")).to_contain_text("no")
    with TURN:
        run = piped.run_through(mesh, pipeline)
    page.reload()
    expect(work).to_contain_text("One core would take")
    work.get_by_role("link", name="the last run").click()
    expect(page).to_have_url(re.compile(str(run.pk)))


def rows_are_accounted_for(page: Page) -> None:
    went = page.get_by_role("region", name="Where the rows went").last
    for what, rows in (
        ("kept", piped.KEPT),
        ("dropped: too short: yes", piped.SHORT),
        ("dropped: duplicate", piped.AGAIN),
        ("set aside: could not be read", piped.BROKEN),
        ("together: the rows in", piped.KEPT + piped.SHORT + piped.AGAIN + piped.BROKEN),
    ):
        line = went.get_by_role("row", name=re.compile(f"^{re.escape(what)} {rows} "))
        expect(line).to_have_count(1)


def test_a_run_tells_its_statistics_its_quarantine_and_its_card(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    piped.run_through(mesh, pipeline)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/p{CLEAN}")
    expect(page.get_by_role("link", name="clean-texts")).to_be_visible()
    page.get_by_role("link", name="a run", exact=True).click()
    page.get_by_role("tab", name="Statistics").click()
    lengths = page.get_by_role("region", name="Lengths of documents").last
    documents = lengths.get_by_role("cell").filter(has_text=re.compile(r"^\d+$"))
    expect(documents.first).to_be_visible()
    assert sum(int(text) for text in documents.all_inner_texts()) == piped.KEPT
    languages = page.get_by_role("region", name="Languages").last
    expect(languages.get_by_role("row", name=re.compile("English"))).to_contain_text("English (en)")

    page.get_by_role("tab", name="Set aside").click()
    aside = page.get_by_role("region", name="Records that could not be read").last
    expect(aside.get_by_role("row").filter(has_text="part-0.jsonl")).to_contain_text("{broken")

    page.get_by_role("tab", name="Dataset card").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download clean.md").click()
    kept = Path(downloading.value.path()).read_text()
    assert f"# {CLEAN}/v=1" in kept
    assert page.locator("pre").first.inner_text().strip() == kept.strip()


def test_a_run_is_cancelled_and_taken_up_again_when_confirmed(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    run = start_run(mesh.ana.principal, pipeline.pk)
    visit.sign_in(mesh.ana)
    page = visit.open("/jobs?kind=runs")
    page.get_by_role("link", name="All of this run of clean-texts").click()
    expect(page.get_by_role("heading", name="Run of clean-texts")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Give up what it has made?").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("cancelled")
    page.get_by_role("button", name="Retry").click()
    with TURN:
        assert Run.objects.get(pk=run.pk).state == "cancelled"
    page.get_by_role("button", name="Take it up again?").click()
    expect(main).to_contain_text("queued")
    with TURN:
        assert Run.objects.get(pk=run.pk).state == "queued"


def test_who_may_not_use_the_input_is_told_why_and_where_to_ask(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    visit.sign_in(mesh.ben)
    page = visit.open(f"/pipelines/{pipeline.pk}?tab=plan")
    expect(page.get_by_role("link", name=f"Ask for access to {RAW}")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("alert").filter(has_text="transform").first).to_be_visible()
    with TURN:
        assert not Run.objects.exists()


def test_who_has_no_pipeline_learns_how_to_make_one(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines")
    expect(page.get_by_role("heading", name="No pipeline yet")).to_be_visible()
    lines = page.get_by_label("How to make a pipeline").inner_text()
    document = lines.split("<<'END'\n")[1].split("\nEND\n")[0]
    assert load(document).output.name == "/acme/nlp/~/clean"
