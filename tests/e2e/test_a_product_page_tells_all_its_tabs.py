"""Every tab of a product shows what the API says, and has an address of its own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.builders import World, deliver
from tests.e2e.portal import SECRET, TOKENS, WIKI, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


@pytest.fixture
def page_of(visit: Visit, mesh: World) -> Page:
    visit.sign_in(mesh.ana)
    return visit.open(f"/p{WIKI}")


def test_the_strip_and_the_overview(page_of: Page) -> None:
    expect(page_of.get_by_role("heading", level=1)).to_have_text("wiki")
    expect(page_of).to_have_title("wiki · Fairmesh")
    expect(page_of.get_by_text("2 at 2 sites")).to_be_visible()
    expect(page_of.get_by_text("Counted every ten years.")).to_be_visible()
    expect(page_of.get_by_role("row", name="people")).to_be_visible()
    expect(page_of.get_by_text(f"fairmesh get {WIKI}")).to_be_visible()
    expect(page_of.get_by_role("link", name="Landing page")).to_have_attribute("href", f"/n{WIKI}")


def test_versions_open_their_files(page_of: Page) -> None:
    page_of.get_by_role("tab", name="Versions").click()
    page_of.get_by_role("button", name="Files of v=1").click()
    expect(page_of).to_have_url(re.compile(r"tab=versions&version=1$"))
    expect(page_of.get_by_text("notes/läs mich.txt")).to_be_visible()
    page_of.reload()
    expect(page_of.get_by_text("notes/läs mich.txt")).to_be_visible()


def test_replicas_say_where_and_what_was_moved(page_of: Page) -> None:
    page_of.get_by_role("tab", name="Replicas").click()
    copies = page_of.get_by_role("region", name="Copies")
    expect(copies.get_by_role("row", name="store-us core-us US")).to_contain_text("complete")
    moves = page_of.get_by_role("region", name="Moves", exact=True).first
    expect(moves.get_by_text("two-copies").first).to_be_visible()
    expect(page_of.get_by_text("Nothing is to be moved")).to_be_visible()


def test_a_refused_copy_names_its_policy_and_reason(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.carla)
    page = visit.open(f"/p{SECRET}?tab=replicas")
    plan = page.get_by_role("region", name="What the policies ask for")
    expect(plan.get_by_text("eu-only").first).to_be_visible()
    expect(page.get_by_text("refused").first).to_be_visible()


def test_the_preview_shows_rows(page_of: Page) -> None:
    page_of.get_by_role("tab", name="Preview").click()
    expect(page_of.get_by_role("row", name="Lisbon 545000")).to_be_visible()


def test_lineage_is_drawn_and_listed(page_of: Page) -> None:
    page_of.get_by_role("tab", name="Lineage").click()
    graph = page_of.get_by_role("region", name="Lineage graph")
    expect(graph.get_by_role("link", name=TOKENS)).to_be_visible()
    page_of.get_by_role("radiogroup", name="Show lineage as").get_by_text("Table").click()
    expect(page_of).to_have_url(re.compile("view=table"))
    page_of.get_by_role("region", name="Lineage").get_by_role("link", name=TOKENS).first.click()
    expect(page_of.get_by_role("heading", level=1)).to_have_text("tokens")


def test_lineage_hides_what_one_may_not_know_of(visit: Visit, mesh: World) -> None:
    mesh.add_product("/acme/nlp/~/hush", visibility="team")
    mesh.publish("/acme/nlp/~/hush", {"a.csv": b"x\n1\n"}, "store-eu", inputs=[f"{WIKI}/v=1"])

    deliver()
    visit.sign_in(mesh.ben)
    page = visit.open(f"/p{WIKI}?tab=lineage&view=table")
    expect(page.get_by_text("hidden from you").first).to_be_visible()
    assert "hush" not in page.content()
