"""Every page in both colour schemes: axe finds nothing serious, and few requests are made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.builders import World
from tests.e2e.portal import FRONTEND, SECRET, TOKENS, WIKI, Visit, ask_for_copy, carried

pytestmark = pytest.mark.e2e

PAGES = [
    ("ben", "/"),
    ("ben", "/?q=portugal+cities&license=CC-BY-4.0"),
    ("ben", "/?q=zzzz"),
    ("", "/sign-in"),
    ("", "/jobs"),
    ("ana", f"/p{WIKI}"),
    ("ana", f"/p{WIKI}?tab=versions&version=1"),
    ("carla", f"/p{SECRET}?tab=replicas"),
    ("ana", f"/p{WIKI}?tab=preview"),
    ("ana", f"/p{WIKI}?tab=lineage"),
    ("ana", f"/p{WIKI}?tab=lineage&view=table"),
    ("ana", f"/p{TOKENS}?tab=access"),
    ("ben", f"/p{TOKENS}?tab=access"),
    ("ben", f"/p{TOKENS}?tab=preview"),
    ("ben", "/p/acme/~/nothing"),
    ("ana", "/jobs"),
    ("ana", "/nowhere"),
    ("ana", "/account"),
    ("", "/accounts/login/"),
    ("ana", "/accounts/2fa/"),
    ("ana", "/accounts/sessions/"),
    ("ana", "/accounts/password/change/"),
]
MOST_REQUESTS = 6
WIDTHS = {"wide": 1400, "narrow": 400}


def serious(page: Page) -> list[dict[str, Any]]:
    """Return what axe calls serious or critical on the page as it is."""
    page.evaluate((FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {"rule": one["id"], "where": [node["html"][:200] for node in one["nodes"]][:3]}
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_hard_to_use(visit: Visit, mesh: World, scheme: Any) -> None:
    carried(ask_for_copy(mesh, f"{TOKENS}/v=1", "store-us"), 400)
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for who, path in PAGES:
        visit.page.context.clear_cookies()
        if who:
            visit.sign_in(mesh.people[who])
        page = visit.open(path)
        assert page.get_by_role("heading", level=1).count() == 1, path
        assert page.title().endswith("Fairmesh"), path
        if problems := serious(page):
            found[f"{who} {path}"] = problems
    assert found == {}, json.dumps(found, indent=1)


def test_no_first_view_asks_for_much(visit: Visit, mesh: World) -> None:
    for who, path in PAGES:
        visit.page.context.clear_cookies()
        if who:
            visit.sign_in(mesh.people[who])
        visit.asked.clear()
        visit.page.goto(visit.url + path)
        visit.page.wait_for_load_state("networkidle")
        assert len(set(visit.asked)) <= MOST_REQUESTS, (path, visit.asked)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_page_is_wider_than_its_window(visit: Visit, mesh: World, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    for who, path in PAGES:
        visit.page.context.clear_cookies()
        if who:
            visit.sign_in(mesh.people[who])
        page = visit.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
