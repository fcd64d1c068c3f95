"""What differs between two versions of a policy: the text by lines, the document by places."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs; None where a side does not have it."""

    where: str
    before: Any
    after: Any


def lines(before: str, after: str, names: tuple[str, str]) -> str:
    """Return a unified diff; empty when the texts are the same."""
    made = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=3)
    return "\n".join(made)


def changes(before: Any, after: Any, where: str = "") -> Iterator[Change]:
    """Yield every place at which two JSON values differ, in order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            place = f"{where}.{key}" if where else key
            yield from changes(before.get(key), after.get(key), place)
    elif before != after:
        yield Change(where, before, after)
