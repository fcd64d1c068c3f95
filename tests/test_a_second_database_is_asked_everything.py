"""Of the tests that run on PostgreSQL, each statement of the platform is made by one at least."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from governance.models import Team, User
from tests import statements
from tests.builders import build_world
from tests.statements import Entry, Ledger, form_of, left_out, read_ledger

entries = st.builds(
    Entry,
    seconds=st.floats(0, 100),
    always=st.booleans(),
    made=st.sets(st.integers(0, 12), max_size=5),
)
ledgers = st.dictionaries(st.text("abc", min_size=1, max_size=3), entries, max_size=12)


def times_made(ledger: dict[str, Entry]) -> Counter[int]:
    return Counter(made for entry in ledger.values() for made in entry.made)


@given(ledgers)
def test_what_is_left_out_is_made_by_others(ledger: dict[str, Entry]) -> None:
    out = left_out(ledger)
    kept = {test: entry for test, entry in ledger.items() if test not in out}
    now = times_made(kept)
    assert all(now[made] >= min(count, 2) for made, count in times_made(ledger).items())
    assert all(entry.made or entry.always for entry in kept.values()), "none runs for nothing"
    assert not any(ledger[test].always for test in out)
    assert left_out(dict(reversed(ledger.items()))) == out, "each process finds the same"


def test_of_those_that_make_the_same_the_quick_ones_run() -> None:
    ledger = {
        name: Entry(seconds, made={1, 2}) for name, seconds in (("a", 3.0), ("b", 1.0), ("c", 2.0))
    }
    assert left_out(ledger) == {"a"}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("x IN (%s, %s, %s) LIMIT 21", "x IN (%s) LIMIT 1", True),
        ("VALUES (%s, %s), (%s, %s)", "VALUES (%s, %s)", True),
        ("x = 'it''s'", "x = 'other'", True),
        ("SELECT a FROM t", "SELECT b FROM t", False),
        ("x = %s", "x > %s", False),
    ],
)
def test_a_statement_is_the_same_whatever_its_values(one: str, other: str, equal: bool) -> None:
    assert (form_of(one) == form_of(other)) is equal


@pytest.mark.django_db
def test_what_the_platform_asks_is_written_and_not_what_a_test_asks(
    settings: Any, tmp_path: Path
) -> None:
    world = build_world(settings, tmp_path)
    ledger = Ledger()
    with connection.execute_wrapper(ledger.through):
        ledger.now = Entry()
        assert Team.objects.exists()
        assert User.objects.exists()
        assert ledger.now.made == set()
        world.add_team("one", {"ana": "owner"})
        first = set(ledger.now.made)
        assert first
        world.add_team("two", {"ben": "owner"})
        assert ledger.now.made == first, "other values are no other statement"
        world.add_domain("/acme/other", "one")
        assert ledger.now.made > first


def test_the_place_and_the_error_make_another_entry() -> None:
    here, there = (("a", 1),), (("a", 2),)
    entry = Ledger().entry
    told = {entry("x = 1", here, ""), entry("x = 1", there, ""), entry("x = 1", here, "KeyError")}
    assert len(told) == 3
    assert Ledger().entry("x = 2", here, "") in told, "in each process the same"


def test_a_ledger_of_other_code_tells_nothing(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "_folder", lambda config: tmp_path)
    test = {"seconds": 1.5, "always": True, "made": [1, 2]}
    for code, found in ((statements.code(), {"t": Entry(1.5, True, {1, 2})}), ("other", {})):
        (tmp_path / "gw0.json").write_text(json.dumps({"code": code, "tests": {"t": test}}))
        assert read_ledger(pytestconfig) == found
