"""Questions that are asked at every turn: their SQL is written once a process.

Django takes several times as long to write the SQL of a queryset as the database takes to answer
it, and writes it anew each time. What every decision asks is not asked that way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class _Asked(str):
    """Stands in a query for a text that is told when it is asked."""


@dataclass(frozen=True, slots=True)
class _Written:
    """SQL, what stands for each of its parameters, and what turns a column into its value."""

    sql: str
    parameters: tuple[Any, ...]
    columns: dict[int, tuple[list[Callable[..., Any]], Any]]


class Prepared:
    """Values that a queryset of `values_list` gives, for texts that differ from time to time.

    `ask` is given a stand-in for each text. It must compare each with a column of text, once, and
    look at none of them.
    """

    def __init__(self, ask: Callable[..., QuerySet[Any, tuple[Any, ...]]]) -> None:
        self._ask = ask
        self._written: dict[tuple[str, int], _Written] = {}

    def __call__(self, *texts: str) -> list[tuple[Any, ...]]:
        """Return all rows; the number of texts may differ from call to call."""
        asked = connection.vendor, len(texts)
        written = self._written.get(asked)
        if written is None:
            written = self._written[asked] = _write(self._ask, len(texts))
        given = [
            texts[int(each)] if isinstance(each, _Asked) else each for each in written.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(written.sql, given)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [_values(row, written) for row in rows] if written.columns else rows


def _values(row: tuple[Any, ...], written: _Written) -> tuple[Any, ...]:
    values = list(row)
    for place, (converters, expression) in written.columns.items():
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    return tuple(values)


def _write(ask: Callable[..., QuerySet[Any, tuple[Any, ...]]], count: int) -> _Written:
    stand_ins = [_Asked(number) for number in range(count)]
    compiler = ask(*stand_ins).query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    used = sorted(each for each in parameters if isinstance(each, _Asked))
    if used != sorted(stand_ins):
        raise TypeError(f"Each text is to be compared once with a column of text: {sql}")
    columns = compiler.get_converters(expression for expression, _, _ in compiler.select)
    return _Written(sql, tuple(parameters), columns)
