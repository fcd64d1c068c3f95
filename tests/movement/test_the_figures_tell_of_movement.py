"""/metrics: what waits and why, what it costs, what is wrong; in a fixed number of queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movement.metrics import figures
from movement.models import (
    FindingKind,
    Link,
    Replica,
    Scrub,
    ScrubFinding,
    ScrubState,
    Site,
    Store,
    Transfer,
)
from tests.builders import World
from tests.movement.conftest import WIKI


@pytest.fixture
def busy(folders: World) -> World:
    """Two versions at dir-eu: of the first a copy is done and one waits, of the second one runs."""
    stores = {store.name: store for store in Store.objects.all()}
    first = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    second = folders.publish(WIKI, {"a.csv": b"x\n2\n"}, store="dir-eu")
    now = timezone.now()
    common = {"asked_by": "x", "source": stores["dir-eu"], "next_attempt_at": now}
    Transfer.objects.create(
        version=first, target=stores["dir-us"], state="done", bytes_done=4000, cost="0.5", **common
    )
    Transfer.objects.create(
        version=first,
        target=stores["dir-pt"],
        state="waiting",
        reason_code="site_offline",
        **{**common, "next_attempt_at": now - timedelta(seconds=90)},
    )
    Transfer.objects.create(
        version=second,
        target=stores["dir-us"],
        state="running",
        bytes_done=1000,
        bytes_per_second=250.0,
        **common,
    )
    eu, us = Site.objects.get(name="core-eu"), Site.objects.get(name="core-us")
    Link.objects.create(source=eu, target=us, measured_rate=5e6, failure_rate=0.25)
    Store.objects.filter(name="dir-pt").update(reachable=False, quarantined_at=now)
    Site.objects.filter(name="edge-pt").update(state="offline")
    scrub = Scrub.objects.create(
        replica=Replica.objects.filter(version=first).get(),
        deep=True,
        state=ScrubState.BROKEN,
        asked_by="x",
        bytes=700,
    )
    for path, mended in (("a", None), ("b", now)):
        ScrubFinding.objects.create(
            scrub=scrub, path=path, kind=FindingKind.FLIPPED, detail="", repaired_at=mended
        )
    return folders


def page() -> dict[str, float]:
    lines = Client().get("/metrics").content.decode().splitlines()
    rows = (line.rpartition(" ") for line in lines if line.startswith("fairmesh_"))
    return {name: float(value) for name, _, value in rows}


def test_every_figure_says_what_is_there(busy: World) -> None:
    found = page()
    link = '{source="core-eu",target="core-us"}'
    expected = {
        'fairmesh_transfers{state="waiting"}': 1,
        'fairmesh_transfers{state="failed"}': 0,
        'fairmesh_transfers_waiting{reason="site_offline"}': 1,
        "fairmesh_moved_bytes_total": 5000,
        "fairmesh_moving_bytes_per_second": 250,
        "fairmesh_versions_short_of_copies": 2,
        f"fairmesh_link_bytes_total{link}": 5000,
        f"fairmesh_link_cost_total{link}": 0.5,
        f"fairmesh_link_bytes_per_second{link}": 5e6,
        f"fairmesh_link_failure_rate{link}": 0.25,
        'fairmesh_replicas{state="complete",store="dir-eu"}': 2,
        'fairmesh_scrubs_total{state="broken"}': 1,
        "fairmesh_scrubbed_bytes_total": 700,
        'fairmesh_scrub_findings_total{kind="flipped"}': 2,
        'fairmesh_scrub_findings_open{kind="flipped"}': 1,
        'fairmesh_store_reachable{store="dir-eu"}': 1,
        'fairmesh_store_reachable{store="dir-pt"}': 0,
        'fairmesh_store_quarantined{store="dir-pt"}': 1,
        'fairmesh_site_state{site="edge-pt",state="offline"}': 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 89 < found["fairmesh_transfer_queue_age_seconds"] < 150
    assert not re.search(r"wiki|acme", "".join(found))


def queries() -> int:
    with CaptureQueriesContext(connection) as asked:
        list(figures())
    return len(asked)


def test_more_work_takes_no_more_queries(busy: World) -> None:
    before = queries()
    busy.add_site("core-fr", "core", ["FR", "EU"])
    busy.add_directory("dir-fr", "core-fr")
    version = busy.publish(WIKI, {"a.csv": b"x\n3\n"}, store="dir-fr")
    Transfer.objects.create(
        version=version,
        target=Store.objects.get(name="dir-us"),
        source=Store.objects.get(name="dir-fr"),
        asked_by="x",
        next_attempt_at=timezone.now(),
    )
    assert queries() == before <= 10
