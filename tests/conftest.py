"""What all tests share."""

from __future__ import annotations

import pytest

from movement import live as live_events

pytest_plugins = ["tests.servers", "tests.live"]

_LIVE = frozenset({"e2e", "faults", "runtime"})
_DATABASE = frozenset({"db", "transactional_db"})
_ALIKE = frozenset({"client", "demo", "docs", "leaks", "peers", "runtime", "transforms"})
"""Folders of tests that ask the database nothing that tests of the other folders do not ask."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only the tests for which it matters on which database they run",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _LIVE.intersection(item.path.parts):
            # one process waits for the live platform while the other has the processor
            item.add_marker(pytest.mark.xdist_group("live"))
    if not config.getoption("--database-only"):
        return
    left_out = [item for item in items if not _touches_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _touches_database(item)]


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks every address there is reads every answer to its end."""
    monkeypatch.setattr(live_events, "LIFETIME_SECONDS", -1.0)


def _touches_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("looks") or _ALIKE.intersection(item.path.parts):
        return False
    fixtures = _DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None
