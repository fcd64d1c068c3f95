"""A denial names its reason and the way on; the owner's approval is the grant."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from governance.models import AccessRequest
from tests.builders import World
from tests.e2e.portal import TOKENS, Visit
from tests.e2e.turns import TURN

pytestmark = pytest.mark.e2e


def test_from_denied_to_granted(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ben)
    page = visit.open(f"/p{TOKENS}?tab=preview")
    expect(page.get_by_role("heading", name="A policy does not allow this")).to_be_visible()
    page.get_by_role("link", name="Ask for access").click()
    expect(page.get_by_text("You may not read this product.")).to_be_visible()
    page.get_by_role("combobox", name="Purpose").click()
    page.get_by_role("option", name="Model training").click()
    page.get_by_label("For how many days").fill("30")
    page.get_by_label("Reason").fill("To teach a small model.")
    page.get_by_role("button", name="Ask for access").click()
    expect(page.get_by_text("You asked for 30 days of model-training")).to_be_visible()
    with TURN:
        asked = AccessRequest.objects.get()
    assert (asked.purpose, asked.days, asked.reason) == (
        "model-training", 30, "To teach a small model.",
    )  # fmt: skip

    visit.sign_in(mesh.ana)
    page = visit.open(f"/p{TOKENS}?tab=access")
    expect(page.get_by_text("“To teach a small model.”")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("row", name="ben model-training")).to_contain_text("active")

    visit.sign_in(mesh.ben)
    page = visit.open(f"/p{TOKENS}?tab=access")
    expect(page.get_by_text("for model-training, granted by ana")).to_be_visible()
    page = visit.open("/governance/requests?view=subscriptions")
    row = page.get_by_role("row", name=TOKENS)
    for told in ("any", "model-training", "active"):
        expect(row).to_contain_text(told)


def test_a_denied_request_is_told_with_its_comment(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ben)
    page = visit.open(f"/p{TOKENS}?tab=access")
    page.get_by_role("button", name="Ask for access").click()
    expect(page.get_by_text("The owner decides.")).to_be_visible()
    visit.sign_in(mesh.ana)
    page = visit.open(f"/p{TOKENS}?tab=access")
    page.get_by_label("Comment for ben").fill("Say what for.")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("Nobody waits for an answer.")).to_be_visible()
    visit.sign_in(mesh.ben)
    page = visit.open(f"/p{TOKENS}?tab=access")
    expect(page.get_by_text("“Say what for.”")).to_be_visible()
    expect(page.get_by_role("button", name="Ask for access")).to_be_visible()
