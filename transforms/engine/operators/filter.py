"""filter: keep the rows that pass every rule, and say by which rule the others went."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InvalidSpec
from transforms.engine.arrow import Column, Text, ends_of, numbers_in, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
)
from transforms.engine.params import rule
from transforms.engine.problems import (
    Problem,
    problems_of,
    refuse,
    require_column,
    require_text,
)


@dataclass(frozen=True)
class Rule:
    """One test on one column. A null passes no test."""

    ONE_OF: ClassVar[tuple[str, ...]] = (
        "not_null",
        "min_chars",
        "max_chars",
        "min_words",
        "max_words",
        "min_letter_share",
        "matches",
        "excludes",
        "one_of",
        "min",
        "max",
    )

    column: str = field(metadata=rule("The column that is tested."))
    reason: str | None = field(
        default=None,
        metadata=rule("Under which name dropped rows are counted; by default `column.test`."),
    )
    not_null: bool | None = field(default=None, metadata=rule("True: the value is there."))
    min_chars: int | None = field(
        default=None, metadata=rule("Fewest Unicode characters.", minimum=0)
    )
    max_chars: int | None = field(
        default=None, metadata=rule("Most Unicode characters.", minimum=0)
    )
    min_words: int | None = field(
        default=None, metadata=rule("Fewest words, split at white space.", minimum=0)
    )
    max_words: int | None = field(
        default=None, metadata=rule("Most words, split at white space.", minimum=0)
    )
    min_letter_share: float | None = field(
        default=None,
        metadata=rule("Smallest share of letters among the characters.", minimum=0, maximum=1),
    )
    matches: str | None = field(
        default=None, metadata=rule("An RE2 expression found somewhere in the text.")
    )
    excludes: str | None = field(
        default=None, metadata=rule("An RE2 expression found nowhere in the text.")
    )
    one_of: tuple[str, ...] | None = field(
        default=None, metadata=rule("The only texts allowed.", min_items=1)
    )
    min: float | None = field(default=None, metadata=rule("The smallest number allowed."))
    max: float | None = field(default=None, metadata=rule("The largest number allowed."))

    def test(self) -> str:
        return next(name for name in self.ONE_OF if getattr(self, name) is not None)

    def drop_reason(self) -> str:
        return self.reason or f"{self.column}.{self.test()}"

    def check(self, schema: pa.Schema) -> None:
        """Raise InvalidSpec when the column is missing or cannot be tested so."""
        given = [name for name in self.ONE_OF if getattr(self, name) is not None]
        if not given or self.not_null is False:
            raise refuse([Problem("", "The test is empty; leave the rule out instead.")])
        test = self.test()
        if test == "not_null":
            require_column(schema, self.column, "column")
        elif test in ("min", "max"):
            found = require_column(schema, self.column, "column").type
            if not (pa.types.is_integer(found) or pa.types.is_floating(found)):
                message = f"{test} wants a number, {self.column!r} holds {found}."
                raise refuse([Problem("column", message)])
        else:
            require_text(schema, self.column, "column")
        if test in ("matches", "excludes"):
            _check_expression(cast(str, getattr(self, test)), test)

    def passed(self, values: Column) -> npt.NDArray[np.bool_]:
        """Return which of `values` pass, one by one."""
        test = self.test()
        answer = _TESTS[test](values, getattr(self, test))
        passed: npt.NDArray[np.bool_] = answer.fill_null(False).to_numpy(zero_copy_only=False)
        return passed


def _check_expression(expression: str, where: str) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid as error:
        raise refuse([Problem(where, f"Not an RE2 expression: {error}")]) from error


def _words(values: Column) -> Column:
    """Count the runs of characters that are not white space."""
    text = text_of(values)
    return pc.count_substring_regex(text, r"[^\s\pZ\x0b\x1c-\x1f\x{85}]+")


def _letter_share(values: Column) -> Column:
    """Return letters / characters; null for an empty text."""
    letters = pa.array(_letters(text_of(values)).astype(np.float64), pa.float64())
    characters = _characters(values).cast(pa.float64())
    nothing = pc.equal(characters, pa.scalar(0))
    some = cast("pa.DoubleArray", pc.if_else(nothing, None, characters))
    return pc.divide(letters, some)


def _characters(values: Column) -> Column:
    return pc.utf8_length(text_of(values))


_ASCII_LETTERS = np.isin(np.arange(256), list(map(ord, string.ascii_letters))).astype(np.uint32)


def _letters(text: Text) -> npt.NDArray[np.int64]:
    """Count the letters of each text; a null counts as none.

    ASCII is looked up byte by byte, twenty times faster than a match a letter; only texts that
    hold something else are asked of RE2.
    """
    ends = ends_of(text)
    start = int(ends[0])
    data = numbers_in(text.buffers()[2], np.uint8)[start : int(ends[-1])]
    ends = ends - start
    sums = np.concatenate([[0], np.cumsum(_ASCII_LETTERS[data], dtype=np.uint32)]).astype(np.int64)
    counts: npt.NDArray[np.int64] = sums[ends[1:]] - sums[ends[:-1]]
    ascii_only = cast("pa.BooleanArray", pc.string_is_ascii(text).fill_null(True))
    other = pc.invert(ascii_only)
    if pc.any(other).as_py():
        found = pc.count_substring_regex(text.filter(other), r"\pL")
        counts[other.to_numpy(zero_copy_only=False)] = found.to_numpy(zero_copy_only=False)
    return counts


def _at_least(found: Column, limit: object) -> pa.BooleanArray:
    return pc.greater_equal(found, pa.scalar(cast(float, limit)))


def _at_most(found: Column, limit: object) -> pa.BooleanArray:
    return pc.less_equal(found, pa.scalar(cast(float, limit)))


def _matches(values: Column, expression: object) -> pa.BooleanArray:
    return pc.match_substring_regex(text_of(values), cast(str, expression))


def _one_of(values: Column, allowed: object) -> pa.BooleanArray:
    texts = cast("tuple[str, ...]", allowed)
    return pc.is_in(values, value_set=pa.array(texts, values.type))


_TESTS: Mapping[str, Callable[[Column, object], pa.BooleanArray]] = {
    "not_null": lambda values, _: pc.is_valid(values),
    "min_chars": lambda values, limit: _at_least(_characters(values), limit),
    "max_chars": lambda values, limit: _at_most(_characters(values), limit),
    "min_words": lambda values, limit: _at_least(_words(values), limit),
    "max_words": lambda values, limit: _at_most(_words(values), limit),
    "min_letter_share": lambda values, limit: _at_least(_letter_share(values), limit),
    "matches": _matches,
    "excludes": lambda values, expression: pc.invert(_matches(values, expression)),
    "one_of": _one_of,
    "min": _at_least,
    "max": _at_most,
}


@dataclass(frozen=True)
class Filter(Operator):
    """Keep the rows that pass every rule; a row is counted under the first rule it breaks."""

    NAME: ClassVar[str] = "filter"
    VERSION: ClassVar[int] = 1

    where: tuple[Rule, ...] = field(metadata=rule("The rules, in order.", min_items=1))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        for position, each in enumerate(self.where):
            try:
                each.check(schema)
            except InvalidSpec as error:
                at = f"where[{position}]"
                problems.extend(problem.below(at) for problem in problems_of(error))
        if problems:
            raise refuse(problems)
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        tested = tuple(each.column for each in self.where)
        return filtered_by(tested, {name: identity(name) for name in schema.names})

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        failed: npt.NDArray[np.int64] = np.full(batch.num_rows, -1, dtype=np.int64)
        for position, each in enumerate(self.where):
            passed = each.passed(batch.column(each.column))
            failed[(failed < 0) & ~passed] = position
        return keep_rows(batch, failed, tuple(each.drop_reason() for each in self.where))
