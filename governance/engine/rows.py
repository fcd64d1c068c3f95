"""Which rows of a table a reader may see: a condition as an Arrow expression, and as SQL.

A row is kept only when the condition is true whatever a missing value might have been. So a null
satisfies neither a comparison nor its negation, as in Cedar an error is a deny; it is no hindrance
to another alternative (`or`) that holds without it, so that of several permits each keeps the rows
that it would keep alone. Negations are pushed down to the comparisons, and every comparison asks
for a value first: no engine's own idea of null is relied upon.

Comparable are texts, booleans and whole numbers. A column that is absent, of another type or there
twice raises ObligationUnmet: a filter is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import ObligationUnmet
from governance.engine.conditions import (
    All,
    Begins,
    Compares,
    Condition,
    Equals,
    Holds,
    Not,
    OneOf,
    Order,
    Some,
    Within,
)

_Told = TypeVar("_Told")
_Leaf = Equals | Compares | Begins | OneOf
_COMPARED: Mapping[Order, Callable[..., Any]] = {
    Order.LESS: pc.less,
    Order.AT_MOST: pc.less_equal,
    Order.MORE: pc.greater,
    Order.AT_LEAST: pc.greater_equal,
}


class _Language(Protocol[_Told]):
    """What conditions are told in."""

    def constant(self, value: bool) -> _Told: ...
    def leaf(self, leaf: _Leaf, holds: bool) -> _Told:
        """Say that the column has a value, and that the comparison holds or, if not, fails."""
        ...

    def every(self, parts: Sequence[_Told]) -> _Told: ...
    def any(self, parts: Sequence[_Told]) -> _Told: ...


def _tell(condition: Condition, holds: bool, language: _Language[_Told]) -> _Told:
    """Tell a condition, or its negation, with negations at the comparisons alone."""
    if isinstance(condition, bool):
        return language.constant(condition is holds)
    if isinstance(condition, Not):
        return _tell(condition.of, not holds, language)
    if isinstance(condition, All | Some):
        parts = [_tell(part, holds, language) for part in condition.of]
        every = isinstance(condition, All) is holds
        return language.every(parts) if every else language.any(parts)
    if isinstance(condition, Holds | Within):
        raise ObligationUnmet("The row filter asks for what a row has not: sets and places.")
    return language.leaf(condition, holds)


def columns_of(condition: Condition) -> frozenset[str]:
    """Return the columns that a condition reads."""
    return frozenset(_columns(condition))


def _columns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Not):
        yield from _columns(condition.of)
    elif isinstance(condition, All | Some):
        for part in condition.of:
            yield from _columns(part)
    elif not isinstance(condition, bool | Within):
        yield condition.attribute


# -- Arrow


def to_expression(condition: Condition, schema: pa.Schema) -> pc.Expression:
    """Return the filter of batches of `schema`; raise ObligationUnmet where it cannot be applied.

    The expression is true or false, never null.
    """
    found = _tell(condition, True, _Arrow(schema, pc.field, pc.scalar))
    assert isinstance(found, pc.Expression)
    return found


def kept(condition: Condition, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows of a batch that the condition keeps: what `to_expression` would, sooner.

    An expression is planned anew for every batch, and that costs more than most filters.
    """
    found = _tell(condition, True, _Arrow(batch.schema, batch.column, pa.scalar))
    if isinstance(found, pa.Scalar):
        return batch if found.as_py() else batch.slice(0, 0)
    return batch.filter(found)


@dataclass(frozen=True, slots=True)
class _Arrow:
    """Tells conditions in kernels, over expressions or over the columns of a batch."""

    schema: pa.Schema
    column: Callable[[str], Any]
    literal: Callable[[Any], Any]

    def constant(self, value: bool) -> Any:
        return self.literal(value)

    def every(self, parts: Sequence[Any]) -> Any:
        return reduce(pc.and_kleene, parts, self.constant(True))

    def any(self, parts: Sequence[Any]) -> Any:
        return reduce(pc.or_kleene, parts, self.constant(False))

    def leaf(self, leaf: _Leaf, holds: bool) -> Any:
        kind = _checked(leaf, self.schema)
        column = self.column(leaf.attribute)
        found = self._compared(leaf, column, kind)
        return pc.and_kleene(pc.is_valid(column), found if holds else pc.invert(found))

    def _compared(self, leaf: _Leaf, column: Any, kind: pa.DataType) -> Any:
        if isinstance(leaf, Begins):
            return pc.starts_with(column, pattern=leaf.prefix)
        if isinstance(leaf, OneOf):
            return pc.is_in(column, value_set=pa.array(sorted(leaf.values), kind))
        compared = _COMPARED[leaf.order] if isinstance(leaf, Compares) else pc.equal
        if not pa.types.is_unsigned_integer(kind):
            return compared(column, self.literal(leaf.value))
        if isinstance(leaf.value, int) and leaf.value < 0:  # below whatever the column can hold
            above = isinstance(leaf, Compares) and leaf.order in {Order.MORE, Order.AT_LEAST}
            return self.constant(above)
        return compared(column, self.literal(pa.scalar(leaf.value, pa.uint64())))


# -- SQL


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition of a WHERE clause, and the values of its question marks in order."""

    text: str
    values: list[str | bool | int] = field(default_factory=list)


def to_sql(condition: Condition, schema: pa.Schema) -> Sql:
    """Return the same filter for DuckDB, values bound and names quoted.

    DuckDB's names are blind to case, so two columns that differ by case alone are refused too.
    """
    return _tell(condition, True, _DuckDb(schema))


@dataclass(frozen=True, slots=True)
class _DuckDb:
    schema: pa.Schema

    def constant(self, value: bool) -> Sql:
        return Sql("true" if value else "false")

    def every(self, parts: Sequence[Sql]) -> Sql:
        return self._joined(parts, " AND ") if parts else self.constant(True)

    def any(self, parts: Sequence[Sql]) -> Sql:
        return self._joined(parts, " OR ") if parts else self.constant(False)

    def _joined(self, parts: Sequence[Sql], word: str) -> Sql:
        text = word.join(part.text for part in parts)
        return Sql(f"({text})", [value for part in parts for value in part.values])

    def leaf(self, leaf: _Leaf, holds: bool) -> Sql:
        _checked(leaf, self.schema)
        same = [n for n in self.schema.names if n.casefold() == leaf.attribute.casefold()]
        if len(same) > 1:
            raise _unmet(leaf.attribute, "is there under another case, too")
        column = quoted(leaf.attribute)
        found = self._compared(leaf, column)
        told = found.text if holds else f"NOT ({found.text})"
        return Sql(f"({column} IS NOT NULL AND {told})", found.values)

    def _compared(self, leaf: _Leaf, column: str) -> Sql:
        if isinstance(leaf, Begins):
            return Sql(f"starts_with({column}, ?)", [leaf.prefix])
        if isinstance(leaf, OneOf):
            if not leaf.values:
                return self.constant(False)
            marks = ", ".join("?" * len(leaf.values))
            return Sql(f"{column} IN ({marks})", [*sorted(leaf.values)])
        order = leaf.order if isinstance(leaf, Compares) else "="
        return Sql(f"{column} {order} ?", [leaf.value])


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


# -- what can be compared


def _checked(leaf: _Leaf, schema: pa.Schema) -> pa.DataType:
    """Return the type of the column that `leaf` reads; raise ObligationUnmet for a wrong one."""
    positions = schema.get_all_field_indices(leaf.attribute)
    if not positions:
        raise _unmet(leaf.attribute, "is not in the file")
    if len(positions) > 1:
        raise _unmet(leaf.attribute, "is in the file more than once")
    kind: pa.DataType = schema.field(positions[0]).type
    value = leaf.value if isinstance(leaf, Equals) else 0 if isinstance(leaf, Compares) else ""
    if isinstance(value, bool):
        fits, wanted = pa.types.is_boolean(kind), "boolean"
    elif isinstance(value, int):
        fits, wanted = pa.types.is_integer(kind), "a whole number"
    else:
        fits, wanted = pa.types.is_string(kind) or pa.types.is_large_string(kind), "a text"
    if not fits:
        raise _unmet(leaf.attribute, f"is {kind} in the file and has to be {wanted}")
    return kind


def _unmet(column: str, what: str) -> ObligationUnmet:
    return ObligationUnmet(
        f"You may read some rows alone, and they cannot be told: the column {column!r} {what}.",
        column=column,
    )
