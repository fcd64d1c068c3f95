"""The stages of a run: each ends with a barrier, but for the last, and is done unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from transforms.engine.barriers.base import Barrier
from transforms.engine.operators.base import Operator


@dataclass(frozen=True, slots=True)
class Load:
    """How much there is to do over an input: shards, and about how many bytes of rows."""

    shards: int = 0
    bytes: int = 0

    def with_one(self, size: int) -> Load:
        return Load(self.shards + 1, self.bytes + size)


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps [start, end) of the pipeline, done by `units` units of work.

    The last of the steps is a global one, except in the last stage: behind it stands a barrier
    that divides into `partitions` and has so many tasks at each of its levels.
    """

    index: int
    start: int
    end: int
    units: int
    is_exchanged: bool
    """Whether its units are parts of what a barrier put in order, and not the shards."""
    partitions: int = 0
    levels: tuple[int, ...] = ()
    beside: int = 0
    """How many of the units, the last ones, read the input that the global step looks up."""

    @property
    def tasks(self) -> tuple[range, ...]:
        """Return the numbers of the tasks of each level: they are counted on through all levels."""
        starts = [sum(self.levels[:level]) for level in range(len(self.levels))]
        return tuple(
            range(start, start + count) for start, count in zip(starts, self.levels, strict=True)
        )

    def level_and_place(self, task: int) -> tuple[int, int]:
        """Return the level of a task, and its place in it."""
        for level, tasks in enumerate(self.tasks):
            if task in tasks:
                return level, task - tasks.start
        raise IndexError(f"Stage {self.index} has no task {task}.")


def stages(steps: Sequence[Operator], rows: Load, beside: Mapping[int, Load]) -> Iterator[Stage]:
    """Yield the stages; a global step belongs to the stage that it ends.

    `beside` is what there is of each input that steps look up, by its number.
    """
    index = start = 0
    units, exchanged = rows.shards, False
    for position, step in enumerate(steps):
        if isinstance(step, Barrier):
            looked_up = step.looks_up()
            more = Load() if looked_up is None else beside[looked_up]
            count = step.partitions(units, rows.bytes + more.bytes)
            end, levels = position + 1, step.levels(count)
            whole = units + more.shards
            yield Stage(index, start, end, whole, exchanged, count, levels, more.shards)
            index, start = index + 1, end
            units, exchanged = step.units_behind(units, count), exchanged or step.EXCHANGES
    yield Stage(index, start, len(steps), units, exchanged)
