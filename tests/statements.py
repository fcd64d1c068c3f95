"""What each test has the platform ask of a database, so that a second one is asked the same.

While tests run on SQLite a ledger is kept: which statements the platform made in each, whatever
their values; from where in its code; and with what error, when they failed. On PostgreSQL those
tests run that together make every entry of the ledger in the least time, and those that are about
a database as such: with transactions of their own, marked `every_database`, or skipped on SQLite.
Those marked `looks` run on SQLite alone.

A ledger of other code, and tests that are not in it, decide nothing: what they would tell runs.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from xxhash import xxh3_64_intdigest

from config.env import REPOSITORY

_APPS = ("catalog", "config", "core", "governance", "lineage", "movement", "transforms")
_OURS = tuple(f"{REPOSITORY / app}/" for app in _APPS)
_TESTS = f"{REPOSITORY / 'tests'}/"
_ON_THE_WAY = str(REPOSITORY / "core" / "prepared.py")
"""Asks what others prepared: the place is theirs."""
_CALLERS = 2
"""How many of the platform's functions on the way to a statement tell its place."""
_ANY = [
    (re.compile(pattern), said)
    for pattern, said in (
        (r"'(?:[^']|'')*'|%s|\b\d+\b", "?"),
        (r"\(\s*\?(?:,\s*\?)*\s*\)", "(?)"),
        (r"(?:\(\?\),?\s*)+", "(?)"),
    )
]
_BEGIN_OR_END = re.compile("BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE")
_TIMES = 2
"""By how many tests each entry is made, where so many make it: their values differ."""
_DATABASE = frozenset({"db", "transactional_db"})
_CURRENT = pytest.StashKey["Ledger"]()
_CHOICE = pytest.StashKey["_Choice"]()


@dataclass
class Entry:
    """One test: how long it took, what it made (by hash), and whether it always runs."""

    seconds: float = 0.0
    always: bool = False
    made: set[int] = field(default_factory=set)


class Ledger:
    """What is written while tests run."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.now: Entry | None = None
        self._known: dict[tuple[Any, ...], int] = {}

    def listen(self, connection: Any, **_: Any) -> None:
        """Have every statement of a connection go through here."""
        if self.through not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.through)

    def through(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        failed = ""
        try:
            return execute(sql, params, many, context)
        except Exception as error:
            failed = type(error).__name__
            raise
        finally:
            self._note(str(sql), failed)

    def _note(self, sql: str, failed: str) -> None:
        if self.now is None or _BEGIN_OR_END.match(sql):
            return
        if places := _places():
            self.now.made.add(self.entry(sql, places, failed))

    def entry(self, sql: str, places: tuple[tuple[str, int], ...], failed: str) -> int:
        """Return the hash that stands for a statement; in every process it is the same."""
        key = (sql, places, failed)
        if key not in self._known:
            self._known[key] = xxh3_64_intdigest(repr((form_of(sql), places, failed)).encode())
        return self._known[key]


@dataclass(frozen=True)
class _Choice:
    """Which tests run on a second database."""

    known: frozenset[str]
    left_out: frozenset[str]

    @cached_property
    def files_left_out(self) -> set[str]:
        """The files of which every test is left out."""
        return _files(self.known) - _files(self.known - self.left_out)

    def takes(self, item: pytest.Item) -> bool:
        if item.nodeid in self.known:
            return item.nodeid not in self.left_out
        return _asks_a_database(item)


def _files(tests: Iterable[str]) -> set[str]:
    return {test.partition("::")[0] for test in tests}


def _places() -> tuple[tuple[str, int], ...]:
    """Return where the platform asks from, the nearest place first; nothing when a test asks."""
    found: list[tuple[str, int]] = []
    frame = sys._getframe(2)
    while frame is not None and len(found) < _CALLERS:
        file = frame.f_code.co_filename
        asks = _whose(file)
        if asks == "test":
            break
        if asks == "platform":
            found.append((file, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return tuple(found)


@cache
def _whose(file: str) -> str:
    """Return who asks in a file of code: the platform, a test, or nobody of ours."""
    if file in (_ON_THE_WAY, __file__):
        return ""
    if file.startswith(_OURS):
        return "platform"
    return "test" if file.startswith(_TESTS) else ""


def form_of(sql: str) -> str:
    """Return a statement without its values, and lists of them as if they held one."""
    for pattern, said in _ANY:
        sql = pattern.sub(said, sql)
    return sql


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only the tests for which it matters on which database they run",
    )


def pytest_configure(config: pytest.Config) -> None:
    kept = config.pluginmanager.has_plugin("cacheprovider")
    on_sqlite = not os.environ.get("DATABASE_URL", "").startswith("postgres")
    if config.getoption("--database-only"):
        ledger = read_ledger(config) if kept else {}
        config.stash[_CHOICE] = _Choice(frozenset(ledger), left_out(ledger))
    elif kept and on_sqlite:
        config.stash[_CURRENT] = Ledger()
        connection_created.connect(config.stash[_CURRENT].listen, weak=False)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread what would be left out whole, test by test."""
    choice = config.stash.get(_CHOICE, None)
    if choice is None or collection_path.suffix != ".py":
        return None
    file = collection_path.relative_to(config.rootpath).as_posix()
    return True if file in choice.files_left_out else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    choice = config.stash.get(_CHOICE, None)
    if choice is None:
        return
    gone = [item for item in items if not choice.takes(item)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if choice.takes(item)]


def pytest_report_header(config: pytest.Config) -> str | None:
    choice = config.stash.get(_CHOICE, None)
    if choice is None:
        return None
    if not choice.known:
        return "statements: no ledger of this code, so all run that ask a database anything"
    return f"statements: of {len(choice.known)} tests {len(choice.left_out)} add nothing"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin anew; what other processes of the run write comes later."""
    if _CURRENT in session.config.stash and not hasattr(session.config, "workerinput"):
        for path in _folder(session.config).glob("*.json"):
            path.unlink()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    ledger = item.config.stash.get(_CURRENT, None)
    if ledger is None:
        return (yield)
    for each in connections.all(initialized_only=True):
        ledger.listen(each)
    entry = ledger.entries[item.nodeid] = Entry()
    if _asks_a_database(item):
        entry.always = _is_about_databases(item)
        ledger.now = entry
    began = time.monotonic()
    try:
        return (yield)
    finally:
        entry.seconds = time.monotonic() - began
        ledger.now = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """What was skipped here, or failed, runs there."""
    report = yield
    ledger = item.config.stash.get(_CURRENT, None)
    if ledger is not None and ledger.now is not None and not report.passed:
        ledger.now.always = True
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    ledger = session.config.stash.get(_CURRENT, None)
    if ledger is None or not ledger.entries:
        return
    told = {
        "code": code(),
        "tests": {
            test: {**asdict(entry), "made": sorted(entry.made)}
            for test, entry in ledger.entries.items()
        },
    }
    process = getattr(session.config, "workerinput", {}).get("workerid", "alone")
    (_folder(session.config) / f"{process}.json").write_text(json.dumps(told))


def read_ledger(config: pytest.Config) -> dict[str, Entry]:
    """Return what was written of the code as it is, by test; nothing when it was of other code."""
    found: dict[str, Entry] = {}
    for path in sorted(_folder(config).glob("*.json")):
        told = json.loads(path.read_text())
        if told["code"] != code():
            return {}
        for test, entry in told["tests"].items():
            found[test] = Entry(entry["seconds"], entry["always"], set(entry["made"]))
    return found


def left_out(ledger: Mapping[str, Entry]) -> frozenset[str]:
    """Return the tests that make nothing which others do not make often enough.

    Of those that are left, the ones that add most for their time are taken until all is made;
    then the longest go that were taken early and turned out to add nothing.
    """
    makers = Counter(made for entry in ledger.values() for made in entry.made)
    lacking = {made: min(count, _TIMES) for made, count in makers.items()}
    always = [test for test, entry in ledger.items() if entry.always]
    taken: list[str] = []

    def take(test: str) -> None:
        taken.append(test)
        for made in ledger[test].made & lacking.keys():
            lacking[made] -= 1
            if not lacking[made]:
                del lacking[made]

    def worth(test: str) -> float:
        return len(ledger[test].made & lacking.keys()) / max(ledger[test].seconds, 0.01)

    for test in always:
        take(test)
    waiting = [(-worth(test), test) for test in ledger.keys() - set(always)]
    heapify(waiting)
    while lacking:
        _, test = heappop(waiting)
        now = (-worth(test), test)
        if waiting and now > waiting[0]:
            heappush(waiting, now)
        else:
            take(test)
    return frozenset(ledger.keys() - _needed(ledger, taken, makers))


def _needed(ledger: Mapping[str, Entry], taken: Iterable[str], makers: Counter[int]) -> set[str]:
    """Return the tests of `taken` without those that the others make up for, the longest first."""
    needed = set(taken)
    times = Counter(made for test in needed for made in ledger[test].made)
    for test in sorted(needed, key=lambda test: (-ledger[test].seconds, test)):
        made = ledger[test].made
        if not ledger[test].always and all(times[m] > min(makers[m], _TIMES) for m in made):
            needed.remove(test)
            times.subtract(made)
    return needed


def _asks_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("looks"):
        return False
    fixtures = _DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def _is_about_databases(item: pytest.Item) -> bool:
    if item.get_closest_marker("e2e"):
        return False  # it has transactions of its own for the sake of its server
    mark = item.get_closest_marker("django_db")
    own = mark is not None and bool(mark.kwargs.get("transaction"))
    own |= "transactional_db" in getattr(item, "fixturenames", ())
    return own or item.get_closest_marker("every_database") is not None


def _folder(config: pytest.Config) -> Path:
    kept: Any = config.cache
    return Path(kept.mkdir("statements"))


@cache
def code() -> str:
    """Return a digest of what the code is: when each file changed and how long it is."""
    stats = [
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for app in (*_APPS, "tests")
        for path in sorted((REPOSITORY / app).rglob("*.py"))
    ]
    return sha256(repr(stats).encode()).hexdigest()
