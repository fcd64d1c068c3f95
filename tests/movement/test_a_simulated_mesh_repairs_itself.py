"""What is lost, rotten or away in a simulated mesh is made good, at the time and price foretold."""

from __future__ import annotations

from pathlib import Path

import pytest

from movement.engine.simulation.ledger import quantile
from movement.engine.simulation.run import simulate
from movement.engine.simulation.scenario import DAY, HOUR, read_scenario
from tests.movement.simulated import still

SCENARIOS = Path(__file__).parents[2] / "movement" / "scenarios"
TWO = [{"id": "two", "spec": {"copies": 2}}]


def test_a_mesh_at_rest_costs_its_storage_and_moves_nothing() -> None:
    outcome = simulate(still())
    assert outcome.ledger.counts["bytes moved"] == 0
    # 10 versions of 100 GB, twice, at 0.03 a month, for a third of a month
    assert outcome.world.kept_cost == pytest.approx(10 * 100 * 2 * 0.03 / 3)


def test_a_copy_takes_as_long_and_costs_as_much_as_its_link_says() -> None:
    arriving = [
        {"name": "/acme/~/maps", "versions": 5, "files": 10, "gigabytes": 100, "at": "lisbon",
         "over_days": 5}
    ]  # fmt: skip
    ledger = simulate(still(data=arriving)).ledger
    assert ledger.link_bytes == {("lisbon", "oslo"): 500_000_000_000}
    assert ledger.egress_cost == pytest.approx(500 * 0.02)
    # 100 GB at 100 MB/s are 1,000 s, and a link gives at least 0.7 of its speed
    assert all(1_000 <= each <= 1_450 for each in ledger.repaired["publication"])


def test_what_a_link_and_a_window_let_pass_is_shared() -> None:
    data = {"name": "/acme/~/maps", "versions": 5, "files": 10, "gigabytes": 100, "at": "lisbon"}
    narrow = {"from": "*", "to": "*", "megabytes_per_second": 100}
    at_once = [{**data, "over_days": 1e-6}]
    limited = [{**narrow, "limit_megabytes_per_second": 100}]
    ledger = simulate(still(data=at_once, links=limited)).ledger
    assert 5_000 <= max(ledger.repaired["publication"]) < 5_060  # 500 GB at 100 MB/s
    every_day = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00",
                 "to": "24:00", "bytes_per_second": 50_000_000}  # fmt: skip
    sites = [
        {"name": "lisbon", "kind": "core", "stores": [{}]},
        {"name": "oslo", "kind": "edge", "stores": [{}], "windows": [every_day]},
        {"name": "tokyo", "kind": "core", "stores": [{"tier": "cold", "cost_gb_month": 9}]},
    ]
    ledger = simulate(still(data=at_once, links=[narrow], sites=sites)).ledger
    assert 10_000 <= max(ledger.repaired["publication"]) < 10_060  # at 50 MB/s


def test_what_lay_at_a_destroyed_site_is_made_again_after_its_grace() -> None:
    gone = {"at_hours": 10, "site": "oslo", "becomes": "destroyed"}
    ledger = simulate(still(policies=TWO, events=[gone])).ledger
    assert len(ledger.repaired["site destroyed"]) == 10
    assert ledger.noticed["site destroyed"] == [72.25 * HOUR]  # its silence, then its grace
    assert ledger.link_bytes == {("lisbon", "tokyo"): 10 * 100_000_000_000}
    assert ledger.losses == []
    assert ledger.short == {}


def test_a_version_of_which_nothing_is_left_is_told_of_with_the_reason() -> None:
    gone = [
        {"at_hours": hours, "site": site, "becomes": "destroyed"}
        for hours, site in ((10, "oslo"), (20, "lisbon"))
    ]
    outcome = simulate(still(policies=TWO, events=gone))
    losses = outcome.ledger.losses
    assert len(losses) == 10
    assert losses[0].at == 20 * HOUR
    assert losses[0].version == "/acme/~/maps/v=1"
    assert losses[0].why == "lisbon was destroyed; oslo was destroyed"
    assert outcome.checker.count == 0


def test_rot_is_found_by_scrubs_and_mended_from_another_copy() -> None:
    sites = [
        {"name": name, "kind": "core", "stores": [{"rot_every_days": 40}]}
        for name in ("lisbon", "oslo", "tokyo")
    ]
    outcome = simulate(still(sites=sites, days=60))
    ledger, counts = outcome.ledger, outcome.ledger.counts
    assert counts["replicas rotten"] > 15
    assert counts["rot found by scrubs"] > 10
    assert max(ledger.noticed["rot"]) <= 2 * DAY
    assert quantile(ledger.repaired["rot"], 0.5) < HOUR
    assert counts["bytes moved"] < counts["transfers done"] * 100_000_000_000, "one file at a time"
    found = counts["rot found by scrubs"] + counts["rot found by reading"]
    assert counts["replicas rotten"] - found == len(outcome.world.rotten)


def test_rot_that_no_scrub_has_seen_is_not_passed_on() -> None:
    sites = [
        {"name": name, "kind": "core", "stores": [store]}
        for name, store in (("lisbon", {"rot_every_days": 5}), ("oslo", {}), ("tokyo", {}))
    ]
    third = {"at_hours": 200, "policy": {"id": "two", "spec": {"copies": 3}}}
    outcome = simulate(
        still(sites=sites, days=8.6, policies=TWO, events=[third], settings={"scrub_days": 3650})
    )
    counts, ledger = outcome.ledger.counts, outcome.ledger
    assert counts["replicas rotten"] >= counts["rot found by reading"] >= 2
    assert counts["rot found by scrubs"] == 0
    assert ledger.link_bytes["oslo", "tokyo"] > 0, "another source was taken"
    assert ledger.link_bytes["oslo", "lisbon"] > 0, "and what was rotten mended from it"
    assert all(store == "lisbon-store" for _, store in outcome.world.rotten)


def test_a_site_that_is_emptied_holds_nothing_in_the_end() -> None:
    event = {"at_hours": 10, "site": "oslo", "becomes": "draining"}
    outcome = simulate(still(policies=TWO, events=[event]))
    assert outcome.world.used["oslo-store"] == 0
    assert outcome.ledger.counts["replicas removed"] == 10
    assert outcome.checker.checks["removals"] == 10


def test_a_site_that_comes_back_within_its_grace_copies_nothing_again() -> None:
    away = {"at_hours": 10, "site": "oslo", "becomes": "offline", "for_hours": 70}
    assert simulate(still(policies=TWO, events=[away])).ledger.counts["attempts"] == 0
    longer = {**away, "for_hours": 80}
    counts = simulate(still(policies=TWO, events=[longer])).ledger.counts
    assert counts["transfers done"] == 10
    assert counts["replicas removed"] == 10, "what was made in its stead is more than is asked"


def test_a_site_that_was_given_up_is_listed_before_it_counts() -> None:
    """A million files a version: the listing takes 10,000 s, and only then others are too many."""
    data = [{"name": "/acme/~/maps", "versions": 10, "files": 1_000_000, "gigabytes": 100,
             "at": "lisbon"}]  # fmt: skip
    away = {"at_hours": 10, "site": "oslo", "becomes": "offline", "for_hours": 80}
    scenario = still(policies=TWO, events=[away], data=data)
    back_and_delay = (90 + 24) / 24
    early = simulate(scenario, days=back_and_delay + 9_000 / DAY).ledger
    assert early.counts["replicas removed"] == 0
    late = simulate(scenario, days=back_and_delay + 11_000 / DAY).ledger
    assert late.counts["replicas removed"] == 10


def test_an_edge_site_catches_up_after_three_days() -> None:
    outcome = simulate(read_scenario((SCENARIOS / "three-days-away.yaml").read_text()))
    ledger = outcome.ledger
    back = [each for each in ledger.samples if each.at >= 5.2 * DAY]
    assert max(each.short for each in ledger.samples if each.at < 5 * DAY) > 30
    assert max(each.short for each in back) <= 2
    assert ledger.counts["sites given up"] == 0
    assert ("vineyard", "paris") not in ledger.link_bytes, "its own copies counted all the while"
    assert outcome.checker.count == 0
