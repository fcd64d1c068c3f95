"""Two meshes for tests of movement: one on real S3 servers, one on folders alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import World, add_two_sites, kept
from tests.servers import S3Server

WIKI, PATIENTS = "/acme/nlp/~/wiki", "/acme/health/~/patients"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """A mesh without stores; WIKI is open, PATIENTS takes a grant."""
    return build_products(settings, tmp_path)


def add_products(world: World) -> None:
    world.add_product(WIKI, access="open")
    world.add_product(PATIENTS)


build_products = kept(add_products)


@pytest.fixture
def two_sites(world: World, s3: S3Server) -> World:
    """With store-eu at core-eu and store-us at core-us, in buckets of their own."""
    add_two_sites(world, s3)
    return world


@pytest.fixture
def folders(world: World) -> World:
    """With the folders dir-eu at core-eu, dir-us at core-us and dir-pt at edge-pt (PT, EU)."""
    add_folders(world)
    return world


def add_folders(world: World) -> None:
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_site("edge-pt", "edge", ["PT", "EU"])
    world.add_directory("dir-eu", "core-eu")
    world.add_directory("dir-us", "core-us")
    world.add_directory("dir-pt", "edge-pt")
