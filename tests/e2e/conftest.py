"""A real Chromium on a live server, over a small mesh with something in every state."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from movement.models import Transfer, TransferState
from movement.services import reconcile_all, run_transfer
from tests.browser import chromium
from tests.builders import World, deliver, kept
from tests.e2e.portal import EXPECTED, FRONTEND, ROWS, SECRET, SLOWEST_MS, TOKENS, WIKI, Visit

# Playwright's loop lives in the main thread, where the tests use the ORM without being async.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


_ONE_RENDERER = (
    "--process-per-site",
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
)
"""A process for each page that is opened takes a third of the browser's time."""


@pytest.fixture(scope="session")
def base_url() -> str:
    """Each test has a server of its own; this also replaces a fixture that warns."""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = chromium()
    if found is None:
        pytest.fail("The browser tests need Chromium: `python -m tests.browser`.")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *_ONE_RENDERER]
    return {**browser_type_launch_args, "executable_path": found, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1400, "height": 900}, "locale": "en-GB"}


@pytest.fixture(scope="session")
def built_portal() -> Path:
    """The portal's files, built when nobody did so before."""
    dist: Path = django_settings.PORTAL_DIST
    if not (dist / "index.html").exists():
        if not (FRONTEND / "node_modules").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FRONTEND, check=True)
        subprocess.run(["npm", "run", "build"], cwd=FRONTEND, check=True)
    return dist


@pytest.fixture
def mesh(transactional_db: None, settings: Any, tmp_path: Path) -> World:
    """Two sites; WIKI is open and at both, TOKENS takes a request, SECRET may not leave the EU."""
    return build_mesh(settings, tmp_path)


@kept
def build_mesh(world: World) -> None:
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_directory("store-eu", "core-eu")
    world.add_directory("store-us", "core-us")
    world.add_product(
        WIKI,
        description="Cities of Portugal with their people.\n\nCounted every ten years.",
        keywords=["cities", "census"],
        license="CC-BY-4.0",
        intended_use="Teaching.",
        access="open",
    )
    world.add_product(TOKENS, description="The same, tokenised.", license="MIT", access="request")
    world.add_product(SECRET, description="Visits by ward.", access="request")
    world.add_label(SECRET, "sensitivity:patient")
    world.add_protection("two-copies", "{copies: 2}")
    world.add_protection("eu-only", "{residency: [EU]}", labels=["sensitivity:patient"])
    world.publish(WIKI, {"cities.csv": ROWS, "notes/läs mich.txt": b"hello\n"}, "store-eu")
    world.publish(TOKENS, {"tokens.csv": ROWS}, "store-eu", inputs=[f"{WIKI}/v=1"])
    world.publish(SECRET, {"visits.csv": ROWS}, "store-eu")
    deliver()
    reconcile_all()
    for transfer in Transfer.objects.filter(state=TransferState.QUEUED):
        if transfer.version.product.name == WIKI:
            run_transfer(transfer.pk)


@pytest.fixture
def server(mesh: World, built_portal: Path, settings: Any) -> Iterator[str]:
    """The address of the live server. It answers one request at a time.

    It is stopped when the browser has closed its connections and each one's thread has ended: a
    thread that ended later would find the database closed to it.
    """
    settings.STATICFILES_DIRS = [built_portal]
    settings.MIDDLEWARE = ["tests.e2e.turns.OneAtATime", *settings.MIDDLEWARE]
    live = LiveServer("127.0.0.1")
    live.thread.httpd.daemon_threads = False
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    yield live.url
    live.stop()


@pytest.fixture
def visit(server: str, page: Page) -> Iterator[Visit]:
    """A page that must stay without errors in its console."""
    expect.set_options(timeout=SLOWEST_MS)
    page.set_default_timeout(SLOWEST_MS)
    visit = Visit(page, server)
    yield visit
    visit.settle()
    page.close()
    assert [text for text in visit.errors if not EXPECTED.search(text)] == []
