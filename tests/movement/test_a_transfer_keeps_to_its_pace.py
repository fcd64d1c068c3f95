"""The limits of a link and of a site's window are shared by the transfers within them."""

from __future__ import annotations

from typing import Any

import pytest

from movement.engine.copy import CopySummary, copy_files
from movement.models import Link, Site, Store, Transfer, TransferState
from movement.services import carry, request_transfer, run_transfer
from movement.services.claims import claim
from movement.services.pacing import Pacer, share_of
from tests.builders import World
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n"}


def asked_for(world: World) -> Transfer:
    version = world.publish(WIKI, FILES, store="dir-eu")
    return request_transfer(world.operator.principal, version=version.name, target="dir-us")


def limit_link(world: World, rate: int) -> None:
    sites = Site.objects.in_bulk(["core-eu", "core-us"], field_name="name")
    Link.objects.create(source=sites["core-eu"], target=sites["core-us"], bytes_per_second=rate)


def test_a_limit_is_shared_by_those_under_way(folders: World) -> None:
    first, second = asked_for(folders), asked_for(folders)
    eu, us = Store.objects.get(name="dir-eu"), first.target
    assert share_of(eu.site_id, us.site_id) is None
    limit_link(folders, 1_000_000)
    assert share_of(eu.site_id, us.site_id) == 1_000_000, "alone"
    assert claim(first.pk) is not None
    pacer = Pacer(us)
    pacer.go_from(eu)
    assert pacer.pace.bytes_per_second == 1_000_000
    other = claim(second.pk)
    assert other is not None
    pacer.adjust()
    assert pacer.pace.bytes_per_second == 500_000
    assert other.lease.write(state=TransferState.CANCELLED)
    pacer.adjust()
    assert pacer.pace.bytes_per_second == 1_000_000
    assert share_of(us.site_id, eu.site_id) is None, "the way back is another"


def test_the_window_of_a_site_limits_it_too(folders: World) -> None:
    every = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00"}
    windows = [{**every, "to": "24:00", "bytes_per_second": 64_000}]
    Site.objects.filter(name="core-us").update(windows=windows)
    limit_link(folders, 1_000_000)
    eu, us = (Site.objects.get(name=name) for name in ("core-eu", "core-us"))
    assert share_of(eu.pk, us.pk) == 64_000


def test_a_copy_goes_at_that_pace(folders: World, monkeypatch: pytest.MonkeyPatch) -> None:
    paces: list[float | None] = []

    def watched(*stores_and_items: Any, **how: Any) -> CopySummary:
        paces.append(how["watch"].pace.bytes_per_second)
        return copy_files(*stores_and_items, **how)

    monkeypatch.setattr(carry, "copy_files", watched)
    limit_link(folders, 1_000_000)
    assert run_transfer(asked_for(folders).pk) == TransferState.DONE
    assert paces == [1_000_000]
