"""A new database gets in one step what the databases of before got in several."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

ON_DISK: dict[tuple[str, str], Migration] = MigrationLoader(None).disk_migrations
SQUASHED = sorted(key for key, each in ON_DISK.items() if each.replaces)


def test_there_are_some() -> None:
    assert {app for app, _ in SQUASHED} == {"governance", "movement", "transforms"}


@pytest.mark.parametrize("key", SQUASHED, ids=str)
def test_the_state_is_that_after_all_steps(key: tuple[str, str]) -> None:
    squashed = ON_DISK[key]
    steps = sorted(
        each for each in ON_DISK if each[0] == key[0] and each[1] <= squashed.replaces[-1][1]
    )
    steps.remove(key)
    assert squashed.replaces == steps
    assert after([squashed]) == after([ON_DISK[each] for each in steps])


def after(migrations: list[Migration]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all that the migrations say of each model, in no order."""
    state = ProjectState()
    for each in migrations:
        state = each.mutate_state(state, preserve=False)
    return {name: said(model) for name, model in state.models.items()}


def said(model: ModelState) -> dict[str, Any]:
    options = dict(model.options)
    named = [each for kind in ("indexes", "constraints") for each in options.pop(kind, [])]
    return {
        "fields": {name: field.deconstruct()[1:] for name, field in model.fields.items()},
        "named": {each.name: each.deconstruct() for each in named},
        "options": options,
        "bases": model.bases,
        "managers": [(name, type(manager)) for name, manager in model.managers],
    }
