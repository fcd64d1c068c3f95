"""Searching, filtering and going back: the address says what is shown."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.builders import World
from tests.e2e.portal import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


@pytest.fixture(autouse=True)
def signed_in(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ben)


def test_a_search_marks_its_words_and_is_in_the_address(visit: Visit) -> None:
    page = visit.open("/")
    page.keyboard.press("/")
    page.keyboard.type("portugal cities")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visit.url}/?q=portugal+cities")
    first = page.get_by_role("list").get_by_role("listitem").filter(has_text="wiki").first
    expect(first.locator("mark").first).to_have_text("Cities")
    expect(first).to_contain_text("Matches “portugal”, “cities”")
    expect(page).to_have_title("portugal cities · Discover · Fairmesh")


def test_a_filter_narrows_and_going_back_widens(visit: Visit) -> None:
    page = visit.open("/")
    expect(page.get_by_role("status")).to_contain_text("3 products")
    page.get_by_role("complementary").get_by_role("link", name="MIT").click()
    expect(page).to_have_url(re.compile(r"\?license=MIT$"))
    expect(page.get_by_role("status")).to_contain_text("1 product")
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("3 products")


def test_a_misspelt_word_is_repaired_and_told(visit: Visit) -> None:
    page = visit.open("/?q=portugql")
    expect(page.get_by_role("link", name="portugal", exact=True)).to_be_visible()


def test_suggestions_are_reached_by_the_arrow_keys(visit: Visit) -> None:
    page = visit.open("/jobs")
    page.keyboard.press("Control+K")
    page.keyboard.type("tok")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = page.get_by_role("option", selected=True).inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_have_value(chosen)
    expect(page.get_by_role("heading", level=1)).to_have_text("Discover data products")


def test_markup_in_a_description_stays_text(visit: Visit, mesh: World) -> None:
    mesh.add_product("/acme/nlp/~/odd", description="<img src=x onerror=alert(1)> & <mark>odd")
    page = visit.open("/?q=odd")
    expect(page.get_by_text("<img src=x onerror=alert(1)> & <mark>")).to_be_visible()


def test_nothing_found_says_what_to_do(visit: Visit) -> None:
    page = visit.open("/?q=zzzzzz&license=MIT")
    page.get_by_role("link", name="Search without filters").click()
    expect(page.get_by_role("heading", name="Nothing holds “zzzzzz”")).to_be_visible()
