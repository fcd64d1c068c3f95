"""Resolve: what speaks against a replica is said, and what nothing speaks against comes first."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from movement.models import Link, Replica, ReplicaOrigin, ReplicaState, Site, Store
from movement.services import set_site_state
from tests.builders import World, body_of
from tests.movement.conftest import WIKI

CSV = b"x\n1\n"


@pytest.fixture
def everywhere(folders: World) -> World:
    """WIKI at dir-us, and said to be at dir-eu and dir-pt: no byte of those is read here."""
    version = folders.publish(WIKI, {"a.csv": CSV}, store="dir-us")
    base = Replica.objects.get(version=version).base
    for store in ("dir-eu", "dir-pt"):
        Replica.objects.create(
            version=version,
            store=Store.objects.get(name=store),
            origin=ReplicaOrigin.TRANSFER,
            base=base,
            state=ReplicaState.COMPLETE,
        )
    return folders


def resolve(world: World, name: str = WIKI, site: str = "edge-pt") -> Any:
    return world.ben.client().get("/api/v1/resolve", {"name": name, "site": site})


def told(answer: Any) -> list[tuple[str, bool, str]]:
    rows = answer.json()["replicas"]
    return [(row["store"], row["serves"], row["reason_code"]) for row in rows]


def stores_in(urls: list[str]) -> list[str]:
    return [found[1] for url in urls if (found := re.search(r"store=([a-z-]+)", url))]


def test_a_store_that_did_not_answer_comes_last_and_says_so(everywhere: World) -> None:
    Store.objects.filter(name="dir-pt").update(
        reachable=False, checked_at=datetime(2026, 3, 1, 12, 3, tzinfo=UTC)
    )
    answer = resolve(everywhere)
    assert told(answer) == [
        ("dir-eu", True, ""),
        ("dir-us", True, ""),
        ("dir-pt", True, "store_unavailable"),
    ]
    assert "2026-03-01 12:03 UTC" in answer.json()["replicas"][-1]["reason"]
    urls = answer.json()["results"][0]["urls"]
    assert stores_in(urls) == ["dir-eu", "dir-us", "dir-pt"]


def test_a_quarantined_store_and_a_site_that_is_away_give_no_address(everywhere: World) -> None:
    Store.objects.filter(name="dir-pt").update(quarantined_at=timezone.now())
    set_site_state(everywhere.operator.principal, "core-eu", "offline")
    Site.objects.filter(name="core-eu").update(expected_back=datetime(2026, 3, 4, tzinfo=UTC))
    answer = resolve(everywhere)
    assert told(answer) == [
        ("dir-us", True, ""),
        ("dir-pt", False, "quarantined"),
        ("dir-eu", False, "site_offline"),
    ]
    assert "expected back at 2026-03-04" in answer.json()["replicas"][-1]["reason"]
    assert stores_in(answer.json()["results"][0]["urls"]) == ["dir-us"]
    version = answer.json()["version_id"]
    asked = f"/api/v1/versions/{version}/content/a.csv?store=dir-pt"
    assert everywhere.ben.client().get(asked).status_code == 404


def test_wrong_bytes_are_told_of_and_not_offered_and_doubtful_ones_come_last(
    everywhere: World,
) -> None:
    Replica.objects.filter(store__name="dir-pt").update(state=ReplicaState.CORRUPT)
    Replica.objects.filter(store__name="dir-eu").update(state=ReplicaState.SUSPECT)
    assert told(resolve(everywhere)) == [
        ("dir-us", True, ""),
        ("dir-eu", True, "replica_suspect"),
        ("dir-pt", False, "replica_corrupt"),
    ]


def test_a_place_that_policies_forbid_by_now_is_the_last_resort(everywhere: World) -> None:
    everywhere.add_protection("eu-only", "{residency: [EU]}")
    assert told(resolve(everywhere, site="core-us")) == [
        ("dir-eu", True, ""),
        ("dir-pt", True, ""),
        ("dir-us", True, "place_forbidden"),
    ]


def test_of_two_equally_far_the_cheaper_way_and_then_the_sounder_one_wins(
    everywhere: World,
) -> None:
    sites = {site.name: site for site in Site.objects.all()}
    to_eu = {"target": sites["core-eu"], "source": sites["edge-pt"]}
    everywhere.add_site("core-fr", "core", ["FR", "EU"])
    assert told(resolve(everywhere, site="core-fr"))[0][0] == "dir-eu"
    target = Site.objects.get(name="core-fr")
    Link.objects.create(source=sites["core-eu"], target=target, cost_per_gb="0.09")
    assert told(resolve(everywhere, site="core-fr"))[0][0] == "dir-pt"
    Link.objects.create(source=to_eu["source"], target=target, cost_per_gb="0.09", failure_rate=0.4)
    assert told(resolve(everywhere, site="core-fr"))[0][0] == "dir-eu"


def test_the_addresses_of_a_file_are_links_to_duplicates(everywhere: World) -> None:
    answer = resolve(everywhere, f"{WIKI}/v=1/a.csv")
    urls = answer.json()["results"][0]["urls"]
    found = re.findall(r'<([^>]+)>; rel="duplicate"; pri=(\d); anchor="([^"]+)"', answer["Link"])
    landing = f"/n{WIKI}/v=1/a.csv"
    assert found == [(url, str(number), landing) for number, url in enumerate(urls, 1)]
    assert "Link" not in resolve(everywhere)
    content = Client().get(urls[-1])
    assert body_of(content) == CSV
    others = re.findall(r'<([^>]+)>; rel="duplicate"; pri=(\d)', content["Link"])
    assert [(stores_in([url]), pri) for url, pri in others] == [
        (["dir-pt"], "1"),
        (["dir-eu"], "2"),
    ]
