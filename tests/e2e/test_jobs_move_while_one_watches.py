"""The jobs page follows a transfer by itself, and stops it when told to."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from movement.models import Store, Transfer, TransferState
from tests.builders import World
from tests.e2e.portal import ROWS, TOKENS, Visit, ask_for_copy, carried
from tests.e2e.turns import TURN

pytestmark = [pytest.mark.e2e, pytest.mark.looks]

FRESH = "/acme/nlp/~/fresh"


def test_progress_is_followed_and_cancelled(visit: Visit, mesh: World) -> None:
    transfer = ask_for_copy(mesh, f"{TOKENS}/v=1", "store-us")
    carried(transfer, 250)
    Transfer.objects.filter(pk=transfer.pk).update(bytes_per_second=125.0)
    visit.sign_in(mesh.ana)
    page = visit.open("/jobs")
    line = page.get_by_role("listitem").filter(has_text=f"{TOKENS}/v=1")
    expect(line).to_contain_text("running")
    expect(line).to_contain_text("250 B of 1.0 kB")
    # only the stream tells a pace; the server of these tests ends it at once, and the page polls
    expect(line).to_contain_text("125 B/s, 6.0 s left")
    expect(page.get_by_text("Live, every second")).to_be_visible()
    carried(transfer, 700)
    expect(line).to_contain_text("70 %", timeout=10_000)
    expect(line).to_contain_text("/s,")
    line.get_by_role("button", name="Cancel").click()
    expect(line).to_contain_text("cancelled")
    expect(line.get_by_role("button", name="Retry")).to_be_visible()


def test_an_operator_applies_a_plan_calls_it_off_and_drains_a_site(
    visit: Visit, mesh: World
) -> None:
    mesh.add_product(FRESH)
    mesh.publish(FRESH, {"cities.csv": ROWS}, "store-eu")
    visit.sign_in(mesh.operator)
    page = visit.open(f"/mesh/plan?name={FRESH}")
    expect(page.get_by_role("row").filter(has_text="copy")).to_contain_text("store-eu → store-us")
    page.get_by_role("button", name="Apply this plan").click()
    page.get_by_role("button", name="Queue 1 copy?").click()
    applied = page.get_by_role("region", name="Applied plan")
    expect(applied).to_contain_text("queued 1")
    expect(page.get_by_text("Everything is where the policies want it.")).to_be_visible()
    applied.get_by_role("button", name="Call off").click()
    applied.get_by_role("button", name="Cancel 1 transfer?").click()
    expect(applied).to_contain_text("cancelled 1")
    with TURN:
        called_off = Transfer.objects.get(version__product__name=FRESH)
    assert called_off.state == TransferState.CANCELLED

    with TURN:
        Store.objects.filter(name="store-us").update(quarantined_at=timezone.now())
    page.get_by_role("link", name="Places").click()
    page.get_by_role("button", name="Change state of core-us").click()
    dialog = page.get_by_role("dialog", name="State of core-us")
    dialog.get_by_label("State", exact=True).select_option("draining")
    dialog.get_by_label("Reason").fill("The roof is mended.")
    dialog.get_by_role("button", name="Change state").click()
    site = page.get_by_role("region", name="Sites").get_by_role("row").filter(has_text="core-us")
    expect(site.first).to_contain_text("draining")
    expect(site.first).to_contain_text("The roof is mended.")
    store = page.get_by_role("row").filter(has_text="store-us")
    expect(store).to_contain_text("quarantined")
    store.get_by_role("button", name="Lift the quarantine").click()
    store.get_by_role("button", name="Trust it again?").click()
    expect(store).to_contain_text("reachable")


def test_filters_are_in_the_address(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/jobs?kind=transfers&state=done")
    expect(page.get_by_role("heading", name="Runs")).to_have_count(0)
    expect(page.get_by_role("listitem").filter(has_text="store-eu → store-us")).to_have_count(1)
    page.get_by_role("radiogroup", name="Kind of job").get_by_text("Runs").click()
    expect(page).to_have_url(re.compile(r"/jobs\?kind=runs&state=done$"))
    expect(page.get_by_text("No runs here.")).to_be_visible()


def test_a_refused_act_shows_the_problem(visit: Visit, mesh: World) -> None:
    transfer = ask_for_copy(mesh, f"{TOKENS}/v=1", "store-us")
    visit.sign_in(mesh.ana)
    page = visit.open("/jobs?state=queued")
    line = page.get_by_role("listitem").filter(has_text=f"{TOKENS}/v=1")
    page.route("**/cancel", lambda route: route.fulfill(
        status=409,
        content_type="application/problem+json",
        body='{"title": "Not now", "detail": "It is done.", "status": 409}',
    ))  # fmt: skip
    line.get_by_role("button", name="Cancel").click()
    expect(line.get_by_role("alert")).to_contain_text("It is done.")
    assert Transfer.objects.get(pk=transfer.pk).state == TransferState.QUEUED


def test_a_platform_that_is_away_is_told(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/jobs")
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("radiogroup", name="Kind of job").get_by_text("Runs").click()
    expect(page.get_by_text("The platform does not answer").first).to_be_visible(timeout=20_000)
    page.unroute("**/api/**")
    expect(page.get_by_text("What you see may be old")).to_have_count(0, timeout=20_000)
    visit.errors.clear()  # Chromium logs each request that was cut
