"""What tells of a person is found wherever it stands; what does not stays in clear."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Invalid
from governance.engine.leaves import Personal, commitment, committed, told


def personal(action: str = "grant", name: str = "/acme", **detail: Any) -> set[tuple[str, str]]:
    """Return (value, of whom) of what an act by Ana is to commit to, Ana herself left out."""
    found = told("ana", "", action, name, detail).personal()
    assert Personal("ana", "ana") in found
    return {(part.value, part.of) for part in found} - {("ana", "ana")}


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ({"to": "ben"}, {("ben", "ben")}),
        ({"members": [{"username": "ben", "role": "owner"}]}, {("ben", "ben")}),
        ({"reviewers": ("ben", "carla")}, {("ben", "ben"), ("carla", "carla")}),
        ({"deep": {"list": [{"username": "ben"}]}}, {("ben", "ben")}),
        ({"reason": "Ben asked"}, {("Ben asked", "ana")}),
        ({"email": "a@b.c", "ip": "::1"}, {("a@b.c", "ana"), ("::1", "ana")}),
        ({"free": Personal("x", "dora")}, {("x", "dora")}),
        ({"to": "/acme/nlp/~/new"}, set()),
        ({"to": "service.reconciler", "user": ""}, set()),
        ({"label": "pii:email", "purpose": "any", "days": 3, "reason": None}, set()),
    ],
)
def test_people_are_found_by_the_key(detail: dict[str, Any], found: set[tuple[str, str]]) -> None:
    assert personal(**detail) == found


@pytest.mark.parametrize(
    ("action", "name", "found"),
    [
        ("publish", "/acme/nlp/~/wiki/v=1", set()),
        ("create-user", "ben", {("ben", "ben")}),
        ("an-act-that-nobody-foresaw", "ben", {("ben", "ben")}),
        ("create-store", "store-eu", set()),
        ("sign-in", "203.0.113.9", {("203.0.113.9", "ana")}),
    ],
)
def test_a_name_that_is_no_path_is_a_persons_unless_known_otherwise(
    action: str, name: str, found: set[tuple[str, str]]
) -> None:
    assert personal(action, name) == found


def test_a_service_acts_and_writes_in_clear() -> None:
    entry = told("service.reconciler", "", "transfer", "/acme", {"reason": "the store is away"})
    assert entry.personal() == set()
    assert committed(entry.detail, {}) == {"reason": "the store is away"}


def test_who_is_acted_for_is_told_as_well() -> None:
    assert told("robot", "ben", "read", "/acme", {}).personal() == {
        Personal("robot", "robot"),
        Personal("ben", "ben"),
    }


def test_whatever_was_typed_as_a_user_name_is_committed_to() -> None:
    """It may be a password in the wrong field."""
    for typed in ("/secret", "commitment:00", "hunter2"):
        assert told(typed, "", "sign-in", "::1", {}).principal == Personal(typed, typed)


def test_what_no_text_may_hold_is_refused() -> None:
    with pytest.raises(Invalid):
        commitment(b"salt", "\ud800")
