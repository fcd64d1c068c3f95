"""A code of the authenticator app in the portal's form, and a passkey of a (virtual) key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from governance.models import ApiToken
from governance.services import create_machine
from tests.builders import World
from tests.e2e.portal import Visit
from tests.e2e.turns import TURN
from tests.governance.second_factors import PASSWORD, add_app, code_of

pytestmark = [pytest.mark.e2e, pytest.mark.looks]


def fill_form(page: Page, username: str) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_the_form_asks_for_the_code(mesh: World, visit: Visit) -> None:
    with TURN:
        secret, _ = add_app(mesh.ana)
    page = visit.open("/sign-in?next=/jobs")
    fill_form(page, "ana")
    expect(page.get_by_role("alert")).to_contain_text("A second factor is needed")
    field = page.get_by_label("Code", exact=True)
    expect(field).to_be_focused()
    field.fill("000000")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    field.fill(code_of(secret))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_a_passkey_is_added_and_signs_in(mesh: World, visit: Visit, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]  # a passkey is for a name, not an address
    visit.url = visit.url.replace("127.0.0.1", "localhost")
    page = visit.open("/accounts/login/")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{visit.url}/")
    page = visit.open("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery Codes")
    visit.forget()

    page = visit.open("/accounts/login/?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(rf"{visit.url}/(account)?$"))
    expect(page.get_by_role("button", name="Signed in as ana")).to_be_visible()
    visit.forget()

    page = visit.open("/sign-in")
    fill_form(page, "ana")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="With a passkey or single sign-on").click()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()


def test_tokens_are_made_shown_once_and_revoked(mesh: World, visit: Visit) -> None:
    with TURN:
        create_machine(mesh.ana.principal, username="helper", kind="agent", team="nlp")
    visit.sign_in(mesh.ben)
    page = visit.open("/account")
    page.get_by_label("What it is for").fill("assistant")
    page.get_by_label("Who acts with it").select_option("helper")
    page.get_by_label("Read", exact=True).check()
    page.get_by_label("Only below this name").fill("/acme/nlp")
    page.get_by_role("button", name="Make the token").click()
    shown = page.get_by_role("status").locator("code")
    expect(shown).to_have_text(re.compile(r"^fm_"))
    row = page.get_by_role("row", name="assistant")
    expect(row).to_contain_text("helper, for you")
    expect(row).to_contain_text("read below /acme/nlp")
    row.get_by_role("button", name="Revoke assistant").click()
    expect(row).to_contain_text("revoked")
    with TURN:
        assert ApiToken.objects.get(title="assistant").revoked_at is not None
