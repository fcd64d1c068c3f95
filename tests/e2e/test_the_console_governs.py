"""The governance console: what is asked, changed, explained and proved there stands in the mesh."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from governance.models import AccessRequest, Declassification, Grant, GrantReview, Label, Policy
from governance.services import save_policy
from governance.services.sequencer import sequence
from tests.builders import World
from tests.e2e import governed
from tests.e2e.portal import SECRET, TOKENS, WIKI, Visit
from tests.e2e.turns import TURN

pytestmark = pytest.mark.e2e


def test_a_request_is_talked_about_shortened_and_given_up(visit: Visit, mesh: World) -> None:
    governed.ask_for_tokens(mesh)
    visit.sign_in(mesh.ana)
    page = visit.open("/governance")
    expect(page).to_have_url(re.compile("/governance/requests$"))
    page.get_by_role("button", name="ben asks for 30 days of analytics").press("Enter")
    page.get_by_label("Ask or answer").fill("Which columns?")
    page.get_by_role("button", name="Say it").click()
    expect(page.get_by_role("region", name="What was said")).to_contain_text("Which columns?")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("Say why you deny it.")).to_be_visible()
    page.get_by_label("For how many days").fill("7")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Nobody waits for your answer.")).to_be_visible()
    with TURN:
        grant = Grant.objects.get()
        assert round((grant.expires_at - grant.created_at) / timedelta(days=1)) == 7

    visit.sign_in(mesh.ben)
    page = visit.open("/governance/requests?view=grants")
    page.get_by_role("button", name=f"Renew {TOKENS}").click()
    page.get_by_label("Reason").fill("Not done yet.")
    page.get_by_role("button", name="Ask to renew").click()
    expect(page.get_by_label("Reason")).to_have_count(0)
    page.get_by_role("button", name="Give up").click()
    page.get_by_role("button", name="Give it up?").click()
    expect(page.get_by_role("row", name=TOKENS)).to_contain_text("revoked")
    with TURN:
        assert AccessRequest.objects.filter(renews=grant).exists()


def test_the_glass_is_broken_here_and_reviewed(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.operator)
    page = visit.open(f"/p{SECRET}?tab=access")
    page.get_by_role("button", name="Break the glass…").click()
    page.get_by_label("What happened").fill("The ward asks who was here.")
    page.get_by_label("Your password").fill("correct horse battery")
    page.get_by_role("button", name="Break the glass").click()
    expect(page.get_by_role("form", name="Break the glass")).to_have_count(0)

    visit.sign_in(mesh.carla)
    page = visit.open("/governance/requests?view=reviews")
    page.get_by_label("What you found out about operator").fill("There was an alarm.")
    page.get_by_role("button", name="Justified", exact=True).click()
    expect(page.get_by_text("No broken glass waits for your review.")).to_be_visible()
    with TURN:
        assert GrantReview.objects.get().verdict == "justified"


def test_a_policy_goes_from_draft_to_force_with_a_second_person(
    visit: Visit, mesh: World, settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, policy_review=True)
    visit.sign_in(mesh.operator)
    page = visit.open("/governance/policies/new")
    page.get_by_label("Id").fill("guests")
    page.get_by_label("Policy, in Cedar").fill("permit (")
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_url(re.compile("/governance/policies/[0-9a-f-]{36}$"))
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Policy, in Cedar").fill(governed.GUEST)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Validate").click()
    page.get_by_role("button", name="Simulate", exact=True).click()
    page.get_by_role("button", name="Simulate now").click()
    gained = page.get_by_role("row", name=f"ben gains read {TOKENS}")
    expect(gained).to_be_visible()
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Someone else approves it")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    address = page.url.removeprefix(visit.url)

    visit.sign_in(mesh.ana)
    page = visit.open(address)
    expect(page.get_by_role("alert")).to_contain_text("Not found")  # a draft is its stewards' own
    with TURN:
        mesh.add_person("rita", operator=True)
    visit.sign_in(mesh.people["rita"])
    page = visit.open(address)
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("button", name="Bring it into force now?").click()
    expect(page.get_by_role("button", name="Retire")).to_be_visible()
    with TURN:
        assert Policy.objects.get(slug="guests").state == "active"
    page.get_by_role("button", name="Retire").click()
    page.get_by_role("button", name="Take it out of force?").click()
    expect(page.get_by_text("rita wants it out of force")).to_be_visible()
    visit.sign_in(mesh.ana)
    page = visit.open(address)
    expect(page.get_by_text("You may read this policy.")).to_be_visible()


def test_a_version_is_compared_and_rolled_back_to(visit: Visit, mesh: World) -> None:
    by = mesh.operator.principal
    first = save_policy(by, kind="access", slug="guests", text=governed.GUEST)
    second = save_policy(by, kind="access", slug="guests", text=governed.GUEST_COUNTS)
    visit.sign_in(mesh.operator)
    page = visit.open(f"/governance/policies/{first.pk}?tab=versions")
    page.get_by_role("link", name="what differs from guests@2").click()
    differs = page.get_by_role("region", name="What differs")
    expect(differs).to_contain_text('-@reason("Ben counts the tokens.")')
    expect(differs).to_contain_text('+@reason("Ben helps with the tokens.")')
    page.get_by_role("button", name="Roll back to this version").click()
    page.get_by_role("button", name="Bring this version back?").click()
    expect(page.get_by_role("row", name="guests@2")).to_contain_text("retired")
    with TURN:
        states = dict(Policy.objects.filter(slug="guests").values_list("pk", "state"))
        assert states == {first.pk: "active", second.pk: "retired"}


def test_why_one_may_not_and_who_may(visit: Visit, mesh: World) -> None:
    visit.sign_in(mesh.ana)
    page = visit.open("/governance/who")
    page.get_by_label("Product or domain, by its name").fill(TOKENS)
    page.get_by_label("Person").fill("ben")
    page.get_by_role("button", name="Ask").click()
    decision = page.get_by_role("region", name="The decision")
    expect(decision).to_contain_text("denied")
    findings = page.get_by_role("region", name="What each policy says").first
    expect(findings.get_by_role("row").filter(has_text="not met").first).to_be_visible()
    expect(page.get_by_role("region", name="Who may", exact=True)).to_contain_text("ana")
    page.reload()
    expect(decision).to_contain_text("denied")

    visit.sign_in(mesh.ben)  # who may read is told to who administers
    page = visit.open(f"/governance/who?name={TOKENS}&action=read")
    expect(page.get_by_role("region", name="The decision")).to_contain_text("denied")
    expect(page.get_by_role("alert")).to_contain_text("A policy does not allow this")


def test_an_entry_of_the_log_is_proved_in_the_browser(visit: Visit, mesh: World) -> None:
    with TURN:
        sequence()
    visit.sign_in(mesh.operator)
    page = visit.open(f"/governance/audit?name={WIKI}")
    expect(page.get_by_role("region", name="Last signed checkpoint")).to_contain_text("Signed")
    rows = page.get_by_role("region", name="Entries").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(WIKI)
    page.get_by_role("button", name=re.compile(r"^\d+: ")).first.click()
    proof = page.get_by_role("region", name="Proof")
    expect(proof).to_contain_text("verified")
    expect(page).to_have_url(re.compile(r"entry=\d+"))
    page.get_by_label("Action").fill("no-such-act")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No such entry.")).to_be_visible()


def test_a_proof_that_does_not_fit_is_called_broken(visit: Visit, mesh: World) -> None:
    with TURN:
        sequence()

    def forge(route: Any) -> None:
        answer = route.fetch()
        told = {**answer.json()}
        told["entry"] = told["entry"].replace("true", "false")
        route.fulfill(response=answer, json=told)

    visit.sign_in(mesh.operator)
    visit.page.route("**/api/v1/audit/proof*", forge)
    page = visit.open("/governance/audit")
    page.get_by_role("button", name=re.compile(r"^\d+: ")).first.click()
    expect(page.get_by_role("region", name="Proof")).to_contain_text("broken")


def test_labels_say_why_and_findings_are_judged(visit: Visit, mesh: World) -> None:
    governed.publish_people(mesh)
    visit.sign_in(mesh.ana)
    page = visit.open(f"/p{governed.CHILD}?tab=labels")
    label = page.get_by_role("row", name="pii:email")
    expect(label).to_contain_text("inherited")
    expect(label.get_by_role("link", name=governed.PEOPLE)).to_be_visible()
    label.get_by_role("button", name="Declassify pii:email").click()
    page.get_by_label("Reason").fill("Only counts are left.")
    page.get_by_role("button", name="Sign it").click()
    expect(page.get_by_role("region", name="Declassifications")).to_contain_text("Only counts")
    with TURN:
        assert Declassification.objects.get().created_by == "ana"

    page = visit.open(f"/p{governed.PEOPLE}?tab=labels&part=scans")
    page.get_by_role("button", name="Reject pii:email in mail").click()
    expect(page.get_by_role("row", name="mail pii:email")).to_contain_text("rejected by ana")
    with TURN:
        assert not Label.objects.filter(name=governed.PEOPLE, removed_at=None).exists()
