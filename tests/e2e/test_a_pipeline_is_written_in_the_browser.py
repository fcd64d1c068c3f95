"""A document is written, mended where it is wrong, tried and saved; what is not saved stays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.builders import World
from tests.e2e import piped
from tests.e2e.piped import CLEAN, DOCUMENT, RAW
from tests.e2e.portal import WIKI, Visit, serious
from tests.e2e.turns import TURN
from transforms.engine.spec import load, read_spec
from transforms.models import Pipeline, Run
from transforms.services import start_run

pytestmark = [pytest.mark.e2e, pytest.mark.looks]

FIELD = "Document, in YAML"
WRONG = DOCUMENT.replace("min_chars", "min_char")


@pytest.fixture
def pipeline(mesh: World, settings: Any) -> Pipeline:
    return piped.lay_pipe(mesh, settings)


def test_a_document_is_mended_tried_and_run(visit: Visit, mesh: World, pipeline: Pipeline) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines")
    page.get_by_role("link", name="Write a pipeline").click()
    field = page.get_by_label(FIELD)
    assert load(field.input_value()).output.name == CLEAN
    field.fill(WRONG)
    field.press("Control+Enter")
    wrong = page.get_by_role("region", name="What is wrong")
    expect(wrong).to_contain_text("Did you mean min_chars?")
    expect(page.get_by_role("status")).to_contain_text("2 problems, the first in line 4.")
    expect(field).to_have_attribute("aria-invalid", "true")
    wrong.get_by_role("button", name="Line 4").first.click()
    expect(field).to_be_focused()
    assert selected(page) == WRONG.splitlines()[3]
    assert serious(page) == []

    field.fill(DOCUMENT)
    expect(wrong).to_contain_text("before your last change")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Nothing stands in the way of saving it.")).to_be_visible()
    expect(field).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Plan").click()
    verdicts = page.get_by_role("region", name="Verdicts").last
    expect(verdicts.get_by_role("row").filter(has_text="publish")).to_contain_text("allowed")
    page.get_by_label("Rows").fill("6")
    page.get_by_role("button", name="Sample").click()
    told = "Of 6 rows 2 kept, 4 dropped by steps[0].filter: too short: yes"
    expect(page.get_by_text(told)).to_be_visible()
    assert serious(page) == []
    with TURN:
        assert Pipeline.objects.get() == pipeline, "nothing was saved"

    page.get_by_label("Name").fill("clean-again")
    page.get_by_label("Purpose").select_option("analytics")
    page.get_by_role("button", name="Save and run").click()
    expect(page.get_by_role("heading", name="Run of clean-again")).to_be_visible()
    with TURN:
        run = Run.objects.select_related("pipeline").get()
    assert (run.pipeline.name, run.purpose) == ("clean-again", "analytics")
    assert read_spec(run.spec) == load(DOCUMENT)


def test_a_plan_over_two_inputs_tells_of_which_one_a_column_is(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines/new")
    page.get_by_label(FIELD).fill(
        f"""\
version: 1
inputs:
  - {{name: {RAW}, files: "*.jsonl"}}
  - {{name: {WIKI}, files: "*.csv", alias: cities}}
steps:
  - rename: {{columns: {{text: city}}}}
  - join: {{input: cities, keys: [city], columns: [people]}}
output: {{name: {CLEAN}}}
"""
    )
    page.get_by_role("button", name="Plan").click()
    would = page.get_by_role("region", name="What a run would do")
    expect(would).to_contain_text(f"{RAW}/v=1")
    expect(would).to_contain_text(f"{WIKI}/v=1")
    made = page.get_by_role("region", name="What the columns are made of").last
    people = made.get_by_role("row").filter(has_text=re.compile("^people"))
    expect(people).to_contain_text(f"people of {WIKI}/v=1 identity")


def selected(page: Page) -> str:
    """Return what is selected in the field that has the focus."""
    found = page.evaluate(
        "(({value, selectionStart, selectionEnd}) => value.slice(selectionStart, selectionEnd))"
        "(document.activeElement)"
    )
    return str(found)


def test_what_is_not_saved_outlives_a_reload_and_leaving_asks(visit: Visit, mesh: World) -> None:
    asked: list[str] = []
    stay = True

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if stay and dialog.type == "confirm":
            dialog.dismiss()
        else:
            dialog.accept()

    visit.page.on("dialog", answer)
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines/new")
    page.get_by_label(FIELD).fill("version: 1 # mine")
    page.get_by_label("Name").fill("mine")
    page.reload()
    expect(page.get_by_label(FIELD)).to_have_value("version: 1 # mine")
    expect(page.get_by_label("Name")).to_have_value("mine")
    assert asked == ["beforeunload"]

    page.get_by_role("link", name="All pipelines").click()
    expect(page).to_have_url(re.compile("/pipelines/new$"))
    stay = False
    page.get_by_role("link", name="All pipelines").click()
    expect(page.get_by_role("heading", name="No pipeline yet")).to_be_visible()
    assert asked == ["beforeunload", "confirm", "confirm"]

    page.get_by_role("link", name="Write one here").click()
    expect(page.get_by_label(FIELD)).to_have_value("version: 1 # mine")
    page.get_by_role("button", name="Begin again").click()
    page.get_by_role("button", name="Drop what you wrote?").click()
    expect(page.get_by_label(FIELD)).to_have_value(re.compile("min_chars"))
    page.get_by_role("link", name="All pipelines").click()
    expect(page.get_by_role("heading", name="No pipeline yet")).to_be_visible()
    assert len(asked) == 3, "nothing was left behind"


def test_who_writes_more_than_the_browser_keeps_is_told(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/pipelines/new")
    page.evaluate(
        """() => {
          for (let size = 2 ** 22; size >= 1; size /= 2) {
            try {
              for (let n = 0; ; n++) sessionStorage.setItem(`${size} ${n}`, "x".repeat(size));
            } catch (error) {
              if (error.name !== "QuotaExceededError") throw error;
            }
          }
        }"""
    )
    page.get_by_label(FIELD).fill(DOCUMENT)
    expect(page.get_by_text("This browser does not keep it: a reload loses it.")).to_be_visible()
    page.evaluate("sessionStorage.clear()")
    page.get_by_label(FIELD).fill(WRONG)
    expect(page.get_by_text("This window keeps it over a reload.")).to_be_visible()


def test_the_next_revision_begins_with_the_last(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open(f"/pipelines/{pipeline.pk}")
    page.get_by_role("link", name="Write the next revision").click()
    expect(page.get_by_role("heading", name="Next revision of clean-texts")).to_be_visible()
    field = page.get_by_label(FIELD)
    text = field.input_value()
    assert load(text) == read_spec(pipeline.spec)
    expect(page.get_by_text("Saved as the next revision: clean-texts is at 1 now.")).to_be_visible()
    field.fill(text.replace("min_chars: 20", "min_chars: 30"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("revision 2")).to_be_visible()
    with TURN:
        saved = Pipeline.objects.get()
    assert saved.spec["steps"][0]["filter"]["where"][0]["min_chars"] == 30
    page.get_by_role("link", name="Write the next revision").click()
    expect(page.get_by_label(FIELD)).to_have_value(re.compile("min_chars: 30"))
    expect(page.get_by_text("Not saved.")).to_have_count(0)


def test_what_is_refused_tells_the_way_on(visit: Visit, mesh: World, pipeline: Pipeline) -> None:
    with TURN:
        start_run(mesh.ana.principal, pipeline.pk)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/pipelines/new?from={pipeline.pk}")
    page.get_by_role("button", name="Save and run").click()
    told = "It is saved as revision 1 of clean-texts, and no run was queued."
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("is running over")

    visit.forget()
    visit.sign_in(mesh.ben)
    page = visit.open("/pipelines/new")
    page.get_by_label(FIELD).fill(DOCUMENT)
    page.get_by_role("button", name="Sample").click()
    expect(page.get_by_role("alert")).to_contain_text("transform")
    expect(page.get_by_role("link", name=f"Ask for access to {RAW}")).to_be_visible()
