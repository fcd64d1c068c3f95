"""A run tells the rows of each step, and in what it differs from another one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.builders import World
from tests.e2e import piped
from tests.e2e.portal import Visit
from transforms.models import Pipeline, Run
from transforms.services import save_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


@pytest.fixture
def pipeline(mesh: World, settings: Any) -> Pipeline:
    return piped.lay_pipe(mesh, settings)


def run_stricter(world: World, pipeline: Pipeline) -> Run:
    """Have Ana save a revision that keeps longer texts only, and run it."""
    text = piped.DOCUMENT.replace("min_chars: 20", "min_chars: 60")
    return piped.run_through(
        world, save_pipeline(world.ana.principal, name=pipeline.name, text=text)
    )


def row(page: Page, table: str, begins: str) -> Any:
    found = page.get_by_role("region", name=table).last
    return found.get_by_role("row", name=re.compile(f"^{re.escape(begins)}"))


def test_the_rows_of_each_step_are_told(visit: Visit, mesh: World, pipeline: Pipeline) -> None:
    run = piped.run_through(mesh, pipeline)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}")
    read = piped.KEPT + piped.SHORT + piped.AGAIN
    longer = read - piped.SHORT
    for line in (
        f"steps[0].filter {read} {longer} {piped.SHORT} too short: yes",
        f"steps[1].dedup_exact {longer} {piped.KEPT} {piped.AGAIN} duplicate",
        f"steps[3].tokenise {piped.KEPT} {piped.KEPT} none",
    ):
        expect(row(page, "Rows, step by step", line)).to_have_count(1)


def test_a_run_is_compared_with_another_one_of_its_pipeline(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    first = piped.run_through(mesh, pipeline)
    second = run_stricter(mesh, pipeline)
    assert first.report is not None
    assert second.report is not None
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{second.pk}")
    page.get_by_role("link", name="Compare with…").click()
    expect(page.get_by_role("heading", name="Choose the other run")).to_be_visible()
    page.get_by_label("Compare with another run of clean-texts").select_option(str(first.pk))
    expect(page).to_have_url(re.compile(f"/runs/{second.pk}/compare\\?with={first.pk}$"))
    expect(page.get_by_role("status").filter(has_text="The results differ.")).to_have_text(
        "The results differ. What differs before them: the document."
    )
    place = "steps[0].filter.where[0].min_chars"
    expect(row(page, "Document", f"{place} 20 60 +40")).to_have_count(1)
    expect(page.get_by_text("Both read the same versions.")).to_be_visible()
    before, after = first.report["documents"], second.report["documents"]
    counted = row(page, "Rows and counts", f"documents {before} {after} {after - before}")
    expect(counted).to_have_count(1)
    expect(row(page, "Files that differ", "part-")).to_have_count(1)


def test_a_run_is_compared_with_any_by_its_id(
    visit: Visit, mesh: World, pipeline: Pipeline
) -> None:
    run = piped.run_through(mesh, pipeline)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}/compare")
    field = page.get_by_label("Or with any run, by its id")
    field.fill("no id")
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(re.compile("/compare$"))
    field.fill(str(run.pk))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("The results are equal, file by file.")).to_be_visible()
    expect(page.get_by_text("All counts are equal.")).to_be_visible()
    page.get_by_label("Or with any run, by its id").fill("0190e5a0-0000-7000-8000-000000000000")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no such run")
