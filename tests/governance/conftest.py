"""What governance's tests share."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders import World, kept

WIKI, OPEN, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/open", "/acme/nlp/~/secret"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """The small mesh with a product to ask for, one that is open, and one private to nlp."""
    return build_three(settings, tmp_path)


@kept
def build_three(world: World) -> None:
    world.add_product(WIKI)
    world.add_product(OPEN, visibility="public", access="open")
    world.add_product(SECRET, visibility="team")
