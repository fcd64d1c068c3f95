"""What a scan has counted so far: sums that add up in any order and are written as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.engine.scan.counting import Count, Counter
from governance.engine.scan.texts import Column, texts_in

MAX_COLUMNS = 10_000
LINES = ""
"""The column of what is text without columns, and of records that cannot be read as rows: what is
found there is labelled on the product."""
_Z = 1.959963984540054


def wilson(matches: int, values: int) -> tuple[float, float]:
    """Return the 95 % interval of a share. Source: Wilson 1927. (0, 1) when nothing was seen."""
    if values <= 0:
        return 0.0, 1.0
    share, square = matches / values, _Z * _Z
    middle = share + square / (2 * values)
    spread = _Z * math.sqrt(share * (1 - share) / values + square / (4 * values * values))
    scale = 1 + square / values
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return (0.0 if matches == 0 else max(low, 0.0)), (1.0 if matches == values else min(high, 1.0))


@dataclass(slots=True)
class ColumnTally:
    """Of one column: its rows, the texts looked at, and what each detector counts."""

    rows: int = 0
    values: int = 0
    """Texts that are not null; of a nested column more than it has rows."""
    counts: dict[str, Count] = field(default_factory=dict)

    def add(self, other: ColumnTally) -> None:
        self.rows += other.rows
        self.values += other.values
        for detector, count in other.counts.items():
            self.counts[detector] = self.counts.get(detector, Count()) + count

    def as_json(self) -> dict[str, Any]:
        counts = {name: [c.candidates, c.matches] for name, c in sorted(self.counts.items())}
        return {"rows": self.rows, "values": self.values, "counts": counts}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> ColumnTally:
        counts = {name: Count(*pair) for name, pair in raw["counts"].items()}
        return cls(raw["rows"], raw["values"], counts)


@dataclass(slots=True)
class Tally:
    """Of a version: its columns by name. Columns of several files with one name are one."""

    columns: dict[str, ColumnTally] = field(default_factory=dict)

    def see(self, counter: Counter, columns: Iterable[tuple[str, Column]]) -> int:
        """Count the columns of one block; return the bytes of text that were looked at."""
        whole = list(columns)
        texts = [(at, each) for at, (_, column) in enumerate(whole) for each in texts_in(column)]
        seen = [ColumnTally(rows=len(column)) for _, column in whole]
        counted = counter.count_all([each for _, each in texts])
        for (at, each), counts in zip(texts, counted, strict=True):
            seen[at].add(ColumnTally(values=len(each) - each.null_count, counts=counts))
        for (name, _), column in zip(whole, seen, strict=True):
            self.columns.setdefault(self._place(name), ColumnTally()).add(column)
        return sum(each.nbytes for _, each in texts)

    def _place(self, name: str) -> str:
        """Return the column's name; a table wider than MAX_COLUMNS counts the rest as one."""
        known = name in self.columns or len(self.columns) < MAX_COLUMNS
        return name if known else LINES

    def add(self, other: Tally) -> None:
        for name, column in other.columns.items():
            self.columns.setdefault(self._place(name), ColumnTally()).add(column)

    def as_json(self) -> dict[str, Any]:
        return {name: column.as_json() for name, column in sorted(self.columns.items())}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Tally:
        return cls({name: ColumnTally.from_json(each) for name, each in raw.items()})
