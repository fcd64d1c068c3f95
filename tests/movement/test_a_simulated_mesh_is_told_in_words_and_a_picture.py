"""`manage.py simulate` tells of a mesh in words, in JSON and as a picture with a table twin."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from movement.engine.simulation import report
from movement.engine.simulation.run import simulate
from movement.engine.simulation.scenario import read_scenario
from tests.movement.simulated import SMALL, ran

SCENARIOS = Path(__file__).parents[2] / "movement" / "scenarios"
SVG = "{http://www.w3.org/2000/svg}"


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("simulate", *arguments, stdout=out)
    return out.getvalue()


def test_the_words_the_json_and_the_picture_say_the_same(tmp_path: Path) -> None:
    scenario, drawn = tmp_path / "small.yaml", tmp_path / "small.svg"
    scenario.write_text(SMALL)
    words = told(str(scenario), "--days", "4", "--picture", str(drawn))
    facts = json.loads(told(str(scenario), "--days", "4", "--json"))
    assert f"{facts['checks']['made']:,} checks after {facts['checks']['events']:,} events" in words
    assert f"Policies: {facts['violations']['count']} violations" in words
    for each in facts["by_day"]:
        assert re.search(rf"\| {each['day']} +\| {each['date']} \| +{each['short']:,} \|", words)
    root = ElementTree.parse(drawn).getroot()
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "moved"]
    assert len(bars) == len(facts["by_day"])
    titles = [bar.findtext(f"{SVG}title") for bar in bars]
    assert titles == [f"day {d['day']}: {d['bytes_moved'] / 1e12:,.2f} TB" for d in facts["by_day"]]
    assert {"short", "away"} <= {
        name for each in root.iter(f"{SVG}path") for name in str(each.get("class")).split()
    }
    assert root.get("role") == "img"
    assert str(facts["violations"]["count"]) in str(root.findtext(f"{SVG}desc"))


def test_the_sums_are_those_of_their_parts() -> None:
    facts = report.facts(ran(days=11))
    assert facts["bytes_moved"] == sum(each["bytes"] for each in facts["bytes_by_link"])
    assert facts["bytes_moved"] == sum(each["bytes_moved"] for each in facts["by_day"])
    parts = [facts["cost"][each] for each in ("egress", "requests", "storage")]
    assert facts["cost"]["all"] == pytest.approx(sum(parts), abs=0.02)
    causes = facts["hours_to_repair"]
    assert {"publication", "rot", "site destroyed", "policy changed", "site drained"} <= set(causes)
    assert all(each["median"] <= each["p95"] <= each["max"] for each in causes.values())


def test_what_is_wrong_with_a_scenario_is_told_with_its_place(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SMALL.replace("kind: mobile", "kind: moon").replace("copies: 3", "copies: 0"))
    with pytest.raises(CommandError) as caught:
        told(str(wrong))
    assert "sites[2].kind: 'moon' is not one of" in str(caught.value)
    assert "policies[2].spec.copies: 0 is less than the minimum of 1" in str(caught.value)
    wrong.write_text(SMALL.replace("site: us-2", "site: us-9").replace('"22:00"', '"25:00"'))
    with pytest.raises(CommandError) as caught:
        told(str(wrong))
    assert "events[0].site: no site is called us-9" in str(caught.value)
    assert "sites[2].windows: " in str(caught.value)
    with pytest.raises(CommandError, match="these come along: fifty-sites, three-days-away"):
        told("nowhere.yaml")
    with pytest.raises(CommandError, match="--days is more than 0"):
        told("three-days-away", "--days", "-1")


def test_the_scenario_of_fifty_sites_is_as_large_as_it_says() -> None:
    scenario = read_scenario((SCENARIOS / "fifty-sites.yaml").read_text())
    assert len(scenario.sites) == 50
    assert sum(data.versions * data.files for data in scenario.data) == 10_000_000
    assert sum(data.versions * data.bytes for data in scenario.data) == 5 * 10**15
    assert {site.kind for site in scenario.sites} == {"core", "edge", "mobile"}


def test_the_example_of_the_how_to_runs() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "simulate-a-mesh.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    facts = report.facts(simulate(read_scenario(example), days=4.5))
    assert facts["violations"]["count"] == 0
    assert {
        "eu-2 is away for 100.0 h, as it said",
        "labels of /acme/~/wiki are now: pii:email",
        "policy three comes into force",
    } <= {each["told"] for each in facts["chronicle"]}


def test_a_mesh_without_links_or_policies_can_be_simulated() -> None:
    one = read_scenario(
        "{title: One, days: 0.5, sites: [{name: a, kind: core, stores: [{}]}],"
        " data: [{name: /a/~/b, versions: 1, files: 1, gigabytes: 1, at: a}]}"
    )
    facts = report.facts(simulate(one))
    assert "None." in report.text(facts)
    assert facts["versions"] == 1
