"""A barrier without a run: shards go in, the units of the next stage come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from transforms.engine.barriers.base import Barrier, Desk
from transforms.engine.operators.base import ColumnUse
from transforms.engine.sources import MemoryFolder


@dataclass
class Passed:
    """What came out behind a barrier: the rows of each unit, and how many were dropped."""

    units: list[list[dict[str, object]]]
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, object]]:
        return [row for unit in self.units for row in unit]


def passed(
    step: Barrier,
    shards: Sequence[Sequence[pa.RecordBatch]],
    partitions: int,
    beside: Sequence[Sequence[pa.RecordBatch]] = (),
) -> Passed:
    """Return what becomes of `shards`, each a list of batches, of which one is the schema.

    `beside` are the shards of the input that the step looks up.
    """
    schema = next(batch.schema for shard in shards for batch in shard)
    units = len(shards) + len(beside)
    desk = Desk(MemoryFolder(), 0, schema, units, partitions, "run", len(beside))
    for unit, shard in enumerate([*shards, *beside]):
        with step.leave(desk, unit) as leaving:
            for batch in shard:
                leaving.write(batch)
    for level, tasks in enumerate(step.levels(partitions)):
        for task in range(tasks):
            step.work(desk, level, task)
    found = Passed([])
    for unit in range(step.units_behind(len(shards), partitions)):
        rows: list[dict[str, object]] = []
        for applied in step.rows(desk, unit):
            applied.batch.validate(full=True)
            wanted = step.output_schema(schema)
            assert applied.batch.schema.equals(wanted, check_metadata=True)
            rows += applied.batch.to_pylist()
            for reason, count in applied.dropped().items():
                found.dropped[reason] = found.dropped.get(reason, 0) + count
        found.units.append(rows)
    return found


def assert_columns_depend_as_told(
    step: Barrier, batch: pa.RecordBatch, changed: pa.RecordBatch
) -> None:
    """Change one input column at a time; only columns whose map names it may become others."""
    told = step.column_map(batch.schema)
    assert list(told) == batch.schema.names
    before = passed(step, [[batch]], 1).rows
    seen = set()
    for position, column in enumerate(batch.schema.names):
        other = batch.set_column(position, batch.schema.field(position), changed.column(position))
        after = passed(step, [[other]], 1).rows
        for name, uses in told.items():
            if [row[name] for row in after] != [row[name] for row in before]:
                assert column in {use.column for use in uses}, f"{name} depends on {column}"
                seen.add((name, column))
    assert seen == _told(told), "the change does not show everything that the map tells"


def _told(told: dict[str, tuple[ColumnUse, ...]] | object) -> set[tuple[str, str]]:
    assert isinstance(told, dict)
    return {(name, use.column) for name, uses in told.items() for use in uses}
