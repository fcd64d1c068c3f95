"""Signing in by the form, from where one was, and out again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.portal import WIKI, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


def test_after_signing_in_one_is_where_one_was(visit: Visit) -> None:
    page = visit.open("/jobs")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    page.get_by_role("button", name="Signed in as ana").click()
    expect(page.get_by_text("Nlp · owner")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_told_in_the_form(visit: Visit) -> None:
    page = visit.open("/sign-in")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password", exact=True).fill("something else")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil"])
def test_an_address_of_another_place_is_not_followed(visit: Visit, elsewhere: str) -> None:
    page = visit.open(f"/sign-in?next={elsewhere}")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Discover data products")
    assert page.url == f"{visit.url}/"


def test_a_stranger_sees_a_product_as_absent(visit: Visit) -> None:
    page = visit.open(f"/p{WIKI}")
    expect(page.get_by_role("alert")).to_contain_text("or you may not know of it")
