"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis import settings
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from movement import live as live_events

pytest_plugins = ["tests.servers", "tests.statements"]

gc.disable()  # until all tests are imported

# on a busy machine an example may take any time
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")

_LIVE = {"tests/e2e/": "browser", "tests/faults/": "platform", "tests/runtime/": "platform"}
"""One process waits for the browser and one for the platform, while a third has the processor."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _LiveTogether(config, log)


class _LiveTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist carries no types
    """Gives each kind of live tests to one process, before all others, which go one by one.

    So there is one platform at a time. Groups by mark do not take effect with this pytest, which
    does not let xdist change the id of a test.
    """

    def _split_scope(self, nodeid: str) -> str:
        found = [kind for folder, kind in _LIVE.items() if nodeid.startswith(folder)]
        return found[0] if found else nodeid


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of each folder together: its platform is up only while it is needed."""
    items.sort(key=_place)


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector passes over it, and looks less often."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


def _place(item: pytest.Item) -> int:
    """Return the place of an item's folder among the live ones; the others come after them."""
    found = [place for place, folder in enumerate(_LIVE) if item.nodeid.startswith(folder)]
    return min(found, default=len(_LIVE))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of the plugin; at the end nobody is connected to it any more.

    A thread that has ended leaves its connection to the collector, and PostgreSQL removes no
    database that anyone is connected to.
    """
    yield
    gc.collect()
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks every address there is reads every answer to its end."""
    monkeypatch.setattr(live_events, "LIFETIME_SECONDS", -1.0)
