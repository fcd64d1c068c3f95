"""One platform for the tests that leave it whole and running; it is gone when they are through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LivePlatform, platform


@pytest.fixture(scope="package")
def live() -> Iterator[LivePlatform]:
    # as for a new user: it makes its tables itself
    with platform(bare=True, FAIRMESH_WEB_PROCESSES="2") as running:
        yield running
