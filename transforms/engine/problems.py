"""What is wrong in a document: where it stands, why it is refused, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from core.errors import InvalidSpec
from transforms.engine.arrow import AnyField


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal. `where` is a path such as `steps[2].tokenise.colum`."""

    where: str
    message: str
    suggestion: str | None = None

    def below(self, prefix: str) -> Problem:
        return Problem(join(prefix, self.where), self.message, self.suggestion)

    def as_json(self) -> dict[str, str | None]:
        return {"where": self.where, "message": self.message, "suggestion": self.suggestion}


def join(prefix: str, where: str) -> str:
    if not prefix or not where:
        return prefix or where
    return prefix + where if where.startswith("[") else f"{prefix}.{where}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, or None when none is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def refuse(problems: Sequence[Problem]) -> InvalidSpec:
    """Return the error that carries all of `problems`; the first one is its sentence."""
    first = problems[0]
    hint = f" Did you mean {first.suggestion!r}?" if first.suggestion else ""
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidSpec(
        f"{first.where}: {first.message}{hint}{more}",
        errors=[problem.as_json() for problem in problems],
    )


def problems_of(error: InvalidSpec) -> list[Problem]:
    """Return the problems that `refuse` put into `error`."""
    return [
        Problem(found["where"], found["message"], found["suggestion"])
        for found in error.extra["errors"]
    ]


def require_column(schema: pa.Schema, column: str, where: str) -> AnyField:
    """Return the field of `column`; raises InvalidSpec that names the nearest column."""
    position = schema.get_field_index(column)
    if position < 0:
        known = ", ".join(schema.names) or "none"
        message = f"There is no column {column!r} here; the columns are: {known}."
        raise refuse([Problem(where, message, nearest(column, schema.names))])
    return schema.field(position)


def require_text(schema: pa.Schema, column: str, where: str) -> AnyField:
    """Return the field of `column`; raises InvalidSpec unless it holds strings."""
    field = require_column(schema, column, where)
    if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
        raise refuse([Problem(where, f"{column!r} holds {field.type}, not text.")])
    return field
