"""Each transfer is measured: its link learns speed and failures, the row what it took and cost."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from governance.models import AuditEntry
from movement.engine.mesh import GB
from movement.models import Link, Site, Store, Transfer, TransferState
from movement.services import request_transfer, run_transfer
from movement.services.links import LEAST_BYTES, WEIGHT, measure_link
from movement.services.speed import Speed
from tests.builders import World
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(250)) * 8_000}


def put(world: World, **body: Any) -> Any:
    asked = {"source": "core-eu", "target": "core-us", **body}
    return world.operator.client().put("/api/v1/links", asked, content_type="application/json")


def carried(world: World, target: str = "dir-us") -> Transfer:
    version = world.publish(WIKI, FILES, store="dir-eu")
    row = request_transfer(world.operator.principal, version=version.name, target=target)
    run_transfer(row.pk)
    row.refresh_from_db()
    return row


def test_a_transfer_that_is_done_tells_speed_and_cost(folders: World) -> None:
    assert put(folders, cost_per_gb="100").status_code == 200
    Store.objects.filter(name="dir-us").update(cost_1000_puts=Decimal("5"))
    row = carried(folders)
    assert row.state == TransferState.DONE
    assert row.cost is not None
    assert float(row.cost) == pytest.approx(100 * row.bytes_total / GB + 5 * 2 / 1000, abs=1e-6)
    assert row.bytes_per_second is not None
    assert row.started_at is not None
    assert row.finished_at is not None
    seconds = (row.finished_at - row.started_at).total_seconds()
    assert row.bytes_per_second == pytest.approx(row.bytes_total / seconds)
    link = Link.objects.get(source__name="core-eu")
    assert link.measured_rate is not None
    assert link.measured_rate > row.bytes_total / (2 * seconds)
    assert (link.failure_rate, link.measured_at is None) == (0.0, False)


def test_a_source_that_fails_counts_against_its_link_alone(folders: World) -> None:
    row = carried(folders)
    (folders.home / "stores" / "dir-eu").rename(folders.home / "away")
    second = request_transfer(folders.operator.principal, version=row.version.name, target="dir-pt")
    assert run_transfer(second.pk) == TransferState.DONE
    rates = dict(Link.objects.values_list("source__name", "failure_rate").order_by("id")[1:])
    assert rates == {"core-eu": WEIGHT, "core-us": 0.0}


def test_without_another_source_the_source_is_blamed(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    row = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    (folders.home / "stores" / "dir-eu").rename(folders.home / "away")
    assert run_transfer(row.pk) == TransferState.WAITING
    row.refresh_from_db()
    assert row.reason_code == "source_unavailable"
    assert "dir-eu does not answer" in row.reason


def test_averages_move_towards_what_is_measured(folders: World) -> None:
    eu, us = (Site.objects.get(name=name) for name in ("core-eu", "core-us"))

    def measured(**facts: Any) -> tuple[float | None, float]:
        measure_link(eu, us, **facts)
        return Link.objects.values_list("measured_rate", "failure_rate").get()

    assert measured(bytes=LEAST_BYTES, seconds=1, failed=False) == (1e6, 0.0)
    assert measured(bytes=5 * LEAST_BYTES, seconds=1, failed=False) == (2e6, 0.0)
    assert measured(bytes=10, seconds=1, failed=True) == (2e6, WEIGHT), "too short to tell a speed"
    measure_link(eu, eu, bytes=LEAST_BYTES, seconds=1, failed=True)
    assert Link.objects.count() == 1, "within a site there is no link"


def test_while_it_runs_the_speed_is_that_of_the_last_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    at, done = [100.0], [0]
    monkeypatch.setattr(time, "monotonic", lambda: at[0])
    speed = Speed(lambda: {"files_done": 0, "bytes_done": done[0]})
    at[0], done[0] = 102.0, 1_000
    assert speed.now() == {"files_done": 0, "bytes_done": 1_000, "bytes_per_second": 500.0}
    at[0], done[0] = 103.0, 0
    assert speed.now()["bytes_per_second"] == 0.0, "another source began anew"
    speed.add(7)
    assert (speed.take_sent(), speed.take_sent()) == (7, 0)


def test_links_are_the_operators_and_audited(folders: World) -> None:
    answer = put(folders, open=False, slots=2, bytes_per_second=1_000)
    assert (answer.status_code, answer.json()["slots"], answer.json()["open"]) == (200, 2, False)
    entry = AuditEntry.objects.get(action="change-link")
    assert (entry.name, entry.detail["slots"]) == ("core-eu → core-us", 2)
    assert put(folders).json()["slots"] is None, "what is not said has no limit"
    for wrong in ({"target": "core-eu"}, {"slots": 0}, {"cost_per_gb": "-1"}):
        assert put(folders, **wrong).status_code == 422
    assert put(folders, target="nowhere").status_code == 404
    rows = folders.operator.client().get("/api/v1/links").json()["results"]
    assert [(row["source"], row["target"]) for row in rows] == [("core-eu", "core-us")]
    for person in (folders.ana, folders.ben):
        assert person.client().get("/api/v1/links").status_code == 403
        body = {"source": "core-eu", "target": "core-us"}
        answer = person.client().put("/api/v1/links", body, content_type="application/json")
        assert answer.status_code == 403
    assert Link.objects.count() == 1
