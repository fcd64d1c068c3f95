"""What a steward says of a finding decides the labels, of this scan and of the next ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import NotFound, PolicyDenied
from governance.engine.scan.counting import Count
from governance.engine.scan.judging import MARGIN, Said, Verdict, judge
from governance.engine.scan.tally import ColumnTally, Tally
from governance.services.scans import give_verdict
from tests.builders import World, build_world
from tests.governance.scanning import labels, newest_scan, work
from transforms.services import start_scan

PEOPLE = "/acme/nlp/~/people"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product(PEOPLE, access="open")
    return world


def mails(matches: int, rows: int = 20) -> dict[str, bytes]:
    cells = [f"a{n}@example.org" if n < matches else "none" for n in range(rows)]
    return {"a.csv": ("mail\n" + "\n".join(cells) + "\n").encode()}


def say(world: World, verdict: str, label: str = "pii:email", column: str = "mail") -> None:
    scan = newest_scan(PEOPLE)
    give_verdict(world.ana.principal, scan.pk, column=column, label=label, verdict=verdict)


def test_a_rejected_finding_makes_no_label_again_until_the_rate_rises(world: World) -> None:
    world.publish(PEOPLE, mails(2))
    work()
    assert labels(PEOPLE) == {("mail", "pii:email")}
    say(world, "reject")
    assert labels(PEOPLE) == set(), "at once"
    world.publish(PEOPLE, mails(3))
    work()
    assert labels(PEOPLE) == set(), "the next scan knows"
    world.publish(PEOPLE, mails(15))
    work()
    assert labels(PEOPLE) == {("mail", "pii:email")}, "these are no accident"


def test_a_confirmed_label_stays_when_later_versions_have_none(world: World) -> None:
    first = world.publish(PEOPLE, mails(2))
    work()
    say(world, "confirm")
    world.publish(PEOPLE, mails(0))
    client = world.ana.client()
    client.post(f"/api/v1/versions/{first.pk}/tombstone", {"reason": "out"}, "application/json")
    work()
    assert labels(PEOPLE) == {("mail", "pii:email")}


def test_confirming_takes_the_threshold_down() -> None:
    tally = Tally({"n": ColumnTally(100, 100, {"phone": Count(100, 2)})})
    assert not judge(tally, {})[0].labelled
    said = {("n", "phone"): Said(Verdict.CONFIRM, 1, 0.2)}
    assert judge(tally, said)[0].labelled


def test_another_major_version_of_a_detector_is_another_question() -> None:
    tally = Tally({"n": ColumnTally(100, 100, {"email": Count(10, 10)})})
    said = {("n", "email"): Said(Verdict.REJECT, 1, 0.1)}
    assert not judge(tally, said)[0].labelled
    assert judge(tally, {("n", "email"): Said(Verdict.REJECT, 2, 0.1)})[0].labelled


def test_the_margin_is_between_the_rejected_rate_and_the_whole_interval() -> None:
    said = {("n", "email"): Said(Verdict.REJECT, 1, 0.10)}
    for matches in range(0, 101):
        tally = Tally({"n": ColumnTally(100, 100, {"email": Count(matches, matches)})})
        found = judge(tally, said)[0]
        assert found.labelled == (matches > 0 and found.low > 0.10 + MARGIN)


def test_a_column_of_random_numbers_is_no_column_of_cards() -> None:
    tally = Tally({"order": ColumnTally(1000, 1000, {"card": Count(1000, 100)})})
    found = judge(tally, {})[0]
    assert (found.labelled, found.matches) == (False, 100)
    assert "looks right" in found.reason


def test_who_may_not_administer_rejects_nothing(world: World) -> None:
    world.publish(PEOPLE, mails(2))
    work()
    scan = newest_scan(PEOPLE)
    with pytest.raises(PolicyDenied):
        give_verdict(
            world.ben.principal, scan.pk, column="mail", label="pii:email", verdict="reject"
        )
    with pytest.raises(NotFound):
        say(world, "reject", label="pii:iban")


def test_another_scan_is_asked_for_over_the_api_and_says_the_same(world: World) -> None:
    world.publish(PEOPLE, mails(2))
    work()
    client = world.ana.client()
    asked = client.post("/api/v1/scans", {"name": PEOPLE}, "application/json")
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert start_scan(world.ana.principal, PEOPLE).pk == newest_scan(PEOPLE).pk, "one at a time"
    assert labels(PEOPLE) == {("mail", "pii:email")}, "what is known holds meanwhile"
    work()
    listed = client.get("/api/v1/scans", {"name": PEOPLE}).json()["results"]
    assert [(row["state"], row["labels_found"]) for row in listed] == [("done", ["pii:email"])] * 2
    whole = client.get(f"/api/v1/scans/{listed[0]['id']}").json()
    assert whole["result"]["columns"][0]["findings"][0]["matches"] == 2
    body = {"column": "mail", "label": "pii:email", "verdict": "reject", "comment": "ids"}
    said = client.post(f"/api/v1/scans/{listed[0]['id']}/verdicts", body, "application/json")
    assert said.status_code == 201, said.content
    assert labels(PEOPLE) == set()
    refused = world.ben.client().post("/api/v1/scans", {"name": PEOPLE}, "application/json")
    assert refused.status_code == 403
