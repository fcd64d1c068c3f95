"""Plan and run say which input gives the rows and which one is only looked up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.builders import World
from tests.e2e import piped
from tests.e2e.piped import AUTHORS, CLEAN, RAW
from tests.e2e.portal import WIKI, Visit
from transforms.models import Pipeline
from transforms.services import save_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.looks]

MIXED = f"""\
version: 1
inputs:
  - {{name: {RAW}, files: "*.jsonl", mark: {{origin: raw}}}}
  - {{name: {WIKI}, files: "*.csv", mark: {{origin: wiki}}}}
steps:
  - mixture: {{column: origin, weights: {{raw: 2, wiki: 1}}}}
output: {{name: {CLEAN}}}
"""
LOOKED_UP = (
    f"{AUTHORS}/v=1 is only looked up, by steps[1].join: "
    "its rows do not go through the steps, and are counted apart."
)


@pytest.fixture
def joined(mesh: World, settings: Any) -> Pipeline:
    piped.lay_pipe(mesh, settings)
    return piped.lay_join(mesh)


def figure(page: Page, panel: str, term: str) -> Any:
    """Return the value that stands under a term in a panel of figures."""
    pairs = page.get_by_role("region", name=panel).locator("dl > div")
    exactly = page.get_by_text(term, exact=True)
    return pairs.filter(has=exactly).get_by_role("definition")


def test_the_plan_says_what_is_only_looked_up(visit: Visit, mesh: World, joined: Pipeline) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open(f"/pipelines/{joined.pk}?tab=plan")
    would = page.get_by_role("region", name="What a run would do")
    expect(would.get_by_role("paragraph")).to_have_text(LOOKED_UP)


def test_a_run_tells_the_rows_that_it_looked_up(
    visit: Visit, mesh: World, joined: Pipeline
) -> None:
    run = piped.run_through(mesh, joined)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}")
    expect(page.get_by_text(LOOKED_UP)).to_be_visible()
    read = piped.KEPT + piped.SHORT + piped.AGAIN + piped.BROKEN
    for term, value in (
        ("Rows in", read),
        ("Rows looked up", piped.KNOWN + 1),
        ("Set aside of those", 1),
        ("Rows out", piped.KNOWN),
    ):
        expect(figure(page, "In and out", term)).to_have_text(str(value))
    steps = page.get_by_role("region", name="Rows, step by step").last
    once = piped.KEPT + piped.SHORT
    line = f"steps[1].join {once} {piped.KNOWN} {once - piped.KNOWN} unmatched"
    expect(steps.get_by_role("row", name=re.compile(re.escape(line)))).to_have_count(1)

    page.get_by_role("tab", name="Set aside (2)").click()
    aside = page.get_by_role("region", name="Records that could not be read").last
    for file in ("part-0.jsonl", "authors.jsonl"):
        expect(aside.get_by_role("row").filter(has_text=file)).to_contain_text("{broken")


def test_what_only_a_looked_up_input_set_aside_is_shown(
    visit: Visit, mesh: World, joined: Pipeline
) -> None:
    mesh.publish(RAW, {"part-0.jsonl": b'{"id": 1, "text": "one"}\n'}, "store-eu")
    run = piped.run_through(mesh, joined)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}?tab=aside")
    expect(page.get_by_role("tab", name="Set aside (1)")).to_be_visible()
    aside = page.get_by_role("region", name="Records that could not be read").last
    expect(aside.get_by_role("row").filter(has_text="authors.jsonl")).to_have_count(1)


def test_inputs_that_are_mixed_both_give_their_rows(
    visit: Visit, mesh: World, settings: Any
) -> None:
    piped.lay_pipe(mesh, settings)
    mixed = save_pipeline(mesh.ana.principal, name="mixed", text=MIXED)
    run = piped.run_through(mesh, mixed)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/runs/{run.pk}")
    went = page.get_by_role("region", name="Where the rows went").last
    dropped = went.get_by_role("row", name=re.compile("^dropped: beyond_its_share"))
    expect(dropped).to_have_count(1)
    for name in (f"{RAW}/v=1", f"{WIKI}/v=1"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_text("only looked up")).to_have_count(0)
    page.get_by_role("link", name="mixed").click()
    expect(page.get_by_role("cell", name="raw/v=1, wiki/v=1")).to_be_visible()
