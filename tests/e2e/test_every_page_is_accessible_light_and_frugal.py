"""Every page in both colour schemes: axe finds nothing serious, and few requests are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from governance.models import AccessRequest, AuditEntry
from movement.services.plans import Asked, apply_plan
from tests.builders import World
from tests.e2e import governed, piped
from tests.e2e.portal import DRAWN, SECRET, TOKENS, WIKI, Visit, ask_for_copy, carried, serious
from transforms.services import cancel_run, start_run

pytestmark = [pytest.mark.e2e, pytest.mark.looks]

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
    ("ana", "/mesh?site=core-us"),
    ("operator", "/mesh?change=core-eu"),
    ("ana", "/nowhere"),
    ("ana", "/account"),
    ("", "/accounts/login/"),
    ("ana", "/accounts/2fa/"),
    ("ana", "/accounts/sessions/"),
    ("ana", "/accounts/password/change/"),
]
CONSOLE = [
    ("ana", "/governance/requests?open={request}"),
    ("ben", "/governance/requests?view=mine"),
    ("operator", "/governance/requests?view=grants"),
    ("carla", "/governance/requests?view=reviews"),
    ("operator", "/governance/policies"),
    ("operator", "/governance/policies?kind=naming"),
    ("operator", "/governance/policies/new"),
    ("operator", "/governance/policies/{policy}"),
    ("operator", "/governance/policies/{policy}?edit=yes"),
    ("operator", "/governance/policies/{policy}?tab=simulation"),
    ("operator", "/governance/policies/{policy}?tab=versions&against={other}"),
    ("ben", "/governance/policies/{policy}"),
    ("ana", f"/governance/who?name={TOKENS}&action=read&person=ben"),
    ("ben", f"/governance/who?name={TOKENS}&action=read"),
    ("operator", "/governance/audit?entry={entry}"),
    ("ana", f"/p{governed.CHILD}?tab=labels"),
    ("ana", f"/p{governed.PEOPLE}?tab=labels&part=scans"),
    ("operator", f"/p{TOKENS}?tab=access"),
    ("ana", f"/p{TOKENS}?tab=access"),
    ("ben", f"/p{TOKENS}?tab=access"),
    ("", "/governance"),
    ("operator", "/mesh/plan?site=core-us&plan={applied}"),
]
PIPES = [
    ("", "/pipelines"),
    ("ana", "/pipelines"),
    ("ana", "/pipelines/{pipeline}"),
    ("ana", "/pipelines/{pipeline}?tab=plan&purpose=analytics"),
    ("ben", "/pipelines/{pipeline}?tab=plan"),
    ("ana", "/pipelines/{pipeline}?tab=sample"),
    ("ana", "/pipelines/{pipeline}?tab=sample&rows=30"),
    ("ana", "/pipelines/{pipeline}?tab=runs"),
    ("ana", "/runs/{run}"),
    ("ana", "/runs/{run}?tab=statistics"),
    ("ana", "/runs/{run}?tab=aside"),
    ("ben", "/runs/{run}?tab=aside"),
    ("ana", "/runs/{run}?tab=card"),
    ("ana", "/runs/{waiting}"),
    ("ana", "/pipelines/{joined}?tab=plan"),
    ("ana", "/pipelines/{joined}?tab=sample&rows=6"),
    ("ana", "/pipelines/{joined}?tab=runs"),
    ("ana", "/runs/{looked_up}"),
    ("ana", "/runs/{looked_up}?tab=aside"),
    ("ana", "/runs/{cancelled}"),
    ("ana", "/jobs?kind=runs&run={looked_up}"),
    ("", "/pipelines/new"),
    ("ana", "/pipelines/new"),
    ("ana", "/pipelines/new?from={pipeline}"),
    ("ana", "/runs/{run}/compare"),
    ("ana", "/runs/{run}/compare?with={waiting}"),
    ("ana", f"/p{piped.CLEAN}"),
    ("ana", f"/p{piped.CLEAN}?tab=versions&version=1"),
]
MOST_REQUESTS = 6
Pages = list[tuple[str, str]]
Ids = dict[str, Any]
WIDE, NARROW = ViewportSize(width=1400, height=900), ViewportSize(width=390, height=900)
INK = "getComputedStyle(document.body).color"


def of_products(mesh: World, settings: Any) -> Ids:
    return {}


def of_the_console(mesh: World, settings: Any) -> Ids:
    made = governed.govern(mesh)
    applied, _ = apply_plan(mesh.operator.principal, Asked(site="core-us"))
    assert applied is not None
    return {
        "request": AccessRequest.objects.get().pk,
        "policy": made.policy.pk,
        "other": governed.draft_again(made).pk,
        "entry": AuditEntry.objects.filter(position__isnull=False).latest("id").pk,
        "applied": applied.pk,
    }


def of_pipelines(mesh: World, settings: Any) -> Ids:
    ana = mesh.ana.principal
    pipeline = piped.lay_pipe(mesh, settings)
    run = piped.run_through(mesh, pipeline)
    waiting = start_run(ana, pipeline.pk)
    piped.keep_waiting(waiting)
    joined = piped.lay_join(mesh)
    looked_up = piped.run_through(mesh, joined)
    return {
        "pipeline": pipeline.pk,
        "run": run.pk,
        "waiting": waiting.pk,
        "joined": joined.pk,
        "looked_up": looked_up.pk,
        "cancelled": cancel_run(ana, start_run(ana, joined.pk).pk).pk,
    }


@pytest.fixture(
    params=[(PAGES, of_products), (CONSOLE, of_the_console), (PIPES, of_pipelines)],
    ids=["products", "console", "pipelines"],
)
def pages(mesh: World, settings: Any, request: pytest.FixtureRequest) -> Pages:
    """Who opens which address of a part of the portal, with what is there to see."""
    part, made_for = request.param
    ids = made_for(mesh, settings)
    return [(who, path.format(**ids)) for who, path in part]


def test_no_page_is_hard_to_use_or_asks_for_much(visit: Visit, mesh: World, pages: Pages) -> None:
    """Opened in a narrow window, then made wide, light, and dark, without opening it anew."""
    carried(ask_for_copy(mesh, f"{TOKENS}/v=1", "store-us"), 400)
    found = {}
    for page, address in opened(visit, mesh, pages):
        assert page.get_by_role("heading", level=1).count() == 1, address
        assert page.title().endswith("Fairmesh"), address
        assert width_of(page) <= NARROW["width"], address
        page.set_viewport_size(WIDE)
        page.evaluate(DRAWN)
        assert len(set(visit.asked)) <= MOST_REQUESTS, (address, visit.asked)
        assert width_of(page) <= WIDE["width"], address
        problems, light = serious(page), page.evaluate(INK)
        page.emulate_media(color_scheme="dark")
        page.evaluate(DRAWN)
        problems += serious(page)
        assert page.evaluate(INK) != light, f"{address} is not dark"
        if problems:
            found[address] = problems
    assert found == {}, json.dumps(found, indent=1)


def opened(visit: Visit, mesh: World, pages: Pages) -> Iterator[tuple[Page, str]]:
    """Open each page as whoever it is for, and say who and what it was."""
    for who, path in pages:
        visit.leave()
        visit.forget()
        visit.page.set_viewport_size(NARROW)
        visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        if who:
            visit.sign_in(mesh.people[who])
        yield visit.open(path), f"{who} {path}"


def width_of(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))
