"""What all tests share."""

from __future__ import annotations

import pytest

from movement import live as live_events

pytest_plugins = ["tests.servers"]

_LIVE = ("e2e", "faults", "runtime")
_DATABASE = frozenset({"db", "transactional_db"})
_ALIKE = frozenset({"client", "demo", "docs", "leaks", "peers", "runtime", "transforms"})
"""Folders of tests that ask the database nothing that tests of the other folders do not ask."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only the tests for which it matters on which database they run",
    )


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _live(item) < len(_LIVE):
            # one process waits for the live platform while the others have the processor
            item.add_marker(pytest.mark.xdist_group("live"))
    items.sort(key=_live)  # the long ones first, each folder's platform up only while it is needed
    if not config.getoption("--database-only"):
        return
    left_out = [item for item in items if not _touches_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _touches_database(item)]


def _live(item: pytest.Item) -> int:
    """Return the place of an item's folder among those that wait for something live."""
    found = [place for place, folder in enumerate(_LIVE) if folder in item.path.parts]
    return min(found, default=len(_LIVE))


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks every address there is reads every answer to its end."""
    monkeypatch.setattr(live_events, "LIFETIME_SECONDS", -1.0)


def _touches_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("looks") or _ALIKE.intersection(item.path.parts):
        return False
    fixtures = _DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None
