"""What all tests share."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.servers", "tests.live"]

_LIVE = {"e2e": "browser", "faults": "platform", "runtime": "platform"}
"""The folders whose tests mostly wait, and the process that each shares with others of its kind."""
_DATABASE = frozenset({"db", "transactional_db", "live_server", "live", "_mesh"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only the tests that touch the database: the others know no difference between two",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for group in {_LIVE[part] for part in item.path.parts if part in _LIVE}:
            # two processes wait for live platforms while the third has the processors
            item.add_marker(pytest.mark.xdist_group(group))
    if not config.getoption("--database-only"):
        return
    left_out = [item for item in items if not _touches_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _touches_database(item)]


def _touches_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("looks"):
        return False
    fixtures = _DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None
