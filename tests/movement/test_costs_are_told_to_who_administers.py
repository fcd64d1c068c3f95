"""Costs: kept bytes, copies of a time, next month; of the products that one administers alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Version
from movement.models import Replica, Store, Transfer
from tests.builders import Person, World
from tests.movement.conftest import PATIENTS, WIKI

GB = 10**9


@pytest.fixture
def priced(folders: World) -> World:
    """WIKI: 1 GB at dir-eu (0.02) and dir-us (0.01); PATIENTS: 2 GB at dir-eu.

    Of WIKI one copy cost 0.5 a week ago, one 4 two months ago, one of PATIENTS 0.25 an hour ago.
    """
    for store, price in (("dir-eu", "0.02"), ("dir-us", "0.01")):
        Store.objects.filter(name=store).update(cost_gb_month=price)
    stores = {store.name: store for store in Store.objects.all()}
    wiki = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    patients = folders.publish(PATIENTS, {"a.csv": b"x\n1\n"}, store="dir-eu")
    Version.objects.filter(pk=wiki.pk).update(bytes=GB)
    Version.objects.filter(pk=patients.pk).update(bytes=2 * GB)
    there = {"version": wiki, "origin": "transfer", "base": "x/"}
    Replica.objects.create(store=stores["dir-us"], state="complete", **there)
    Replica.objects.create(store=stores["dir-pt"], state="deleted", **there)
    now = timezone.now()
    for version, cost, ago in (
        (wiki, "0.5", timedelta(days=7)),
        (wiki, "4", timedelta(days=60)),
        (patients, "0.25", timedelta(hours=1)),
    ):
        Transfer.objects.create(
            version=version,
            source=stores["dir-eu"],
            target=stores["dir-us"],
            state="done",
            cost=cost,
            bytes_done=GB,
            asked_by="x",
            next_attempt_at=now,
            finished_at=now - ago,
        )
    return folders


def asked(who: Person, **query: Any) -> Any:
    return who.client().get("/api/v1/costs", query).json()


def figures(answer: Any) -> dict[str, tuple[float, float, float]]:
    return {
        row["key"]: tuple(
            round(row[name], 6) for name in ("storage_month", "movement", "forecast_month")
        )
        for row in answer["results"]
    }


def test_costs_add_up_by_whatever_they_are_asked_for(priced: World) -> None:
    operator = priced.operator
    assert figures(asked(operator)) == {
        WIKI: (0.03, 0.5, 0.53),
        PATIENTS: (0.04, 0.25, 0.29),
    }
    assert figures(asked(operator, by="tenant")) == {
        "nlp": (0.03, 0.5, 0.53),
        "health": (0.04, 0.25, 0.29),
    }
    assert figures(asked(operator, by="store")) == {
        "dir-eu": (0.06, 0.75, 0.81),  # what left it, at the price of leaving it
        "dir-us": (0.01, 0, 0.01),
        "dir-pt": (0, 0, 0),
    }
    by_site = asked(operator, by="site", name="/acme/nlp")
    assert figures(by_site)["core-eu"] == (0.02, 0.5, 0.52)
    total = by_site["total"]
    assert (total["bytes"], total["moved_bytes"], total["transfers"]) == (2 * GB, GB, 1)
    assert round(total["forecast_month"], 6) == 0.53


def test_a_time_changes_what_was_spent_and_not_what_is_forecast(priced: World) -> None:
    since = (timezone.now() - timedelta(days=90)).isoformat()
    assert figures(asked(priced.operator, name=WIKI, since=since)) == {WIKI: (0.03, 4.5, 0.53)}
    until = (timezone.now() - timedelta(days=30)).isoformat()
    asked_then = asked(priced.operator, name=WIKI, since=since, until=until)
    assert figures(asked_then) == {WIKI: (0.03, 4, 0.53)}
    for query in ({"by": "person"}, {"until": "0001-01-02T00:00Z"}, {"since": "soon"}):
        wrong = priced.operator.client().get("/api/v1/costs", query)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")


def test_nobody_is_told_of_what_they_do_not_administer(priced: World) -> None:
    assert set(figures(asked(priced.ana))) == {WIKI}
    mine = asked(priced.carla, by="store")
    assert figures(mine)["dir-eu"] == (0.04, 0.25, 0.29)
    assert mine["total"]["bytes"] == 2 * GB
    assert asked(priced.carla, name=WIKI)["total"]["bytes"] == 0
    for stranger in (priced.ben.client(), Client()):
        answer = stranger.get("/api/v1/costs").json()
        assert (answer["results"], answer["total"]["storage_month"]) == ([], 0)


def test_pages_hold_each_once_at_the_same_number_of_queries(priced: World) -> None:
    first = asked(priced.operator, page_size=1)
    second = asked(priced.operator, page_size=1, cursor=first["next_cursor"])
    assert second["next_cursor"] is None
    keys = [row["key"] for page in (first, second) for row in page["results"]]
    assert keys == sorted([WIKI, PATIENTS])
    assert first["total"] == second["total"]
    with CaptureQueriesContext(connection) as one:
        asked(priced.operator, page_size=1)
    with CaptureQueriesContext(connection) as both:
        asked(priced.operator)
    assert len(one) == len(both)
