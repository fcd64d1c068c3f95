"""One platform for all faults: each test leaves it running, and uses products of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import World as Mesh
from tests.builders import build_world
from tests.faults.relay import Relay
from tests.faults.world import BEHIND, World, make_world
from tests.live import platform, wait_for

WIKI = "/acme/nlp/~/wiki"
FOLDERS = {
    "dir-eu": ("core-eu", ["DE", "EU"]),
    "dir-us": ("core-us", ["US"]),
    "dir-pt": ("edge-pt", ["PT", "EU"]),
}


@pytest.fixture(scope="package")
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


@pytest.fixture
def folders(db: None, settings: Any, tmp_path: Path) -> Mesh:
    """A mesh in this process, without a platform: a folder each at core-eu, core-us and edge-pt."""
    mesh = build_world(settings, tmp_path)
    mesh.add_product(WIKI, access="open")
    for name, (site, jurisdictions) in FOLDERS.items():
        mesh.add_site(site, site.partition("-")[0], jurisdictions)
        mesh.add_directory(name, site)
    return mesh
