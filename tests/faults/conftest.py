"""One platform for all faults: each test leaves it running, and uses products of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.faults.relay import Relay
from tests.faults.world import BEHIND, World, make_world
from tests.live import platform, wait_for


@pytest.fixture(scope="session")
def _mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with platform(FAIRMESH_LEASE_SECONDS="3") as live:
        relay = Relay(lambda: str(live.told["stores"][BEHIND]))
        with contextlib.closing(relay):
            world = make_world(live, relay, tmp_path_factory.mktemp("client"))
            with world.operator:
                yield world


@pytest.fixture
def world(_mesh: World) -> Iterator[World]:
    """The platform, ready, with nothing broken."""
    wait_for(lambda: _mesh.live.get("/readyz")[0] == 200, "a ready platform")
    yield _mesh
    _mesh.relay.rate = None
