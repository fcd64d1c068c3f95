"""How a simulation comes to know what runs and lies in the apps above governance.

An app registers a function for each kind of thing that a change of policy can touch. It is given
the names of products and returns rows, JSON values that each carry the `name` of their product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from governance.engine.protection import Requirement

Rows = Callable[[frozenset[str]], Iterable[dict[str, Any]]]
Planned = Callable[[Mapping[str, tuple[Requirement, Requirement]]], Iterable[dict[str, Any]]]

_rows: dict[str, Rows] = {}
_planners: list[Planned] = []


def register(what: str, rows: Rows) -> None:
    """Register what of one kind (`transfers`, `replicas`, `derived`) hangs on some products."""
    _rows[what] = rows


def register_planner(planner: Planned) -> None:
    """Register who plans the copies of products under two requirements, before and after."""
    _planners[:] = [planner]


def touched(names: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    """Return everything registered that hangs on the products of these names."""
    return {what: list(rows(names)) for what, rows in sorted(_rows.items())}


def planned(wanted: Mapping[str, tuple[Requirement, Requirement]]) -> list[dict[str, Any]]:
    """Return each copy that would be made, refused or not wanted any more."""
    return [row for planner in _planners for row in planner(wanted)]
