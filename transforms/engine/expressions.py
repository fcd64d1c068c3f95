"""SQL expressions over the columns of one row: which are allowed, and what they read.

DuckDB parses them; its syntax tree is walked here. An expression sees one row and nothing else: no
file, no table, no other row, no clock, no chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from core.errors import InvalidSpec
from transforms.engine.derive_child import connect
from transforms.engine.problems import Problem, nearest, problems_of, refuse

_ALLOWED = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "LAMBDA",
    "OPERATOR",
    "TYPE",
}
_NOT_ALLOWED: Mapping[str, str] = {
    "SUBQUERY": "A subquery cannot be used; for lists there is list_contains.",
    "WINDOW": "A window looks at other rows.",
    "STAR": "Name the columns; * cannot be used.",
}
Node = Mapping[str, Any]


def columns_of(expression: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return which of `names` an expression reads; case does not matter, as in SQL.

    Raises InvalidSpec for what is no expression, for what is not allowed, and for other columns.
    """
    tree = _tree(expression)
    read: dict[str, None] = {}
    for name in _walk(tree, frozenset()):
        found = [each for each in names if each.lower() == name.lower()]
        if len(found) != 1:
            known = ", ".join(names) or "none"
            message = f"There is no column {name!r} here; the columns are: {known}."
            if found:
                message = f"{name!r} could be each of {', '.join(found)}."
            raise _refuse(message, nearest(name, names))
        read[found[0]] = None
    return tuple(read)


def _refuse(message: str, suggestion: str | None = None) -> InvalidSpec:
    return refuse([Problem("", message, suggestion)])


def _tree(expression: str) -> Node:
    """Return the syntax tree of one expression; raises InvalidSpec when it is not just that."""
    parsed = _parsed(expression)
    if parsed["error"]:
        raise _refuse(f"Not an SQL expression: {parsed['error_message']}.")
    (chosen, *others), rest = _split(parsed)
    if others or rest != _split(_parsed("1"))[1]:
        raise _refuse("Expected one SQL expression and nothing around it.")
    return chosen


@cache
def _parsed(expression: str) -> dict[str, Any]:
    with connect() as connection:
        query = [f"SELECT ({expression}\n)"]
        found = connection.execute("SELECT json_serialize_sql(?)", query).fetchone()
    assert found is not None
    return cast("dict[str, Any]", json.loads(found[0]))


def _split(parsed: Node) -> tuple[list[Node], object]:
    """Return what is selected, and all else that was said."""
    statements = [dict(each["node"]) for each in parsed["statements"]]
    return statements[0].pop("select_list", [{}, {}]), statements


def _walk(node: object, bound: frozenset[str]) -> Iterator[str]:
    """Yield the columns that are read; raises InvalidSpec for what is not allowed."""
    if isinstance(node, list):
        for each in node:
            yield from _walk(each, bound)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind is not None and kind not in _ALLOWED:
        message = _NOT_ALLOWED.get(kind, f"{str(kind).lower()} cannot be used here.")
        raise _refuse(message)
    if kind == "COLUMN_REF":
        if node["column_names"][0] not in bound:
            yield node["column_names"][0]
        return
    if kind == "FUNCTION":
        _check_function(node["function_name"])
    elif kind == "LAMBDA" and node["syntax_type"] == "LAMBDA_KEYWORD":
        yield from _walk(node["expr"], bound | set(_walk(node["lhs"], frozenset())))
        return
    for member in node.values():
        yield from _walk(member, bound)


def _check_function(name: str) -> None:
    """Raise InvalidSpec unless the same arguments always give the same, row by row."""
    overloads = _functions().get(name.lower(), ())
    if not overloads:
        raise _refuse(f"There is no function {name!r}.", nearest(name, _functions()))
    if name.lower() == "json_serialize_plan":
        raise _refuse(f"{name} looks into the database that computes the value.")
    kinds = {kind for kind, *_ in overloads}
    if kinds & {"aggregate", "window"}:
        raise _refuse(f"{name} looks at many rows; an expression sees one.")
    if not kinds & {"scalar", "macro"}:
        raise _refuse(f"{name} gives rows, not a value.")
    scalars = {stability for kind, stability, *_ in overloads if kind == "scalar"}
    if "VOLATILE" in scalars or (scalars and "CONSISTENT" not in scalars):
        raise _refuse(f"{name} does not always give the same for the same row.")
    for kind, _, parameters, definition in overloads:
        if kind == "macro":
            _check_macro(name, definition, frozenset(parameters))


def _check_macro(name: str, definition: str, parameters: frozenset[str]) -> None:
    try:
        others = list(_walk(_tree(definition), parameters))
    except InvalidSpec as error:
        raise _refuse(f"{name} cannot be used: {problems_of(error)[0].message}") from error
    if others:
        raise _refuse(f"{name} does not always give the same for the same row.")


@cache
def _functions() -> Mapping[str, tuple[tuple[str, str, list[str], str], ...]]:
    """Return DuckDB's functions: of each overload the kind, stability, parameters, definition."""
    found: dict[str, tuple[tuple[str, str, list[str], str], ...]] = {}
    with connect() as connection:
        rows = connection.execute(
            "SELECT function_name, function_type, stability, parameters, macro_definition "
            "FROM duckdb_functions() ORDER BY ALL"
        ).fetchall()
    for name, *told in rows:
        found[name] = (*found.get(name, ()), (told[0], told[1], told[2], told[3]))
    return found
