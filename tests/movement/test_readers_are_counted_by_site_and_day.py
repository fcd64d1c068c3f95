"""Demand: one row a version, site and day; whoever resolves at a known site counts once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from movement.models import Demand
from movement.services import demand
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI


def counted() -> list[tuple[str, str, int]]:
    rows = Demand.objects.order_by("site__name")
    assert all(row.day == timezone.now().date() for row in rows)
    return [(row.version.name, row.site.name, row.reads) for row in rows.select_related("site")]


def test_who_asks_where_something_is_counts_once_and_not_again_when_they_fetch_it(
    folders: World,
) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n", "b.csv": b"x\n2\n"})
    ben = folders.ben.client()
    asked = {"name": WIKI, "site": "edge-pt", "page_size": "1"}
    page = ben.get("/api/v1/resolve", asked).json()
    ben.get("/api/v1/resolve", {**asked, "cursor": page["next_cursor"]})
    assert Client().get(page["results"][0]["urls"][0]).status_code == 200
    ben.get("/api/v1/resolve", asked)
    ben.get("/api/v1/resolve", {"name": WIKI, "site": "core-us"})
    content = f"/api/v1/versions/{version.pk}/content/a.csv"
    ben.get(content, {"site": "core-us"})
    assert ben.get("/api/v1/rows", {"name": f"{WIKI}/v=1/a.csv", "site": "core-us"}).streaming
    assert counted() == [(version.name, "core-us", 3), (version.name, "edge-pt", 2)]


def test_nobody_is_counted_without_a_site_that_is_known_or_without_the_right_to_read(
    folders: World,
) -> None:
    folders.publish(WIKI, {"a.csv": b"x\n1\n"})
    folders.publish(PATIENTS, {"a.csv": b"x\n1\n"})
    ben = folders.ben.client()
    for asked in ({"name": WIKI}, {"name": WIKI, "site": "nowhere"}):
        assert ben.get("/api/v1/resolve", asked).status_code == 200
    assert ben.get("/api/v1/resolve", {"name": PATIENTS, "site": "core-us"}).status_code == 403
    assert counted() == []


def test_a_count_that_cannot_be_written_keeps_nobody_from_reading(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.publish(WIKI, {"a.csv": b"x\n1\n"})

    def busy(*_: Any) -> None:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(demand, "_count", busy)
    asked = {"name": WIKI, "site": "core-us"}
    assert folders.ben.client().get("/api/v1/resolve", asked).status_code == 200
    assert counted() == []
